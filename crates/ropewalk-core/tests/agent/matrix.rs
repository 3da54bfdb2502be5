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
/// `resume`, when the tool is called by hand, while a question expires, and when a question is given up;
/// and when a value is asked for, which the model gives after the tool and a wrong try, by `invoke_as`,
/// by `resume_as` after a question, and beside the conversation by `structured_output`.
#[rustfmt::skip]
const ROWS: &[(&str, [usize; 10])] = &[
    //              invoke stream invocation resume call check_expiry abandon invoke_as resume_as structured_output
    ("AgentInitializedEvent",       [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    ("BeforeInvocationEvent",       [1, 1, 1, 1, 0, 0, 0, 1, 1, 1]),
    ("MessageAddedEvent",           [4, 4, 4, 2, 4, 0, 1, 8, 6, 0]),
    ("BeforeModelCallEvent",        [2, 2, 2, 1, 0, 0, 0, 3, 2, 0]),
    ("AfterModelCallEvent",         [2, 2, 2, 1, 0, 0, 0, 3, 2, 0]),
    ("BeforeToolsEvent",            [1, 1, 1, 1, 0, 0, 0, 3, 3, 0]),
    ("BeforeToolCallEvent",         [1, 1, 1, 1, 1, 0, 0, 3, 3, 0]),
    ("ToolCallGuardEvent",          [1, 1, 1, 1, 1, 0, 0, 3, 3, 0]),
    ("DecisionEvent",               [1, 1, 1, 1, 1, 0, 0, 3, 3, 0]),
    ("HistoryEditedEvent",          [1, 1, 1, 1, 1, 0, 0, 1, 1, 0]),
    ("AfterToolCallEvent",          [1, 1, 1, 1, 1, 0, 0, 3, 3, 0]),
    ("AfterToolsEvent",             [1, 1, 1, 1, 0, 0, 0, 3, 3, 0]),
    ("AfterInvocationEvent",        [1, 1, 1, 1, 0, 0, 0, 1, 1, 1]),
    ("InterruptExpiringEvent",      [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
];

/// The same of what stands around the calls, and of who sees the chunks of the model.
#[rustfmt::skip]
const BESIDE: &[(&str, [usize; 10])] = &[
    ("wrap_model_call",             [2, 2, 2, 1, 0, 0, 0, 3, 2, 1]),
    ("wrap_tool_call",              [1, 1, 1, 1, 1, 0, 0, 3, 3, 0]),
    ("observe_stream",              [12, 12, 12, 6, 0, 0, 0, 18, 12, 6]),
];

/// The methods that put an agent to work, in the order of the columns.
const MODES: [&str; 10] = [
    "invoke",
    "stream",
    "invocation",
    "resume",
    "call",
    "check_expiry",
    "abandon",
    "invoke_as",
    "resume_as",
    "structured_output",
];

/// The other methods that take an agent, or something made of one, for themselves: they prepare, or
/// change what is kept, and put nothing to work.
const OTHERS: [&str; 28] = [
    "add_hook",
    "answered_by",
    "callback_handler",
    "cancel_token",
    "edit_messages",
    "extension",
    "hook",
    "hooks",
    "idempotency_token",
    "limits",
    "load_snapshot",
    "no_callback_handler",
    "output",
    "output_schema",
    "record",
    "remove_hook",
    "remove_system_prompt",
    "save_state",
    "set_system_prompt",
    "state",
    "structured_output_corrections",
    "structured_output_prompt",
    "take_snapshot",
    "tool",
    "user_message",
    "with_result",
    "wrap_model_call",
    "wrap_tool_call",
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
            let seen = Arc::clone(&self.0);
            registry.observe_stream(move |_: &ModelStreamEvent| {
                *seen.lock().unwrap().entry("observe_stream".to_owned()).or_default() += 1;
            });
        }
    }
    struct CountWrap(Arc<Mutex<Counts>>);
    impl CountWrap {
        fn up(&self, what: &str) {
            *self.0.lock().unwrap().entry(what.to_owned()).or_default() += 1;
        }
    }
    impl WrapModelCall for CountWrap {
        fn wrap<'a>(
            &'a self,
            request: ModelCallRequest,
            next: ModelNext<'a>,
        ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
            self.up("wrap_model_call");
            Box::pin(next.run(request))
        }
    }
    impl WrapToolCall for CountWrap {
        fn wrap<'a>(
            &'a self,
            request: ToolCallRequest,
            next: ToolNext<'a>,
        ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
            self.up("wrap_tool_call");
            Box::pin(next.run(request))
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
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .host_hooks([Count(Arc::clone(seen))])
        .wrap_model_call(CountWrap(Arc::clone(seen)))
        .wrap_tool_call(CountWrap(Arc::clone(seen)))
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
        "abandon" => {
            let run = paused(model.clone()).await;
            let mut agent = builder(&seen, model, true).resume(run).await.unwrap();
            agent.abandon().await.unwrap();
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
            .chain(BESIDE)
            .filter(|(_, counts)| counts[column] > 0)
            .map(|(event, counts)| ((*event).to_owned(), counts[column]))
            .collect();
        assert_eq!(counts(mode).await, expected, "{mode}");
    }
}

/// All sources below a folder, or of one file.
fn sources(path: &str) -> String {
    fn read(path: &Path) -> String {
        if path.is_file() {
            return std::fs::read_to_string(path).unwrap();
        }
        std::fs::read_dir(path).unwrap().map(|entry| read(&entry.unwrap().path())).collect()
    }
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path))
}

#[test]
fn an_event_without_a_row_fails() {
    let source = sources("");
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

/// The public methods of a source that take what they belong to for themselves, in order and once each.
fn exclusive(source: &str) -> Vec<&str> {
    let methods = source.split("\n    pub ").skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
        let signature = &rest[..rest.find(") ")?];
        let taken = ["&mut self", "(self", "(mut self"].iter().any(|way| signature.contains(way));
        taken.then(|| rest.split(['(', '<']).next().unwrap_or_default())
    });
    let mut methods: Vec<&str> = methods.collect();
    methods.sort_unstable();
    methods.dedup();
    methods
}

#[test]
fn a_way_of_working_without_a_column_fails() {
    let files = [
        "agent.rs",
        "agent/direct.rs",
        "agent/identity.rs",
        "agent/invocation.rs",
        "agent/snapshot.rs",
        "agent/structured.rs",
    ];
    let source: String = files.into_iter().map(sources).collect();
    let mut known: Vec<&str> = MODES.into_iter().chain(OTHERS).collect();
    known.sort_unstable();
    assert_eq!(exclusive(&source), known, "each way of working has its column");
    // An agent has no methods elsewhere; that which waits has no others, but for how it is made.
    let all = sources("agent.rs") + &sources("agent");
    let agents = |source: &str| source.matches("\nimpl Agent {").count();
    assert_eq!(agents(&source), agents(&all));
    let blocking = sources("blocking/agent.rs");
    let others: Vec<&str> =
        exclusive(&blocking).into_iter().filter(|method| !known.contains(method)).collect();
    assert_eq!(others, ["call_tool", "into_inner"]);
}
