//! Sessions that Strands wrote, and what Strands would make of the files that are there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ropewalk_core::*;
use ropewalk_session::FileSessionManager;
use ropewalk_testkit::ScriptedModel;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::copied::copy;

pub(crate) const VERSIONS: [&str; 2] = ["1.21", "1.62"];

/// A copy of a session that a version of Strands wrote.
pub(crate) fn fixture(version: &str, case: &str) -> TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strands/fixtures");
    let folder = tempfile::tempdir().unwrap();
    copy(&from.join(version).join(case), folder.path());
    folder
}

pub(crate) fn sessions(folder: &Path) -> FileSessionManager {
    FileSessionManager::new("s").storage_dir(folder)
}

pub(crate) fn agent_folder(folder: &Path) -> PathBuf {
    folder.join("session_s/agents/agent_default")
}

pub(crate) fn message_file(folder: &Path, number: u64) -> PathBuf {
    agent_folder(folder).join(format!("messages/message_{number}.json"))
}

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn write(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
}

pub(crate) fn agent_file(folder: &Path) -> Value {
    read(&agent_folder(folder).join("agent.json"))
}

pub(crate) fn interrupt_state(folder: &Path) -> Value {
    agent_file(folder)["_internal_state"]["interrupt_state"].clone()
}

/// The numbers of all messages, in order.
pub(crate) fn numbers(folder: &Path) -> Vec<u64> {
    let names = fs::read_dir(agent_folder(folder).join("messages")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut numbers: Vec<u64> = names
        .filter_map(|name| name.strip_prefix("message_")?.strip_suffix(".json")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

/// The history that Strands would restore: the summary, and the messages that were not removed.
pub(crate) fn strands_history(folder: &Path) -> Vec<Value> {
    let manager = &agent_file(folder)["conversation_manager_state"];
    let removed = manager["removed_message_count"].as_u64().unwrap() as usize;
    let summary = manager.get("summary_message").filter(|summary| !summary.is_null()).cloned();
    let messages = numbers(folder).into_iter().skip(removed).map(|number| {
        let record = read(&message_file(folder, number));
        assert_eq!(record["message_id"], number);
        let redacted = &record["redact_message"];
        if redacted.is_null() { record["message"].clone() } else { redacted.clone() }
    });
    summary.into_iter().chain(messages).collect()
}

/// Puts what Strands would write in the place of `agent.json`: it leaves out what it does not know.
pub(crate) fn rewrite_as_strands(folder: &Path, change: impl FnOnce(&mut Value)) {
    let mut agent = agent_file(folder);
    agent.as_object_mut().unwrap().remove("ropewalk");
    change(&mut agent);
    write(&agent_folder(folder).join("agent.json"), &agent);
}

/// Adds a message as Strands does.
pub(crate) fn append_as_strands(folder: &Path, message: &Message) {
    let number = numbers(folder).last().map_or(0, |last| last + 1);
    let record = json!({
        "message": message,
        "message_id": number,
        "redact_message": null,
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000000+00:00",
    });
    write(&message_file(folder, number), &record);
}

pub(crate) fn json_of(messages: &[Arc<Message>]) -> Vec<Value> {
    messages.iter().map(|message| serde_json::to_value(message).unwrap()).collect()
}

/// What is said, one line a message.
pub(crate) fn said(messages: &[Arc<Message>]) -> Vec<String> {
    let line = |message: &Arc<Message>| {
        let uses = message.tool_uses().map(|tool_use| format!("{}()", tool_use.name));
        let results = message.results().map(|result| format!("={}", result.text()));
        let text = Some(message.text()).filter(|text| !text.is_empty());
        let parts: Vec<String> = text.into_iter().chain(uses).chain(results).collect();
        parts.join(" ")
    };
    messages.iter().map(line).collect()
}

/// The tools of the sessions, and how often each body ran.
#[derive(Clone, Default)]
pub(crate) struct Tools {
    deleted: Arc<AtomicUsize>,
    added: Arc<AtomicUsize>,
}

impl Tools {
    pub(crate) fn ran(&self) -> (usize, usize) {
        (self.deleted.load(Ordering::SeqCst), self.added.load(Ordering::SeqCst))
    }

    pub(crate) fn all(&self) -> Vec<TestTool> {
        let tool = |name: &str, ran: &Arc<AtomicUsize>| TestTool {
            spec: ToolSpec::new(name, "A tool.", json!({"type": "object"})),
            ran: Arc::clone(ran),
        };
        vec![tool("delete", &self.deleted), tool("add", &self.added), tool("ask", &Arc::default())]
    }
}

#[derive(Debug)]
pub(crate) struct TestTool {
    spec: ToolSpec,
    ran: Arc<AtomicUsize>,
}

impl Tool for TestTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async move {
            if self.spec.name == "ask" {
                let answer: String = context.interrupt("ask", json!({"question": "sure?"}))?;
                return Ok(ToolOutput::text(format!("the user says {answer}")));
            }
            self.ran.fetch_add(1, Ordering::SeqCst);
            let path = input["path"].as_str().unwrap_or("2").to_owned();
            Ok(ToolOutput::text(path))
        })
    }
}

/// Asks before each deletion, as the hook does that wrote the sessions.
pub(crate) fn approve(event: &mut BeforeToolCallEvent) -> Result<(), BoxError> {
    if event.tool_use().name == "delete" {
        let path = event.tool_use().input["path"].clone();
        let answer: String = event.interrupt("approve", json!({"path": path}))?;
        if answer != "yes" {
            event.cancel_tool("not approved");
        }
    }
    Ok(())
}

/// An agent that goes on with a session.
pub(crate) async fn agent(folder: &Path, model: &ScriptedModel, tools: &Tools) -> Agent {
    Agent::builder()
        .model(model.clone())
        .tools(tools.all())
        .hook(approve)
        .session_manager(sessions(folder))
        .no_callback_handler()
        .build()
        .await
        .unwrap()
}
