//! What the sections share.
#![allow(unreachable_pub)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

/// Notes in the order in which they came. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// All notes since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Counts. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Count(Arc<AtomicUsize>);

impl Count {
    /// Counts one more; gives the number before.
    pub fn up(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A model that asks once for the tool `a`, and is then done.
pub fn one_call() -> ScriptedModel {
    ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")])
}

/// A guard that asks for an approval of each call.
pub fn guard(event: &mut ToolCallGuardEvent) -> HookResult {
    let approval = event.ask_approval("approve", ApprovalRequest::new("Do it?"))?;
    event.cancel_tool(!approval.is_approved());
    Ok(())
}

/// A model that asks at once for these (id, name), and is then done.
pub fn calls(uses: &[(&str, &str)]) -> ScriptedModel {
    let uses: Vec<_> = uses.iter().map(|(id, name)| (*id, *name, json!({}))).collect();
    ScriptedModel::new([Reply::tools(uses), Reply::text("done")])
}

pub fn says(text: &str) -> ScriptedModel {
    ScriptedModel::new([Reply::text(text)])
}

pub fn texts(agent: &Agent) -> Vec<String> {
    agent.messages().iter().map(|message| message.text()).collect()
}

/// A chunk from its JSON.
pub fn chunk(json: Value) -> ModelChunk {
    serde_json::from_value(json).unwrap()
}

/// Roles and kinds of all messages: `user text`, `assistant toolUse`.
pub fn shape(transcript: &Transcript) -> Vec<String> {
    let kind = |block: &ContentBlock| match block {
        ContentBlock::Text(_) => "text",
        ContentBlock::ToolUse(_) => "toolUse",
        ContentBlock::ToolResult(_) => "toolResult",
        _ => "other",
    };
    let role = |role| if role == Role::User { "user" } else { "assistant" };
    let shape = |message: &Arc<Message>| {
        let kinds: Vec<_> = message.content.iter().map(kind).collect();
        format!("{} {}", role(message.role), kinds.join(" "))
    };
    transcript.iter().map(shape).collect()
}

/// How an agent goes on after a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is the same agent.
    Same,
    /// Its run was stored as JSON, and another agent goes on with it.
    Restart,
}

pub const WAYS: [Way; 2] = [Way::Same, Way::Restart];

/// The agent that goes on.
pub async fn onward(agent: Agent, way: Way) -> Agent {
    if way == Way::Same {
        return agent;
    }
    let blueprint = Arc::clone(agent.blueprint());
    let stored = serde_json::to_string(&agent.run()).unwrap();
    drop(agent);
    let run: Run = serde_json::from_str(&stored).unwrap();
    blueprint.resume(run).await.unwrap()
}

/// Answers all open questions with this.
pub async fn answer_all(agent: &mut Agent, answer: impl Into<Value>) -> AgentResult {
    let answer = answer.into();
    let answers: Vec<_> =
        agent.interrupts().iter().map(|asked| asked.answer(answer.clone())).collect();
    agent.resume(answers).await.unwrap()
}

/// The stream as JSON; an error stands under `error`.
pub async fn stream_of(agent: &mut Agent, prompt: impl Into<Prompt>) -> Vec<Value> {
    let mut events = Vec::new();
    let mut stream = agent.stream(prompt);
    while let Some(event) = stream.next().await {
        events.push(match event {
            Ok(event) => serde_json::to_value(event).unwrap(),
            Err(error) => json!({"error": error.to_string()}),
        });
    }
    events
}

/// What a registry says about the events of one type, which have one callback.
pub fn info<E: BaseHookEvent>() -> EventPipeline {
    let mut registry = HookRegistry::new();
    registry.add_callback(|_: &E| {});
    registry.pipeline().events.remove(0)
}

/// The id that Strands gives a question of this name asked from this place.
pub fn strands_id(place: &str, name: &str) -> String {
    let asked = InterruptScope::new(place, []).ask::<bool>(name, ()).unwrap_err();
    asked.downcast::<InterruptException>().unwrap().into_interrupt().id
}

/// So many exchanges of a question and an answer: `q0`, `a0`, `q1` …
pub fn exchanges(count: usize) -> Vec<Message> {
    let one = |n| [Message::user(format!("q{n}")), Message::assistant(format!("a{n}"))];
    (0..count).flat_map(one).collect()
}

/// A tool turn with this result.
pub fn tool_turn(id: &str, text: impl Into<String>) -> [Message; 2] {
    let asks = ContentBlock::from(ToolUse::new(id, "a", json!({})));
    let result = ToolResult::success(id, text);
    [Message::new(Role::Assistant, vec![asks]), Message::tool_results([result])]
}

/// An agent with this history, model and manager, kept in a journal.
pub async fn managed(
    history: impl IntoIterator<Item = Message>,
    model: ScriptedModel,
    manager: impl ConversationManager,
) -> (Agent, MemoryJournal) {
    let journal = MemoryJournal::new();
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .messages(history)
        .session(journal.clone());
    (builder.conversation_manager(manager).build().await.unwrap(), journal)
}

/// The edits among the records, in order.
pub async fn edits(journal: &MemoryJournal) -> Vec<TranscriptEdit> {
    let edit = |record| match record {
        Record::HistoryEdited { edit, .. } => Some(edit),
        _ => None,
    };
    journal.load().await.unwrap().into_iter().filter_map(edit).collect()
}

/// A city.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
pub struct City {
    pub name: String,
    pub inhabitants: Option<u64>,
}

impl City {
    pub fn paris() -> Self {
        Self { name: "Paris".into(), inhabitants: Some(2) }
    }
}

/// The JSON of [`City::paris`].
pub fn paris() -> Value {
    json!({"name": "Paris", "inhabitants": 2})
}

/// A model's call of the tool through which it gives a city.
pub fn gives(id: &str, input: Value) -> Reply {
    Reply::tools([(id, "City", input)])
}
