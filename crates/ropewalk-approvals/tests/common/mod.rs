//! What several test files share.
#![allow(dead_code, unreachable_pub, missing_docs, missing_debug_implementations)]
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use ropewalk_approvals::Approvals;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

/// A tool that notes what it is called with. Clones share the notes.
#[derive(Clone)]
pub struct TestTool {
    spec: ToolSpec,
    seen: Arc<Mutex<Vec<Value>>>,
    preview: fn() -> BoxFuture<'static, Result<Option<Preview>, BoxError>>,
}

impl TestTool {
    pub fn new(name: &str) -> Self {
        let spec = ToolSpec::new(name, format!("does {name}"), json!({"type": "object"}));
        Self { spec, seen: Arc::default(), preview: || Box::pin(async { Ok(None) }) }
    }

    pub fn previewing(
        mut self,
        preview: fn() -> BoxFuture<'static, Result<Option<Preview>, BoxError>>,
    ) -> Self {
        self.preview = preview;
        self
    }

    pub fn inputs(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.inputs().len()
    }
}

impl Tool for TestTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        self.seen.lock().unwrap().push(input);
        Box::pin(async { Ok(ToolOutput::text("did it")) })
    }

    fn preview<'a>(&'a self, _: &'a Value) -> BoxFuture<'a, Result<Option<Preview>, BoxError>> {
        (self.preview)()
    }
}

/// A turn of the model that calls one tool.
pub fn call(name: &str, input: Value) -> Reply {
    Reply::tool(name, input)
}

/// A turn of the model that calls several tools at once.
pub fn calls<const N: usize>(calls: [(&str, Value); N]) -> Reply {
    let uses = calls
        .into_iter()
        .enumerate()
        .map(|(at, (name, input))| ContentBlock::from(ToolUse::new(format!("t{at}"), name, input)));
    Reply::message(Message::new(Role::Assistant, uses.collect()))
}

/// An agent whose model says these things, then `done`.
pub struct Bench(Vec<Reply>);

impl Bench {
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self(replies.into_iter().chain([Reply::text("done")]).collect())
    }

    pub fn builder(self, tool: &TestTool, approvals: Approvals) -> AgentBuilder {
        let model = ScriptedModel::new(self.0);
        Agent::builder().no_callback_handler().model(model).tools([tool.clone()]).hooks([approvals])
    }

    pub async fn agent(self, tool: &TestTool, approvals: Approvals) -> Agent {
        self.builder(tool, approvals).build().await.unwrap()
    }
}

/// The text of the last result that the model got.
pub fn denied(agent: &Agent) -> String {
    let messages = agent.messages();
    let last = messages.iter().rev().find_map(|message| message.results().last()).unwrap();
    assert_eq!(last.status, ToolStatus::Error);
    last.text()
}
