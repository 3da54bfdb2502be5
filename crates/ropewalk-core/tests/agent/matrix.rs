//! Each event in each way of putting an agent to work: all go through one dispatch.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::echo;

type Counts = BTreeMap<String, usize>;

/// How often an event fires: when a tool is called once and the model then answers, by `invoke`, by
/// `stream`, by `invocation`, when a question before that tool is answered (in another agent) by
/// `resume`, when the tool is called by hand, while a question expires; and when a value is asked for,
/// which the model gives after the tool and a wrong try, by `invoke_as`, by `resume_as` after a
/// question, and beside the conversation by `structured_output`.
#[rustfmt::skip]
const ROWS: &[(&str, [usize; 9])] = &[
    //                      invoke stream invocation resume call check_expiry invoke_as resume_as structured_output
    ("AgentInitializedEvent",       [1, 1, 1, 1, 1, 1, 1, 1, 1]),
    ("BeforeInvocationEvent",       [1, 1, 1, 1, 0, 0, 1, 1, 1]),
    ("MessageAddedEvent",           [4, 4, 4, 2, 4, 0, 8, 6, 0]),
    ("BeforeModelCallEvent",        [2, 2, 2, 1, 0, 0, 3, 2, 0]),
    ("AfterModelCallEvent",         [2, 2, 2, 1, 0, 0, 3, 2, 0]),
    ("BeforeToolsEvent",            [1, 1, 1, 1, 0, 0, 3, 3, 0]),
    ("BeforeToolCallEvent",         [1, 1, 1, 1, 1, 0, 3, 3, 0]),
    ("ToolCallGuardEvent",          [1, 1, 1, 1, 1, 0, 3, 3, 0]),
    ("DecisionEvent",               [1, 1, 1, 1, 1, 0, 3, 3, 0]),
    ("HistoryEditedEvent",          [1, 1, 1, 1, 1, 0, 1, 1, 0]),
    ("AfterToolCallEvent",          [1, 1, 1, 1, 1, 0, 3, 3, 0]),
    ("AfterToolsEvent",             [1, 1, 1, 1, 0, 0, 3, 3, 0]),
    ("AfterInvocationEvent",        [1, 1, 1, 1, 0, 0, 1, 1, 1]),
    ("InterruptExpiringEvent",      [0, 0, 0, 0, 0, 1, 0, 0, 0]),
];

/// The methods that put an agent to work, in the order of the columns.
const MODES: [&str; 9] = [
    "invoke",
    "stream",
    "invocation",
    "resume",
    "call",
    "check_expiry",
    "invoke_as",
    "resume_as",
    "structured_output",
];

fn model() -> ScriptedModel {
    ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")])
}

/// What is asked for.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[expect(dead_code)]
struct Sum {
    n: i64,
}

/// A model that gives a [`Sum`], after the tool and a wrong try.
fn giving() -> ScriptedModel {
    ScriptedModel::new([
        Reply::tool("a", json!({"n": 1})),
        Reply::tool("Sum", json!({"n": "one"})),
        Reply::tool("Sum", json!({"n": 1})),
    ])
}

fn builder(seen: &Arc<Mutex<Counts>>, model: ScriptedModel, asks: bool) -> Arc<Blueprint> {
    struct Count(Arc<Mutex<Counts>>);
    impl HookProvider for Count {
        fn register_hooks(&self, registry: &mut HookRegistry) {
            let seen = Arc::clone(&self.0);
            registry.observe_all(move |event: &ObservedEvent| {
                *seen.lock().unwrap().entry(event.name().to_owned()).or_default() += 1;
            });
        }
    }
    let guard = move |event: &mut ToolCallGuardEvent| -> HookResult {
        if asks && event.tool_use().name == "a" {
            let request = ApprovalRequest::new("May I?")
                .with_expires_in(Duration::from_secs(100))
                .with_warn_before(Duration::from_secs(100));
            event.ask_approval("approve", request)?;
        }
        event.record_decision(DecisionRecord::new("guard", "ToolCallGuardEvent", "allow"));
        Ok(())
    };
    let builder = Agent::builder()
        .model(model)
        .tool(echo("a"))
        .host_hooks([Count(Arc::clone(seen))])
        .hook(guard)
        .conversation_manager(SlidingWindowConversationManager::new().window_size(2))
        .clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1000));
    Arc::new(builder.blueprint().unwrap())
}

/// A run in which the guard of the tool has asked.
async fn paused(model: ScriptedModel) -> Run {
    let blueprint = builder(&Arc::default(), model, true);
    let mut agent = blueprint.agent().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().stop_reason, StopReason::Interrupt);
    serde_json::from_str(&serde_json::to_string(&agent.run()).unwrap()).unwrap()
}

async fn counts(mode: &str) -> Counts {
    let (seen, model) = (Arc::<Mutex<Counts>>::default(), model());
    match mode {
        "invoke" => {
            let mut agent = builder(&seen, model, false).agent().await.unwrap();
            agent.invoke("q").await.unwrap();
        }
        "stream" => {
            let mut agent = builder(&seen, model, false).agent().await.unwrap();
            agent.stream("q").collect::<Vec<_>>().await;
        }
        "invocation" => {
            let mut agent = builder(&seen, model, false).agent().await.unwrap();
            agent.invocation("q").await.unwrap();
        }
        "resume" => {
            let run = paused(model.clone()).await;
            let mut agent = builder(&seen, model, true).resume(run).await.unwrap();
            let question = agent.interrupts().remove(0);
            agent.resume([question.answer(true)]).await.unwrap();
        }
        "call" => {
            let mut agent = builder(&seen, model, false).agent().await.unwrap();
            let result = agent.tool("a").call(json!({})).await.unwrap();
            assert_eq!(result.text(), "a");
        }
        "invoke_as" => {
            let mut agent = builder(&seen, giving(), false).agent().await.unwrap();
            agent.invoke_as::<Sum>("q").await.unwrap();
        }
        "resume_as" => {
            let model = giving();
            let run = paused(model.clone()).await;
            let mut agent = builder(&seen, model, true).resume(run).await.unwrap();
            let question = agent.interrupts().remove(0);
            agent.resume_as::<Sum>([question.answer(true)]).await.unwrap();
        }
        "structured_output" => {
            let model = ScriptedModel::new([Reply::tool("Sum", json!({"n": 1}))]);
            let mut agent = builder(&seen, model, false).agent().await.unwrap();
            agent.structured_output::<Sum>("q").await.unwrap();
        }
        "check_expiry" => {
            let run = paused(model.clone()).await;
            let mut agent = builder(&seen, model, true).resume(run).await.unwrap();
            agent.check_expiry().await.unwrap();
        }
        other => panic!("there is no way to work called {other}"),
    }
    seen.lock().unwrap().clone()
}

#[tokio::test]
async fn each_event_fires_in_each_way_of_working() {
    for (column, mode) in MODES.iter().enumerate() {
        let expected: Counts = ROWS
            .iter()
            .filter(|(_, counts)| counts[column] > 0)
            .map(|(event, counts)| ((*event).to_owned(), counts[column]))
            .collect();
        assert_eq!(counts(mode).await, expected, "{mode}");
    }
}

fn sources(folder: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn an_event_without_a_row_fails() {
    let source = sources("hook/event");
    let mut events: Vec<&str> = source
        .lines()
        .filter_map(|line| {
            let rest = line
                .strip_prefix("agent_event!(")
                .or_else(|| line.strip_prefix("impl BaseHookEvent for "))?;
            rest.split([',', ')', ' ']).next()
        })
        .collect();
    events.sort_unstable();
    let mut rows: Vec<&str> = ROWS.iter().map(|(event, _)| *event).collect();
    rows.sort_unstable();
    assert_eq!(rows, events, "each event has its row");
}

#[test]
fn a_way_of_working_without_a_column_fails() {
    let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/agent.rs");
    let source = std::fs::read_to_string(agent).unwrap() + &sources("agent");
    let mut modes = Vec::new();
    let mut name = "";
    for line in source.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("pub ") {
            let rest = rest.trim_start_matches("async ");
            if let Some(rest) = rest.strip_prefix("fn ") {
                name = rest.split(['(', '<']).next().unwrap_or_default();
            }
        }
        let works = [
            "self.drive(",
            "self.invoke(",
            "Invocation::new(self",
            "self.invocation(",
            "self.invoke_as(",
            "ask_beside(",
            "call_directly(",
            "announce_expiry(",
        ];
        if works.iter().any(|call| line.contains(call)) && !modes.contains(&name) {
            modes.push(name);
        }
    }
    modes.sort_unstable();
    let mut columns = MODES.to_vec();
    columns.sort_unstable();
    assert_eq!(modes, columns, "each way of working has its column");
}
