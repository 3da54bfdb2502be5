//! The conformance kit for models.

use std::time::Duration;

use ropewalk_models::OllamaModel;
use ropewalk_testkit::conformance::Case;
use serde_json::{Value, json};

use super::{done, line, lines, text};
use crate::kit::{Wire, pieces, tried};
use crate::support::{Reply, Step, chunked};
use crate::transcripts::all_taken;

struct Ollama;

impl Wire for Ollama {
    type Model = OllamaModel;

    fn model(&self, origin: &str, patience: Duration) -> OllamaModel {
        let builder = OllamaModel::builder("qwen3:4b").base_url(origin);
        builder.data_timeout(patience).build().unwrap()
    }

    fn reply(&self, case: Case) -> Option<Reply> {
        let begun = Reply::open("application/x-ndjson").chunk(text(pieces()[0]).as_bytes());
        Some(match case {
            Case::Text => lines(&[said(), done("stop")]),
            Case::Reasoning => {
                let thought =
                    json!({"role": "assistant", "content": "", "thinking": Case::THOUGHT});
                lines(&[line(thought), said(), done("stop")])
            }
            Case::ToolCall => {
                lines(&[said(), call(json!({"place": "Säntis", "times": 3})), done("stop")])
            }
            Case::ToolCalls => lines(&[
                call(json!({"place": "Säntis", "times": 1})),
                call(json!({"place": "Eiger", "times": 2})),
                done("stop"),
            ]),
            Case::MalformedArguments => lines(&[call("{\"place\": \"Sän".into()), done("stop")]),
            Case::MaxTokens => lines(&[said(), done("length")]),
            Case::BreaksOff => begun.end(),
            Case::FailsMidway => begun
                .chunk(b"{\"error\":\"an error was encountered while running the model\"}\n")
                .end(),
            Case::OnlyAlive => Reply::open("application/x-ndjson")
                .step(Step::Drip(chunked(text("").as_bytes()), Duration::from_millis(50))),
            Case::Hangs => begun.step(Step::Hang),
            Case::Throttled => refusal(429, &[("retry-after", "2")], "too many requests"),
            Case::TooLong => {
                refusal(400, &[], "the prompt exceeds the context length of the model")
            }
            Case::Unauthorized => refusal(401, &[], "unauthorized"),
            Case::Rejected => {
                refusal(400, &[], "registry.ollama.ai/library/gemma:2b does not support tools")
            }
            Case::Unavailable => refusal(503, &[], "server busy, please try again"),
            _ => return None,
        })
    }
}

fn said() -> String {
    pieces().map(text).concat()
}

fn call(arguments: Value) -> String {
    line(json!({"role": "assistant", "content": "", "tool_calls":
        [{"function": {"index": 0, "name": "look", "arguments": arguments}}]}))
}

fn refusal(status: u16, headers: &[(&str, &str)], words: &str) -> Reply {
    Reply::json(status, headers, &json!({"error": words}).to_string())
}

#[tokio::test]
async fn ollama_keeps_the_rules_of_models() {
    tried(Ollama).await;
}

/// Each call has its result behind it, by name and id, and a message has what its role wants.
#[test]
fn any_transcript_becomes_messages() {
    all_taken(&Ollama, |body| {
        let mut open: Vec<(&Value, &Value)> = Vec::new();
        for message in body["messages"].as_array().unwrap() {
            assert!(message["content"].is_string(), "{message}");
            if message["role"] == "tool" {
                let answered = (&message["tool_call_id"], &message["tool_name"]);
                let at = open.iter().position(|call| *call == answered);
                open.remove(at.unwrap_or_else(|| panic!("{message} answers nothing in {body}")));
                continue;
            }
            assert!(open.is_empty(), "{open:?} are not answered in {body}");
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                assert!(call["function"]["arguments"].is_object(), "{call}");
                open.push((&call["id"], &call["function"]["name"]));
            }
        }
        assert!(open.is_empty(), "{open:?} are not answered in {body}");
    });
}
