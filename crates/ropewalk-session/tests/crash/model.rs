//! A model that knows only what it is shown: what it says depends on the conversation, so that it is the
//! same in every process.

use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use super::kill::Switch;

#[derive(Debug)]
pub(crate) struct Follows {
    script: ScriptedModel,
    switch: Switch,
}

impl Follows {
    pub(crate) fn new(switch: Switch) -> Self {
        Self { script: ScriptedModel::new([]), switch }
    }

    fn reply(&self, request: &ModelRequest) -> Reply {
        let spoken = request.messages.iter().rev();
        let prompt = |message: &&std::sync::Arc<Message>| {
            message.role == Role::User && message.results().next().is_none()
        };
        let text = spoken.clone().find(prompt).map(|message| message.text()).unwrap_or_default();
        let batches = spoken
            .take_while(|message| !prompt(message))
            .filter(|message| message.role == Role::User)
            .count();
        match (text.as_str(), batches) {
            ("one", 0) => Reply::tools([
                ("a1", "pay", json!({"to": "Ada"})),
                ("a2", "post", json!({"to": "Ada"})),
                ("a3", "look", json!({})),
            ]),
            ("one", 1) => Reply::tools([
                ("b1", "wire", json!({"to": "Bob"})),
                ("b2", "pay", json!({"to": "Cyd"})),
            ]),
            ("two", 0) => Reply::tools([("c1", "post", json!({"to": "Dan"}))]),
            ("two", _) => Reply::tools([("c2", "Total", json!({"total": 7}))]),
            (text, _) => Reply::text(format!("{text} is done.")),
        }
    }
}

impl Model for Follows {
    fn id(&self) -> &'static str {
        "follows"
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        self.switch.point();
        self.script.push(self.reply(&request));
        self.script.stream(request)
    }
}
