//! The conformance kit for models.

use std::time::Duration;

use ropewalk_models::BedrockModel;
use ropewalk_testkit::conformance::Case;
use serde_json::{Value, json};

use super::{EVENTS, call, delta, end, event, exception, reply, start, stop};
use crate::kit::{Wire, pieces, tried};
use crate::support::{Reply, Step, chunked};
use crate::transcripts::all_taken;

struct Converse(&'static str);

impl Wire for Converse {
    type Model = BedrockModel;

    fn model(&self, origin: &str, patience: Duration) -> BedrockModel {
        BedrockModel::builder(self.0)
            .endpoint_url(origin)
            .region("eu-north-1")
            .credentials("AKIDEXAMPLE", "very-secret-key")
            .data_timeout(patience)
            .build()
            .unwrap()
    }

    fn reply(&self, case: Case) -> Option<Reply> {
        let begun =
            Reply::open(EVENTS).chunk(&[start(), delta(0, json!({"text": pieces()[0]}))].concat());
        Some(match case {
            Case::Text => answer(&[text(0)], "end_turn"),
            Case::Reasoning => {
                let thought = delta(0, json!({"reasoningContent": {"text": Case::THOUGHT}}));
                answer(&[thought, stop(0), text(1)], "end_turn")
            }
            Case::ToolCall => {
                let call = look(1, "a", ["{\"place\": \"Sän", "tis\", \"times\": 3}"]);
                answer(&[text(0), call], "tool_use")
            }
            Case::ToolCalls => {
                let first = look(0, "a", ["{\"place\": \"Säntis\",", "\"times\": 1}"]);
                let second = look(1, "b", ["{\"place\": \"Eiger\"", ",\"times\": 2}"]);
                answer(&[first, second], "tool_use")
            }
            Case::MalformedArguments => {
                answer(&[look(0, "a", ["{\"place\": ", "\"Sän"])], "tool_use")
            }
            Case::MaxTokens => answer(&[text(0)], "max_tokens"),
            Case::BreaksOff => begun.end(),
            Case::FailsMidway => {
                let failure = json!({"message": "The model failed", "originalStatusCode": 500});
                begun.chunk(&exception("modelStreamErrorException", failure)).end()
            }
            Case::OnlyAlive => {
                let sign = chunked(&event("heartbeat", json!({})));
                Reply::open(EVENTS).step(Step::Drip(sign, Duration::from_millis(50)))
            }
            Case::Hangs => begun.step(Step::Hang),
            Case::Throttled => refusal(429, "ThrottlingException", "Too many requests"),
            Case::TooLong => {
                refusal(400, "ValidationException", "Input is too long for requested model.")
            }
            Case::Unauthorized => {
                refusal(403, "UnrecognizedClientException", "The security token is invalid.")
            }
            Case::Rejected => refusal(400, "ValidationException", "Malformed input request"),
            Case::Unavailable => refusal(503, "ServiceUnavailableException", "Try again later"),
            _ => return None,
        })
    }
}

fn text(number: u64) -> Vec<u8> {
    let said = pieces().map(|piece| delta(number, json!({"text": piece}))).concat();
    [said, stop(number)].concat()
}

fn look(number: u64, id: &str, arguments: [&str; 2]) -> Vec<u8> {
    let piece = |input: &str| delta(number, json!({"toolUse": {"input": input}}));
    let [first, second] = arguments;
    [call(number, id, "look"), piece(first), piece(second), stop(number)].concat()
}

fn answer(blocks: &[Vec<u8>], reason: &str) -> Reply {
    let (input, output) = (Case::INPUT_TOKENS, Case::OUTPUT_TOKENS);
    let usage =
        json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output});
    let metadata = event("metadata", json!({"usage": usage, "metrics": {"latencyMs": 9}}));
    reply(&[start(), blocks.concat(), end(reason), metadata])
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let headers = [("x-amzn-errortype", code), ("retry-after", "2")];
    Reply::json(status, &headers, &json!({"message": message}).to_string())
}

#[tokio::test]
async fn bedrock_keeps_the_rules_of_models() {
    tried(Converse("us.anthropic.claude-sonnet-4-6")).await;
    tried(Converse("eu.amazon.nova-lite-v1:0")).await;
}

/// Roles alternate, each call has its result in the next message, and nothing is there that Bedrock refuses.
#[test]
fn any_transcript_becomes_a_conversation() {
    for model in
        ["us.anthropic.claude-sonnet-4-6", "eu.amazon.nova-lite-v1:0", "us.deepseek.r1-v1:0"]
    {
        all_taken(&Converse(model), |body| checked(model, body));
    }
}

fn checked(model: &str, body: &Value) {
    let mut open: Vec<String> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut points = 0;
    let mut uses_tools = false;
    for (at, message) in body["messages"].as_array().unwrap().iter().enumerate() {
        let role = if at % 2 == 0 { "user" } else { "assistant" };
        assert_eq!(message["role"], role, "{body}");
        let content = message["content"].as_array().unwrap();
        assert!(!content.is_empty(), "an empty message in {body}");
        let ids = |kind: &str| -> Vec<String> {
            let of_kind = content.iter().filter_map(|block| block[kind]["toolUseId"].as_str());
            of_kind.map(str::to_owned).collect()
        };
        let mut answered = ids("toolResult");
        answered.sort();
        open.sort();
        assert_eq!(answered, open, "{body}");
        open = ids("toolUse");
        uses_tools |= !open.is_empty();
        for block in content {
            let (kind, inner) = block.as_object().unwrap().iter().next().unwrap();
            match kind.as_str() {
                "text" => assert!(!inner.as_str().unwrap().trim().is_empty(), "{body}"),
                "cachePoint" => points += 1,
                "toolUse" => {
                    let id = inner["toolUseId"].as_str().unwrap();
                    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
                    assert!((1..=64).contains(&id.len()) && id.chars().all(is_word), "{id}");
                    assert!(
                        inner["input"].is_object() && !inner["name"].as_str().unwrap().is_empty()
                    );
                }
                "toolResult" => {
                    assert_eq!(inner.get("status").is_some(), model.contains("claude"));
                    let parts = inner["content"].as_array().unwrap();
                    assert!(!parts.is_empty());
                    for part in parts {
                        assert!(part.get("json").is_none_or(Value::is_object), "{part}");
                        names.extend(part["document"]["name"].as_str().map(str::to_owned));
                    }
                }
                "reasoningContent" => assert!(!model.contains("deepseek"), "{body}"),
                "document" => {
                    names.push(inner["name"].as_str().unwrap().to_owned());
                    let has_text = |block: &Value| block.get("text").is_some();
                    assert!(content.iter().any(has_text), "a document alone in {body}");
                }
                "image" | "video" | "audio" | "guardContent" | "citationsContent" => {}
                other => panic!("{other} in {body}"),
            }
        }
    }
    assert!(open.is_empty(), "{open:?} are not answered in {body}");
    assert!(points <= 4, "{points} cache points in {body}");
    assert!(!uses_tools || !body["toolConfig"]["tools"].as_array().unwrap().is_empty(), "{body}");
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "documents of one name in {body}");
}
