//! The conformance kit for models.

use std::time::Duration;

use ropewalk_models::OpenAiResponses;
use ropewalk_testkit::conformance::Case;
use serde_json::{Value, json};

use super::{about, added, call, completed, created, done, ended, text};
use crate::kit::{Wire, pieces, tried};
use crate::support::{Reply, Step, chunked, event};
use crate::transcripts::all_taken;

struct Responses {
    stateful: bool,
}

impl Wire for Responses {
    type Model = OpenAiResponses;

    fn model(&self, origin: &str, patience: Duration) -> OpenAiResponses {
        let builder = OpenAiResponses::builder("m").base_url(format!("{origin}/v1"));
        let builder = builder.api_key("sk-key").data_timeout(patience).stateful(self.stateful);
        builder.build().unwrap()
    }

    fn reply(&self, case: Case) -> Option<Reply> {
        let piece =
            about("output_text.delta", 0, json!({"content_index": 0, "delta": pieces()[0]}));
        let begun = created() + &added(0, json!({"type": "message", "content": []})) + &piece;
        let begun = Reply::open("text/event-stream").chunk(begun.as_bytes());
        let said = |item| text(item, &pieces());
        Some(match case {
            Case::Text => stream(&[said(0)]),
            Case::Reasoning => {
                let item = |summary: Value| json!({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "x"});
                let thought = [
                    added(0, item(json!([]))),
                    about(
                        "reasoning_summary_text.delta",
                        0,
                        json!({"summary_index": 0, "delta": Case::THOUGHT}),
                    ),
                    done(0, item(json!([{"type": "summary_text", "text": Case::THOUGHT}]))),
                ];
                stream(&[thought.concat(), said(1)])
            }
            Case::ToolCall => {
                stream(&[said(0), call(1, "a", &["{\"place\": \"Sän", "tis\", \"times\": 3}"])])
            }
            Case::ToolCalls => {
                let first = call(0, "a", &["{\"place\": \"Säntis\",", "\"times\": 1}"]);
                stream(&[first, call(1, "b", &["{\"place\": \"Eiger\"", ",\"times\": 2}"])])
            }
            Case::MalformedArguments => stream(&[call(0, "a", &["{\"place\": ", "\"Sän"])]),
            Case::MaxTokens => {
                let reason = json!({"incomplete_details": {"reason": "max_output_tokens"}});
                Reply::sse(&(created() + &said(0) + &ended("incomplete", reason)))
            }
            Case::BreaksOff => begun.end(),
            Case::FailsMidway => {
                let error = json!({"error": {"code": "server_error", "message": "it broke"}});
                begun.chunk(ended("failed", error).as_bytes()).end()
            }
            Case::OnlyAlive => {
                let ping = event(json!({"type": "keepalive", "sequence_number": 3}));
                let ping = chunked(ping.as_bytes());
                Reply::open("text/event-stream").step(Step::Drip(ping, Duration::from_millis(50)))
            }
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

fn stream(items: &[String]) -> Reply {
    Reply::sse(&(created() + &items.concat() + &completed()))
}

fn refusal(status: u16, headers: &[(&str, &str)], message: &str, code: &str) -> Reply {
    let error =
        json!({"error": {"message": message, "code": code, "type": "invalid_request_error"}});
    Reply::json(status, headers, &error.to_string())
}

#[tokio::test]
async fn responses_keep_the_rules_of_models() {
    tried(Responses { stateful: false }).await;
    tried(Responses { stateful: true }).await;
}

/// Each call has its result behind it, no text is empty, and nothing is there that the interface does not know.
#[test]
fn any_transcript_becomes_items() {
    all_taken(&Responses { stateful: true }, |body| {
        let mut open: Vec<&str> = Vec::new();
        for item in body["input"].as_array().unwrap() {
            match item["type"].as_str().unwrap() {
                "function_call" => {
                    assert!(
                        serde_json::from_str::<Value>(item["arguments"].as_str().unwrap()).is_ok()
                    );
                    assert!(!item["name"].as_str().unwrap().contains(' '), "{item}");
                    open.push(item["call_id"].as_str().unwrap());
                }
                "function_call_output" => {
                    let id = item["call_id"].as_str().unwrap();
                    assert!(id.len() <= 64, "{id}");
                    let at = open.iter().position(|call| *call == id);
                    open.remove(at.unwrap_or_else(|| panic!("{id} answers nothing in {body}")));
                }
                "message" => {
                    let parts = item["content"].as_array().unwrap();
                    assert!(!parts.is_empty(), "an empty message in {body}");
                    for part in parts {
                        let kind = part["type"].as_str().unwrap();
                        let known: &[&str] = match item["role"].as_str().unwrap() {
                            "assistant" => &["output_text"],
                            _ => &["input_text", "input_image", "input_file"],
                        };
                        assert!(known.contains(&kind), "{part}");
                        assert_ne!(part["text"].as_str().map(str::trim), Some(""), "{body}");
                    }
                }
                other => panic!("an item of the type {other}"),
            }
        }
        assert!(open.is_empty(), "{open:?} are not answered in {body}");
    });
}
