//! §4.8 A message that is taken apart into chunks is put together again.

use proptest::prelude::*;
use ropewalk_core::*;
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
            ContentBlock::ToolUse(ToolUse { extra, ..ToolUse::new("", name, input) })
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
                tool_use.tool_use_id = format!("t{at}");
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
        let turn = assemble(chunks);
        prop_assert_eq!(turn.message, message);
        prop_assert_eq!((turn.stop_reason, turn.usage), (reason, usage));
    }
}
