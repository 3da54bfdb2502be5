//! Mistral's chat.

use std::collections::BTreeMap;

use ropewalk_core::{ErrorKind, Model, ModelRequest};
use ropewalk_models::MistralModel;
use serde_json::Value;

use super::chat::{conversation, normal, read};
use super::{Adapter, Exchange, tried};
use crate::support::Said;

struct Mistral;

impl Adapter for Mistral {
    fn name(&self) -> &str {
        "Mistral"
    }

    fn takes(&self, exchange: &Exchange) -> bool {
        exchange.provider == "mistral"
    }

    fn model(&self, origin: &str, _: &Exchange) -> Box<dyn Model> {
        let builder = MistralModel::builder("test-model").base_url(format!("{origin}/v1"));
        Box::new(builder.api_key("a-very-secret-key").build().unwrap())
    }

    fn read(&self, exchange: &Exchange) -> Said {
        read(exchange.text())
    }

    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String) {
        let kind = match exchange.status {
            401 => ErrorKind::Authentication,
            _ => ErrorKind::InvalidRequest,
        };
        let body: Value = serde_json::from_str(exchange.text()).unwrap();
        let words = [&body["message"], &body["detail"]];
        (kind, words.into_iter().find_map(|words| words.as_str()).unwrap().to_owned())
    }

    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str> {
        conversation(&exchange.request)
    }

    /// Ids are told by which comes first: the recorded ones are none of Mistral's.
    fn normal(&self, request: &Value) -> Value {
        let mut request = request.clone();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for message in request["messages"].as_array_mut().unwrap() {
            let mut ids = Vec::new();
            for call in message["tool_calls"].as_array_mut().into_iter().flatten() {
                ids.push(call["id"].take());
                call["id"] = known.len().into();
                known.insert(ids.last().unwrap().as_str().unwrap().to_owned(), known.len());
            }
            if let Some(id) = message["tool_call_id"].as_str() {
                message["tool_call_id"] = known[id].into();
            }
        }
        normal(&request).into()
    }
}

#[tokio::test]
async fn recorded_chats_of_mistral_are_understood_and_sent_in_their_shape() {
    tried(&Mistral).await;
}
