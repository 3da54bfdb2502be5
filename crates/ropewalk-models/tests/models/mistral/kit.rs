//! The conformance kit for models.

use std::collections::BTreeSet;
use std::time::Duration;

use ropewalk_models::MistralModel;
use ropewalk_testkit::conformance::Case;

use crate::kit::{Wire, tried};
use crate::openai::kit::Chat;
use crate::support::Reply;
use crate::transcripts::all_taken;

struct Mistral;

impl Wire for Mistral {
    type Model = MistralModel;

    fn model(&self, origin: &str, patience: Duration) -> MistralModel {
        let builder = MistralModel::builder("magistral-m").base_url(format!("{origin}/v1"));
        builder.api_key("key").data_timeout(patience).build().unwrap()
    }

    fn reply(&self, case: Case) -> Option<Reply> {
        Chat.reply(case)
    }
}

#[tokio::test]
async fn mistral_keeps_the_rules_of_models() {
    tried(Mistral).await;
}

/// Each call has its result right behind it, under an id that Mistral takes, and no message is empty.
#[test]
fn any_transcript_becomes_a_chat_of_mistral() {
    all_taken(&Mistral, |body| {
        let mut open: BTreeSet<&str> = BTreeSet::new();
        for message in body["messages"].as_array().unwrap() {
            if message["role"] == "tool" {
                let id = message["tool_call_id"].as_str().unwrap();
                assert!(open.remove(id), "{id} answers nothing in {body}");
                assert!(!message["name"].as_str().unwrap().is_empty(), "{body}");
                continue;
            }
            assert!(open.is_empty(), "{open:?} are not answered in {body}");
            let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
            for call in calls {
                let id = call["id"].as_str().unwrap();
                assert!(id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
                assert!(open.insert(id), "{id} twice in {body}");
            }
            let content = &message["content"];
            let is_empty = content.is_null() || content == "" || content == &serde_json::json!([]);
            assert!(!is_empty || !calls.is_empty(), "an empty message in {body}");
            for part in content.as_array().into_iter().flatten() {
                let kind = part["type"].as_str().unwrap();
                let known = ["text", "image_url", "document_url", "input_audio", "thinking"];
                assert!(known.contains(&kind), "{part}");
            }
        }
    });
}
