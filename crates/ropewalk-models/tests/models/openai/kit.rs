//! The conformance kit for models.

use std::time::Duration;

use ropewalk_models::OpenAiChat;
use ropewalk_testkit::conformance::Case;
use serde_json::{Value, json};

use crate::kit::{Wire, pieces, tried};
use crate::support::{DONE, Reply, Step, chunked, delta, event, finish};
use crate::transcripts::all_taken;

pub(crate) struct Chat;

impl Wire for Chat {
    type Model = OpenAiChat;

    fn model(&self, origin: &str, patience: Duration) -> OpenAiChat {
        let builder = OpenAiChat::builder("m").base_url(format!("{origin}/v1")).api_key("sk-key");
        builder.data_timeout(patience).build().unwrap()
    }

    fn reply(&self, case: Case) -> Option<Reply> {
        let begun = Reply::open("text/event-stream").chunk(said(pieces()[0]).as_bytes());
        Some(match case {
            Case::Text => stream(&[text(), finish("stop")]),
            Case::Reasoning => {
                let thought = delta(json!({"reasoning_content": Case::THOUGHT}));
                stream(&[thought, text(), finish("stop")])
            }
            Case::ToolCall => {
                let arguments = ["{\"place\": \"Sän", "tis\", \"times\": 3}"];
                stream(&[text(), call(0, "a", arguments), finish("tool_calls")])
            }
            Case::ToolCalls => {
                let first = call(0, "a", ["{\"place\": \"Säntis\",", "\"times\": 1}"]);
                let second = call(1, "b", ["{\"place\": \"Eiger\"", ",\"times\": 2}"]);
                stream(&[first, second, finish("tool_calls")])
            }
            Case::MalformedArguments => {
                stream(&[call(0, "a", ["{\"place\": ", "\"Sän"]), finish("tool_calls")])
            }
            Case::MaxTokens => stream(&[text(), finish("length")]),
            Case::BreaksOff => begun.end(),
            Case::FailsMidway => {
                let failure = json!({"error": {"message": "overloaded", "type": "server_error"}});
                begun.chunk(event(failure).as_bytes()).end()
            }
            Case::OnlyAlive => Reply::open("text/event-stream")
                .step(Step::Drip(chunked(b": ping\n\n"), Duration::from_millis(50))),
            Case::Hangs => begun.step(Step::Hang),
            Case::Throttled => {
                refusal(429, &[("retry-after", "2")], "Rate limit reached", "rate_limit_exceeded")
            }
            Case::TooLong => refusal(400, &[], "too long", "context_length_exceeded"),
            Case::Unauthorized => refusal(401, &[], "Incorrect API key", "invalid_api_key"),
            Case::Rejected => refusal(400, &[], "unknown parameter", "unknown_parameter"),
            Case::Unavailable => refusal(503, &[], "The engine is overloaded", "overloaded"),
            _ => return None,
        })
    }
}

fn said(piece: &str) -> String {
    delta(json!({"content": piece}))
}

fn text() -> String {
    pieces().map(said).concat()
}

fn call(index: u64, id: &str, arguments: [&str; 2]) -> String {
    let piece = |function: Value| {
        delta(json!({"tool_calls": [{"index": index, "id": id, "function": function}]}))
    };
    let [first, second] = arguments;
    piece(json!({"name": "look", "arguments": first})) + &piece(json!({"arguments": second}))
}

fn stream(events: &[String]) -> Reply {
    let (input, output) = (Case::INPUT_TOKENS, Case::OUTPUT_TOKENS);
    let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    Reply::sse(&(events.concat() + &event(json!({"choices": [], "usage": usage})) + DONE))
}

fn refusal(status: u16, headers: &[(&str, &str)], message: &str, code: &str) -> Reply {
    let error =
        json!({"error": {"message": message, "code": code, "type": "invalid_request_error"}});
    Reply::json(status, headers, &error.to_string())
}

#[tokio::test]
async fn the_chat_keeps_the_rules_of_models() {
    tried(Chat).await;
}

/// Each call has its result right behind it, no message is empty, and nothing is there that the interface does not
/// know.
#[test]
fn any_transcript_becomes_a_chat() {
    all_taken(&Chat, |body| {
        let mut open: Vec<&str> = Vec::new();
        for message in body["messages"].as_array().unwrap() {
            let role = message["role"].as_str().unwrap();
            if role == "tool" {
                let id = message["tool_call_id"].as_str().unwrap();
                assert!(id.len() <= 40, "{id}");
                let at = open.iter().position(|call| *call == id);
                open.remove(at.unwrap_or_else(|| panic!("{id} answers nothing in {body}")));
                continue;
            }
            assert!(open.is_empty(), "{open:?} are not answered in {body}");
            let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
            open = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
            let content = &message["content"];
            let is_empty = content.is_null() || content == "" || content == &json!([]);
            assert!(!is_empty || !calls.is_empty(), "an empty message in {body}");
            for part in content.as_array().into_iter().flatten() {
                let kind = part["type"].as_str().unwrap();
                assert!(["text", "image_url", "file", "input_audio"].contains(&kind), "{part}");
            }
        }
        assert!(open.is_empty(), "{open:?} are not answered in {body}");
    });
}
