//! The conformance kit for models.

use std::collections::BTreeSet;
use std::time::Duration;

use ropewalk_models::AnthropicModel;
use ropewalk_testkit::conformance::Case;
use serde_json::{Value, json};

use super::{block, delta, done, end, event, input, stream, text};
use crate::kit::{Wire, pieces, tried};
use crate::support::{Reply, Step, chunked};
use crate::transcripts::all_taken;

struct Messages;

impl Wire for Messages {
    type Model = AnthropicModel;

    fn model(&self, origin: &str, patience: Duration) -> AnthropicModel {
        let builder = AnthropicModel::builder("m").base_url(origin).api_key("sk-key");
        builder.data_timeout(patience).build().unwrap()
    }

    fn reply(&self, case: Case) -> Option<Reply> {
        let begun = [start(), words(), text(0, pieces()[0])];
        let begun = Reply::open("text/event-stream").chunk(stream(&begun).as_bytes());
        Some(match case {
            Case::Text => whole(said(0), "end_turn"),
            Case::Reasoning => {
                let thought = json!({"type": "thinking_delta", "thinking": Case::THOUGHT});
                let begin = block(0, json!({"type": "thinking", "thinking": "", "signature": ""}));
                let seal = json!({"type": "signature_delta", "signature": "c2lnbmVk"});
                let mut events = vec![begin, delta(0, thought), delta(0, seal), end(0)];
                events.extend(said(1));
                whole(events, "end_turn")
            }
            Case::ToolCall => {
                let arguments = ["{\"place\": \"Sän", "tis\", \"times\": 3}"];
                let mut events = said(0);
                events.extend(call(1, "a", arguments));
                whole(events, "tool_use")
            }
            Case::ToolCalls => {
                let mut events = call(0, "a", ["{\"place\": \"Säntis\",", "\"times\": 1}"]);
                events.extend(call(1, "b", ["{\"place\": \"Eiger\"", ",\"times\": 2}"]));
                whole(events, "tool_use")
            }
            Case::MalformedArguments => whole(call(0, "a", ["{\"place\": ", "\"Sän"]), "tool_use"),
            Case::MaxTokens => whole(said(0), "max_tokens"),
            Case::BreaksOff => begun.end(),
            Case::FailsMidway => {
                let failure = failure("Overloaded", "overloaded_error");
                begun.chunk(event(&failure).as_bytes()).end()
            }
            Case::OnlyAlive => {
                let ping = chunked(event(&super::ping()).as_bytes());
                Reply::open("text/event-stream").step(Step::Drip(ping, Duration::from_millis(50)))
            }
            Case::Hangs => begun.step(Step::Hang),
            Case::Throttled => {
                refusal(429, &[("retry-after", "2")], "Too many requests", "rate_limit_error")
            }
            Case::TooLong => {
                let words = "prompt is too long: 205000 tokens > 200000 maximum";
                refusal(400, &[], words, "invalid_request_error")
            }
            Case::Unauthorized => refusal(401, &[], "invalid x-api-key", "authentication_error"),
            Case::Rejected => {
                refusal(400, &[], "temperature: range: 0..1", "invalid_request_error")
            }
            Case::Unavailable => refusal(529, &[], "Overloaded", "overloaded_error"),
            _ => return None,
        })
    }
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "content": [], "model": "m", "usage": {"input_tokens": Case::INPUT_TOKENS, "output_tokens": 1}}})
}

fn words() -> Value {
    block(0, json!({"type": "text", "text": ""}))
}

fn said(index: u64) -> Vec<Value> {
    let [first, second] = pieces();
    let begin = block(index, json!({"type": "text", "text": ""}));
    vec![begin, text(index, first), text(index, second), end(index)]
}

fn call(index: u64, id: &str, arguments: [&str; 2]) -> Vec<Value> {
    let begin = block(index, json!({"type": "tool_use", "id": id, "name": "look", "input": {}}));
    let [first, second] = arguments;
    vec![begin, input(index, first), input(index, second), end(index)]
}

fn whole(blocks: Vec<Value>, reason: &str) -> Reply {
    let mut events = vec![start()];
    events.extend(blocks);
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": reason},
        "usage": {"output_tokens": Case::OUTPUT_TOKENS}}));
    events.push(done());
    Reply::sse(&stream(&events))
}

fn failure(message: &str, kind: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn refusal(status: u16, headers: &[(&str, &str)], message: &str, kind: &str) -> Reply {
    Reply::json(status, headers, &failure(message, kind).to_string())
}

#[tokio::test]
async fn anthropic_keeps_the_rules_of_models() {
    tried(Messages).await;
}

/// What the interface refuses a conversation for.
#[test]
fn any_transcript_becomes_a_conversation_that_the_interface_takes() {
    all_taken(&Messages, |body| {
        let messages = body["messages"].as_array().unwrap();
        let role = |message: Option<&Value>| message.unwrap()["role"].as_str().unwrap().to_owned();
        assert_eq!((role(messages.first()), role(messages.last())), ("user".into(), "user".into()));
        let (mut open, mut seen, mut marks) = (Vec::new(), BTreeSet::new(), 0);
        for message in messages {
            let is_user = message["role"] == "user";
            let blocks = message["content"].as_array().unwrap();
            assert!(!blocks.is_empty(), "{message}");
            let mut before_results = true;
            for block in blocks {
                let kind = block["type"].as_str().unwrap();
                before_results &= kind == "tool_result";
                marks += usize::from(block.get("cache_control").is_some());
                match kind {
                    "text" => {
                        assert!(!block["text"].as_str().unwrap().trim().is_empty(), "{message}")
                    }
                    "image" | "document" => assert!(is_user && block["source"].is_object()),
                    "thinking" => assert!(!is_user && block["signature"] == "c2lnbmVk"),
                    "redacted_thinking" => assert!(!is_user && block["data"].is_string()),
                    "tool_use" => {
                        let id = block["id"].as_str().unwrap().to_owned();
                        assert!(
                            !is_user && block["input"].is_object() && is_word(&id),
                            "{message}"
                        );
                        assert!(is_word(block["name"].as_str().unwrap()));
                        assert!(seen.insert(id.clone()), "{id} comes twice");
                        open.push(id);
                    }
                    "tool_result" => {
                        assert!(is_user && before_results, "{message}");
                        let id = block["tool_use_id"].as_str().unwrap();
                        let at = open.iter().position(|other| other == id);
                        open.remove(at.unwrap_or_else(|| panic!("{id} answers nothing")));
                        let parts = block["content"].as_array().unwrap();
                        let is_text = |part: &Value| part["type"] == "text";
                        if block["is_error"] == true {
                            assert!(!parts.is_empty() && parts.iter().all(is_text), "{message}");
                        }
                        let blank = |part: &&Value| {
                            part["text"].as_str().is_some_and(|it| it.trim().is_empty())
                        };
                        assert_eq!(parts.iter().find(blank), None);
                    }
                    other => panic!("{other}"),
                }
                assert!(!kind.contains("thinking") || block.get("cache_control").is_none());
            }
            assert!(!is_user || open.is_empty(), "{open:?} without results before {message}");
        }
        assert!(marks <= 4, "{marks} cache points");
        assert!(seen.is_empty() || body["tools"].is_array());
    });
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
