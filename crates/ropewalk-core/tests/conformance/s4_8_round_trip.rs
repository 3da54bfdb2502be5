//! §4.8 A message that is taken apart into chunks is put together again.

use std::sync::Arc;

use futures_util::StreamExt as _;
use proptest::prelude::*;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::s4_8_aggregation::assemble;

/// Blocks of any kind that a model can stream.
fn block() -> impl Strategy<Value = ContentBlock> {
    let text = || "[a-zäö\" ]{1,6}";
    let input = prop_oneof![
        Just(json!({})),
        (text(), any::<i64>()).prop_map(|(key, n)| json!({key: [n, null, true]})),
    ];
    let signature = prop::option::of("[a-z]{1,4}");
    let extra = signature.clone().prop_map(|signature| {
        signature
            .map(|signature| ("reasoningSignature".to_owned(), json!(signature)))
            .into_iter()
            .collect::<Extra>()
    });
    prop_oneof![
        text().prop_map(ContentBlock::Text),
        (text(), input, extra).prop_map(|(name, input, extra)| {
            ContentBlock::from(ToolUse { extra, ..ToolUse::new("", name, input) })
        }),
        (text(), signature).prop_map(|(text, signature)| {
            let thoughts = ReasoningText { text, signature, extra: Extra::new() };
            ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thoughts))
        }),
        prop::collection::vec(any::<u8>(), 1..9).prop_map(|bytes| {
            let sealed = ReasoningContent::RedactedContent(bytes.into());
            ContentBlock::ReasoningContent(sealed)
        }),
        (text(), prop::collection::vec(text(), 1..3)).prop_map(|(text, titles)| {
            let citations = titles
                .into_iter()
                .map(|title| Citation { title: Some(title), ..Citation::default() });
            ContentBlock::CitationsContent(CitationsContent {
                citations: citations.collect(),
                content: vec![TextBlock { text }],
                extra: Extra::new(),
            })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_taken_apart_is_put_together_again(
        mut content in prop::collection::vec(block(), 0..6),
    ) {
        for (at, block) in content.iter_mut().enumerate() {
            if let ContentBlock::ToolUse(tool_use) = block {
                Arc::make_mut(tool_use).tool_use_id = format!("t{at}");
            }
        }
        let message = Message::new(Role::Assistant, content);
        let reason = match message.tool_uses().next() {
            Some(_) => StopReason::ToolUse,
            None => StopReason::EndTurn,
        };
        let usage = Usage::new(1, 2);
        let chunks = ModelChunk::from_message(&message, reason.clone(), usage);
        // Chunks survive JSON, as they do between processes.
        let json = serde_json::to_string(&chunks).unwrap();
        let chunks: Vec<ModelChunk> = serde_json::from_str(&json).unwrap();
        let turn = assemble(chunks.clone());
        prop_assert_eq!(&turn.message, &message);
        prop_assert_eq!((turn.stop_reason, turn.usage), (reason, usage));
        // The same by way of an agent, whoever listens.
        let pieces: Vec<ModelChunk> = chunks.into_iter().flat_map(cut).collect();
        for is_heard in [false, true] {
            let kept = kept_of(pieces.clone(), is_heard);
            prop_assert_eq!(&kept.content, &message.content, "heard: {}", is_heard);
        }
    }
}

/// Text and arguments character by character.
fn cut(chunk: ModelChunk) -> Vec<ModelChunk> {
    let ModelChunk::ContentBlockDelta(block) = &chunk else { return vec![chunk] };
    match &block.delta {
        BlockDelta::Text(text) => {
            text.chars().map(|letter| ModelChunk::text_delta(letter.to_string())).collect()
        }
        BlockDelta::ToolUse(delta) => {
            let letters = delta.input.chars();
            letters.map(|letter| ModelChunk::input_delta(letter.to_string())).collect()
        }
        _ => vec![chunk],
    }
}

/// What an agent keeps of an answer.
fn kept_of(chunks: Vec<ModelChunk>, is_heard: bool) -> Message {
    futures_executor::block_on(async {
        let model = ScriptedModel::new([Reply::chunks(chunks), Reply::text("done")]);
        let builder = Agent::builder().no_callback_handler().model(model);
        let mut agent = builder.build().await.unwrap();
        if is_heard {
            agent.stream("q").collect::<Vec<_>>().await;
        } else {
            agent.invoke("q").await.unwrap();
        }
        Message::clone(&agent.messages()[1])
    })
}
