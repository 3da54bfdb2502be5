//! The conformance kit for models.

use std::time::Duration;

use ropewalk_models::GeminiModel;
use ropewalk_testkit::conformance::Case;
use serde_json::{Value, json};

use super::{finish, parts};
use crate::kit::{Wire, pieces, tried};
use crate::support::{Reply, Step, chunked, event};
use crate::transcripts::all_taken;

struct Gemini {
    id: &'static str,
}

impl Wire for Gemini {
    type Model = GeminiModel;

    fn model(&self, origin: &str, patience: Duration) -> GeminiModel {
        let builder = GeminiModel::builder(self.id).base_url(origin).api_key("AIza-key");
        builder.data_timeout(patience).build().unwrap()
    }

    fn reply(&self, case: Case) -> Option<Reply> {
        let begun = Reply::open("text/event-stream").chunk(said(pieces()[0]).as_bytes());
        Some(match case {
            Case::Text => stream(&[text(), finish("STOP")]),
            Case::Reasoning => {
                let thought = parts(json!([{"text": Case::THOUGHT, "thought": true}]));
                stream(&[thought, text(), finish("STOP")])
            }
            Case::ToolCall => {
                let call = calls(&[json!({"place": "Säntis", "times": 3})]);
                stream(&[text(), call, finish("STOP")])
            }
            Case::ToolCalls => {
                let (first, second) = ("Säntis", "Eiger");
                let call = calls(&[
                    json!({"place": first, "times": 1}),
                    json!({"place": second, "times": 2}),
                ]);
                stream(&[call, finish("STOP")])
            }
            Case::MalformedArguments => {
                stream(&[calls(&["{\"place\": \"Sän".into()]), finish("STOP")])
            }
            Case::MaxTokens => stream(&[text(), finish("MAX_TOKENS")]),
            Case::BreaksOff => begun.end(),
            Case::FailsMidway => begun
                .chunk(event(error(503, "UNAVAILABLE", "The model is overloaded.", &[])).as_bytes())
                .end(),
            Case::OnlyAlive => {
                let beat = event(json!({"usageMetadata": {"promptTokenCount": 11}}));
                Reply::open("text/event-stream")
                    .step(Step::Drip(chunked(beat.as_bytes()), Duration::from_millis(50)))
            }
            Case::Hangs => begun.step(Step::Hang),
            Case::Throttled => {
                let wait = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"});
                refusal(429, error(429, "RESOURCE_EXHAUSTED", "You exceeded your quota.", &[wait]))
            }
            Case::TooLong => {
                let words = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
                refusal(400, error(400, "INVALID_ARGUMENT", words, &[]))
            }
            Case::Unauthorized => {
                let why = json!({"reason": "API_KEY_INVALID", "domain": "googleapis.com"});
                refusal(400, error(400, "INVALID_ARGUMENT", "API key not valid.", &[why]))
            }
            Case::Rejected => {
                refusal(400, error(400, "INVALID_ARGUMENT", "Unknown name \"odd\".", &[]))
            }
            Case::Unavailable => {
                refusal(503, error(503, "UNAVAILABLE", "The model is overloaded.", &[]))
            }
            _ => return None,
        })
    }
}

fn said(piece: &str) -> String {
    parts(json!([{"text": piece}]))
}

fn text() -> String {
    pieces().map(said).concat()
}

fn calls(inputs: &[Value]) -> String {
    let call = |input: &Value| json!({"functionCall": {"name": "look", "args": input}});
    parts(inputs.iter().map(call).collect())
}

fn stream(events: &[String]) -> Reply {
    Reply::sse(&events.concat())
}

fn error(code: u16, status: &str, message: &str, details: &[Value]) -> Value {
    json!({"error": {"code": code, "message": message, "status": status, "details": details}})
}

fn refusal(status: u16, body: Value) -> Reply {
    Reply::json(status, &[], &body.to_string())
}

#[tokio::test]
async fn gemini_keeps_the_rules_of_models() {
    tried(Gemini { id: "gemini-2.5-flash" }).await;
}

/// Roles take turns from the user on, no contents are empty, and results stand right behind the calls that they answer, as
/// many as there were.
#[test]
fn any_transcript_becomes_contents() {
    for id in ["gemini-2.5-flash", "gemini-3-pro-preview"] {
        all_taken(&Gemini { id }, |body| checked(body, id.starts_with("gemini-3")));
    }
}

fn checked(body: &Value, is_third: bool) {
    let mut expected = "user";
    let mut open: Vec<(&Value, &Value)> = Vec::new();
    for content in body["contents"].as_array().unwrap() {
        assert_eq!(content["role"], expected, "{body}");
        let parts = content["parts"].as_array().unwrap();
        assert!(!parts.is_empty(), "{body}");
        let answers = parts.iter().map(|part| &part["functionResponse"]);
        let answers: Vec<&Value> = answers.filter(|answer| answer.is_object()).collect();
        let answered: Vec<_> = answers.iter().map(|it| (&it["id"], &it["name"])).collect();
        assert_eq!(answered, open, "{body}");
        for answer in &answers {
            assert!(answer["response"].is_object(), "{answer}");
        }
        open = parts
            .iter()
            .map(|part| &part["functionCall"])
            .filter(|call| call.is_object())
            .map(|call| (&call["id"], &call["name"]))
            .collect();
        for (at, call) in parts.iter().filter(|part| part["functionCall"].is_object()).enumerate() {
            assert!(call["functionCall"]["args"].is_object(), "{call}");
            assert_eq!(call["thoughtSignature"].is_string(), is_third && at == 0, "{body}");
        }
        for part in parts {
            let text = part["text"].as_str();
            assert!(text.is_none_or(|text| !text.trim().is_empty()), "{body}");
        }
        expected = if expected == "user" { "model" } else { "user" };
    }
    assert!(open.is_empty(), "{open:?} are not answered in {body}");
}
