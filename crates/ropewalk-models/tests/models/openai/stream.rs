//! How answers are read: orders, gaps, breaks and silence that servers are known for.

mod breaks;
mod calls;
mod waiting;

use pretty_assertions::assert_eq;
use ropewalk_core::{ErrorKind, ModelChunk};
use serde_json::{Value, json};

use crate::support::{DONE, Reply, Server, ask, collect, delta, event, finish, said};

async fn answer(events: &[String]) -> (Vec<ModelChunk>, Option<ropewalk_core::Error>) {
    let server = Server::start([Reply::sse(&events.concat())]).await;
    collect(&server.model(), ask("?")).await
}

/// What chunks say, each in a word or two.
fn words(chunks: &[ModelChunk]) -> Vec<String> {
    let words = chunks.iter().map(|chunk| match serde_json::to_value(chunk).unwrap() {
        Value::Object(map) => match map.into_iter().next().unwrap() {
            (key, value) if key == "contentBlockDelta" => {
                let delta = &value["delta"];
                let text = [
                    &delta["text"],
                    &delta["toolUse"]["input"],
                    &delta["reasoningContent"]["text"],
                ];
                text.into_iter().find_map(|text| text.as_str()).unwrap().to_owned()
            }
            (key, value) if key == "contentBlockStart" => {
                match &value["start"]["toolUse"]["name"] {
                    Value::String(name) => format!("<{name}>"),
                    _ => "<>".to_owned(),
                }
            }
            (key, _) if key == "contentBlockStop" => "</>".to_owned(),
            (key, _) => key,
        },
        _ => unreachable!(),
    });
    words.collect()
}

fn call(index: u64, id: &str, name: &str, arguments: &str) -> String {
    delta(json!({"tool_calls": [{"index": index, "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}}]}))
}

fn more(index: u64, arguments: &str) -> String {
    delta(json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}))
}

#[tokio::test]
async fn text_thoughts_and_calls_become_blocks_in_order() {
    let (chunks, error) = answer(&[
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"reasoning_content": "Hm", "reasoning": "Hm"})),
        delta(json!({"reasoning": "."})),
        delta(json!({"content": "Let me "})),
        delta(json!({"content": "see."})),
        call(0, "a", "look", ""),
        more(0, "{\"x\""),
        more(0, ": 1}"),
        finish("tool_calls"),
        event(json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4,
            "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 5}}})),
        DONE.into(),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    let expected = [
        "messageStart",
        "<>",
        "Hm",
        ".",
        "</>",
        "<>",
        "Let me ",
        "see.",
        "</>",
        "<look>",
        "{\"x\"",
        ": 1}",
        "</>",
        "messageStop",
        "metadata",
    ];
    assert_eq!(words(&chunks), expected);
    let said = said(&chunks);
    assert_eq!(said.stop, "tool_use");
    assert_eq!((said.usage.input_tokens, said.usage.output_tokens), (9, 4));
    assert_eq!((said.usage.total_tokens, said.usage.cache_read_input_tokens), (13, Some(5)));
    let Some(ModelChunk::Metadata(metadata)) = chunks.last() else { panic!("{chunks:?}") };
    let first = metadata.metrics.time_to_first_byte_ms.unwrap();
    assert!(first <= metadata.metrics.latency_ms);
}

#[tokio::test]
async fn reasons_to_stop_are_translated_and_strange_ones_kept() {
    for (reason, expected) in [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("model_length", "max_tokens"),
        ("content_filter", "content_filtered"),
        ("stop_sequence", "stop_sequence"),
        ("boredom", "boredom"),
    ] {
        let (chunks, error) =
            answer(&[delta(json!({"content": "a"})), finish(reason), DONE.into()]).await;
        assert!(error.is_none());
        assert_eq!(said(&chunks).stop, expected);
    }
    for reason in ["error", "insufficient_system_resource"] {
        let (_, error) =
            answer(&[delta(json!({"content": "a"})), finish(reason), DONE.into()]).await;
        assert_eq!(error.unwrap().kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_and_parts_in_lists_are_understood() {
    let whole = json!({"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": "Grüezi"}]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    for reply in [
        Reply::json(200, &[], &whole.to_string()),
        Reply::pieces("text/event-stream", [b"\n \r\n" as &[u8], whole.to_string().as_bytes()]),
        Reply::sse(&event(whole.clone())),
    ] {
        let server = Server::start([reply]).await;
        let (chunks, error) = collect(&server.model(), ask("?")).await;
        assert!(error.is_none(), "{error:?}");
        let said = said(&chunks);
        assert_eq!((said.reasoning.as_str(), said.text.as_str()), ("Hm.", "Grüezi"));
        assert_eq!(said.usage.total_tokens, 3);
    }
}

#[tokio::test]
async fn a_refusal_is_text_and_an_old_function_call_a_call() {
    let (chunks, _) =
        answer(&[delta(json!({"refusal": "I can't"})), finish("stop"), DONE.into()]).await;
    assert_eq!(said(&chunks).text, "I can't");
    let old = |name: Value, arguments: &str| {
        delta(json!({"function_call": {"name": name, "arguments": arguments}}))
    };
    let (chunks, error) = answer(&[
        old(json!("one"), ""),
        old(json!(null), "{}"),
        finish("function_call"),
        DONE.into(),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    let said = said(&chunks);
    assert_eq!((said.calls[0].1.as_str(), said.calls[0].2.as_str()), ("one", "{}"));
    assert_eq!(said.stop, "tool_use");
}

#[tokio::test]
async fn a_message_beside_the_new_piece_and_odd_counts_do_no_harm() {
    let piece = |new: &str, all: &str| {
        event(
            json!({"choices": [{"index": 0, "delta": {"content": new}, "message": {"content": all}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": "many", "total_tokens": 4.5}}),
        )
    };
    let events = [piece("a", "a"), piece("b", "ab"), finish("stop"), DONE.into()];
    let (chunks, error) = answer(&events).await;
    assert!(error.is_none(), "{error:?}");
    let said = said(&chunks);
    assert_eq!((said.text.as_str(), said.usage.input_tokens), ("ab", 3));
}

/// OpenAI counts thoughts as a part of the completion, xAI beside it: only the total tells.
#[tokio::test]
async fn thoughts_are_a_part_of_the_output_however_a_server_counts_them() {
    for (completion, total) in [(9, 12), (4, 12)] {
        let usage = json!({"prompt_tokens": 3, "completion_tokens": completion, "total_tokens": total,
            "completion_tokens_details": {"reasoning_tokens": 5}});
        let events = [finish("stop"), event(json!({"choices": [], "usage": usage})), DONE.into()];
        let usage = said(&answer(&events).await.0).usage;
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (3, 9, 12));
        assert_eq!(usage.reasoning_output_tokens, Some(5));
    }
}

#[tokio::test]
async fn odd_json_is_read_as_far_as_it_means_something() {
    let answers = [
        // Names that stand twice: the last one counts.
        r#"{"choices": [], "choices": [{"delta": {"content": "no", "content": "yes\n\u00fc"}}]}"#,
        r#"{"choices": [{"index": 1, "delta": {"content": "no"}}, {"delta": {"content": "yes\n\u00fc"}}]}"#,
        r#"{"object": 7, "choices": [{"delta": {"content": "yes\n\u00fc", "reasoning": {"a": [1, 2.5, true, null]}}}]}"#,
        r#"{"choices": [{"delta": {"content": "yes\n\u00fc", "reasoning": 1}, "message": {"content": "no"}}], "usage": -1}"#,
    ];
    for text in answers {
        let events = [format!("data: {text}\n\n"), finish("stop"), DONE.into()];
        let (chunks, error) = answer(&events).await;
        assert!(error.is_none(), "{text}: {error:?}");
        assert_eq!(said(&chunks).text, "yes\nü", "{text}");
    }
    let empty = r#"{"object": "chunk", "choices": null, "error": null, "usage": null}"#;
    let events = [format!("data: {empty}\n\n"), delta(json!({"content": "a"})), DONE.into()];
    let (chunks, error) = answer(&events).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(said(&chunks).text, "a");
}
