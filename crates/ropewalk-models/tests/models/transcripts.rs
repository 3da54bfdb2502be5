//! Any valid transcript is taken: conversations made at random, of every kind of block there is.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use ropewalk_core::{ContentBlock, Message, ModelRequest, Role, ToolSpec, Transcript};
use ropewalk_testkit::conformance::Case;
use serde_json::{Value, json};

use crate::kit::Wire;
use crate::support::{Server, collect, said};

/// A block that may stand in a message of either role.
fn block() -> impl Strategy<Value = Value> {
    let text = prop_oneof![Just(""), Just(" \n"), Just("High."), Just("Säntis 🏔\u{0}")];
    let source = prop_oneof![
        3 => Just(json!({"bytes": {"__bytes_encoded__": true, "data": "aGlnaA=="}})),
        1 => Just(json!({"location": {"type": "s3", "uri": "s3://bucket/key"}})),
        1 => Just(json!({"location": {"type": "url", "uri": "https://example.org/x"}})),
    ];
    let formats = prop::sample::select(vec!["png", "pdf", "txt", "docx", "mp4", "wav", "odd"]);
    let media = (source, formats).prop_flat_map(|(source, format)| {
        let block = move |kind: &str| match kind {
            "document" => json!({kind: {"format": format, "name": "a.plan: 2", "source": source}}),
            _ => json!({kind: {"format": format, "source": source}}),
        };
        prop::sample::select(vec!["image", "document", "video", "audio"]).prop_map(block)
    });
    let others = prop::sample::select(vec![
        json!({"reasoningContent": {"reasoningText": {"text": "Hm."}}}),
        json!({"reasoningContent": {"reasoningText": {"text": "", "signature": "c2lnbmVk"}}}),
        json!({"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2lnbmVk"}}}),
        json!({"reasoningContent": {"redactedContent": {"__bytes_encoded__": true, "data": "c2VhbA=="}}}),
        json!({"cachePoint": {"type": "default"}}),
        json!({"guardContent": {"text": {"text": "guarded"}}}),
        json!({"citationsContent": {"citations": [{"title": "Alps"}], "content": [{"text": "cited"}]}}),
        json!({"hologram": {"angle": 7}}),
    ]);
    prop_oneof![4 => text.prop_map(|text| json!({"text": text})), 2 => media, 3 => others]
}

/// What a tool gave.
fn given() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"text": "seen"}),
        json!({"text": ""}),
        json!({"json": {"metres": 2502}}),
        json!({"json": null}),
        json!({"image": {"format": "png", "source": {"bytes": {"__bytes_encoded__": true, "data": "aGlnaA=="}}}}),
        json!({"document": {"format": "pdf", "name": "plan", "source": {"bytes": {"__bytes_encoded__": true, "data": "aGlnaA=="}}}}),
        json!({"hologram": 1}),
    ])
}

fn call() -> impl Strategy<Value = (String, String, Value)> {
    let id = prop::sample::select(vec![
        "t",
        "call_",
        "a b/c:",
        "ü",
        "functions.look:",
        "toolu_01AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_",
    ]);
    let name = prop::sample::select(vec!["look", "look at <this>", ""]);
    let input =
        prop::sample::select(vec![json!({"place": "x"}), json!({}), json!(null), json!([1])]);
    (id, name, input).prop_map(|(id, name, input)| (id.to_owned(), name.to_owned(), input))
}

/// A message, or a turn of tool calls with their results.
fn turn() -> impl Strategy<Value = Vec<Value>> {
    let blocks = || prop::collection::vec(block(), 0..4);
    let message = (prop::sample::select(vec!["user", "assistant"]), blocks())
        .prop_map(|(role, content)| vec![json!({"role": role, "content": content})]);
    let calls =
        prop::collection::vec((call(), prop::collection::vec(given(), 0..3), any::<bool>()), 1..4);
    let tools = (blocks(), calls, blocks(), blocks()).prop_map(|(before, calls, words, after)| {
        let (mut asked, mut answered) = (before, words);
        for (at, ((id, name, input), content, failed)) in calls.into_iter().enumerate() {
            let id = format!("{id}{at}");
            let status = if failed { "error" } else { "success" };
            asked.push(json!({"toolUse": {"toolUseId": id, "name": name, "input": input}}));
            let result = json!({"toolUseId": id, "status": status, "content": content});
            answered.push(json!({"toolResult": result}));
        }
        answered.extend(after);
        vec![
            json!({"role": "assistant", "content": asked}),
            json!({"role": "user", "content": answered}),
        ]
    });
    prop_oneof![2 => message, 1 => tools]
}

/// Any valid transcript that ends with a question.
pub(crate) fn transcript() -> impl Strategy<Value = Transcript> {
    prop::collection::vec(turn(), 0..6).prop_map(|turns| {
        let said: Vec<Message> = serde_json::from_value(turns.concat().into()).unwrap();
        let question = Message::new(Role::User, vec![ContentBlock::from("How high?")]);
        let messages = said.into_iter().chain([question]);
        Transcript::from_messages(messages).unwrap()
    })
}

/// Puts many transcripts to a model before a server that answers well, and checks each body that it sends.
pub(crate) fn all_taken<W: Wire>(wire: &W, check: impl Fn(&Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let run =
        TestRunner::new(config).run(&(transcript(), any::<bool>()), |(transcript, with_tools)| {
            runtime.block_on(async {
                let server = Server::always(wire.reply(Case::Text).unwrap()).await;
                let model = wire.model(&server.origin, std::time::Duration::from_secs(60));
                let mut request = ModelRequest::new(transcript).with_system("Be brief.");
                if with_tools {
                    request = request.with_tools([ToolSpec::new(
                        "look",
                        "Looks.",
                        json!({"type": "object"}),
                    )]);
                }
                // Twice: the second is put together from what is kept of the first.
                for _ in 0..2 {
                    let (chunks, error) = collect(&model, request.clone()).await;
                    assert!(error.is_none(), "{error:?}");
                    assert_eq!(said(&chunks).text, Case::TEXT);
                }
                let seen = server.seen();
                assert_eq!(seen[0].body, seen[1].body);
                check(&seen[0].body);
            });
            Ok(())
        });
    run.unwrap();
}
