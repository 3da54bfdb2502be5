//! §3.3 State: JSON by key; what a turn changes stands with it or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{TestTool, tool};
use crate::support::{WAYS, answer_all, one_call, onward, says};

/// §3.3 `set(key, value)` (key: non-empty, non-blank string else value error)
#[test]
fn set_refuses_blank_keys() {
    let state = AgentState::default();
    for key in ["", " ", "\t\n"] {
        assert_eq!(state.set(key, 1).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(state.to_json(), json!({}));
}

/// §3.3 "value must JSON-serialise else value error"
#[test]
fn set_refuses_what_is_no_json() {
    let state = AgentState::default();
    let error = state.set("k", BTreeMap::from([(vec![1, 2], 3)])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`k`"), "{error}");
}

/// §3.3 `get(key?)` (deep copy; missing → None), `delete(key)` (missing is fine)
#[test]
fn get_and_delete() {
    let state = AgentState::default();
    state.set("list", [1, 2]).unwrap();
    let mut copy: Vec<u32> = state.get("list").unwrap();
    copy.push(3);
    assert_eq!(state.value("list"), Some(json!([1, 2])));
    assert_eq!(state.get::<String>("list"), None);
    assert_eq!(state.value("missing"), None);
    assert_eq!(state.delete("list"), Some(json!([1, 2])));
    assert_eq!(state.delete("list"), None);
    assert_eq!(state.to_json(), json!({}));
}

/// A tool that counts in the agent's state.
fn counting() -> TestTool {
    tool("a", |_, context: ToolContext| async move {
        let agent = context.agent().ok_or("no agent")?.clone();
        let count = agent.state().get::<u32>("calls").unwrap_or_default();
        agent.state().set("calls", count + 1)?;
        Ok(ToolOutput::text(format!("call {}", count + 1)))
    })
}

/// The agent, its hooks and its tools have one state
#[tokio::test]
async fn agent_hooks_and_tools_share_it() {
    let hook = |event: &AfterToolCallEvent| -> HookResult {
        let calls: u32 = event.agent().state().get("calls").unwrap_or_default();
        Ok(event.agent().state().set("seen", calls)?)
    };
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(counting()).hook(hook);
    let mut agent = builder.state(json!({"calls": 4})).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.state().to_json(), json!({"calls": 5, "seen": 5}));
    assert_eq!(Value::Object(agent.run().agent_state().clone()), agent.state().to_json());
}

/// A record holds what changed, and nothing else
#[tokio::test]
async fn what_is_recorded_is_what_changed() {
    let journal = MemoryJournal::new();
    let big = "x".repeat(10_000);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(counting())
        .session(journal.clone());
    let mut agent = builder.state(json!({"big": big, "gone": 1})).build().await.unwrap();
    agent.state().delete("gone");
    agent.invoke("q").await.unwrap();
    let changes: Vec<Record> = journal.load().await.unwrap();
    let changes: Vec<Value> = changes
        .iter()
        .filter(|record| matches!(record, Record::AgentStateChanged { .. }))
        .map(|record| serde_json::to_value(record).unwrap())
        .collect();
    assert_eq!(
        changes,
        [
            json!({"type": "agent_state_changed", "set": {"big": big, "gone": 1}, "keep": true}),
            json!({"type": "agent_state_changed", "deleted": ["gone"], "keep": true}),
            json!({"type": "agent_state_changed", "set": {"calls": 1}}),
        ]
    );
}

/// §10 It is restored from the session; what the builder says is for a new one
#[tokio::test]
async fn it_is_restored_from_the_session() {
    let journal = MemoryJournal::new();
    let builder = || {
        let builder = Agent::builder().no_callback_handler().model(one_call()).tool(counting());
        builder.session(journal.clone()).state(json!({"calls": 0}))
    };
    let mut agent = builder().build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let mut agent = builder().build().await.unwrap();
    assert_eq!(agent.state().to_json(), json!({"calls": 1}));
    // What is set between two invocations is kept when it is said, or with the next one.
    agent.state().set("note", "x").unwrap();
    assert_eq!(builder().build().await.unwrap().state().value("note"), None);
    agent.save_state().await.unwrap();
    assert_eq!(builder().build().await.unwrap().state().value("note"), Some(json!("x")));
}

/// What a turn changed is kept with its pause
#[tokio::test]
async fn a_pause_keeps_it() {
    for way in WAYS {
        let asks = |event: &mut AfterToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop);
        let builder =
            Agent::builder().no_callback_handler().model(one_call()).tool(counting()).hook(asks);
        let mut agent = builder.build().await.unwrap();
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.state().value("calls"), Some(json!(1)), "{way:?}");
        answer_all(&mut agent, true).await;
        assert_eq!(agent.state().value("calls"), Some(json!(1)), "{way:?}");
    }
}

fn marking(event: &BeforeModelCallEvent) -> HookResult {
    Ok(event.agent().state().set("mark", event.agent().messages().len())?)
}

/// A turn that is given up before anything of it stood in the history has changed nothing
#[tokio::test]
async fn a_turn_that_is_given_up_takes_its_changes_along() {
    let failing = [Reply::error(ErrorKind::Authentication, "no"), Reply::text("ok")];
    let builder = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new(failing))
        .state(json!({"mark": "old"}));
    let mut agent = builder.hook(marking).build().await.unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(agent.state().value("mark"), Some(json!(1)));
    // What was set by nobody's turn stays.
    agent.state().set("mine", true).unwrap();
    agent.save_state().await.unwrap();
    agent.abandon().await.unwrap();
    assert_eq!(agent.state().to_json(), json!({"mark": "old", "mine": true}));
    assert_eq!(Value::Object(agent.run().agent_state().clone()), agent.state().to_json());
}

/// So has a prompt that is taken back
#[tokio::test]
async fn a_prompt_that_is_taken_back_takes_its_changes_along() {
    let overflow = ScriptedModel::new([Reply::error(ErrorKind::ContextOverflow, "no")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(overflow).hook(marking).build().await.unwrap();
    assert!(agent.invoke("q").await.unwrap_err().is_context_overflow());
    assert_eq!(agent.state().to_json(), json!({}));
    assert!(agent.run().agent_state().is_empty());
}

/// A turn that stands in the history keeps what its tools changed, also if it was given up half-way
#[tokio::test]
async fn what_ran_keeps_its_changes() {
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({})), ("t2", "asks", json!({}))]),
        Reply::text("ok"),
    ]);
    let asks = tool("asks", |_, context: ToolContext| async move {
        context.interrupt::<bool>("ok", "why").map(|_| ToolOutput::text("no"))
    });
    let builder = Agent::builder().no_callback_handler().model(model).tools([counting(), asks]);
    let mut agent = builder.build().await.unwrap();
    agent.invoke("q").await.unwrap();
    agent.abandon().await.unwrap();
    assert_eq!(agent.state().value("calls"), Some(json!(1)));
}

/// What was cut off and is nowhere recorded has changed nothing
#[tokio::test]
async fn a_dropped_invocation_leaves_what_is_recorded() {
    let silent = ScriptedModel::new([Reply::text("one two").silent_after(2), Reply::text("ok")]);
    let hook = |event: &ModelStreamEvent| {
        event.agent().state().set("chunks", 1).unwrap();
    };
    let builder = Agent::builder().no_callback_handler().model(silent).observe_stream(hook);
    let mut agent = builder.build().await.unwrap();
    {
        let mut work = Box::pin(agent.invoke("q"));
        assert!(futures_util::poll!(&mut work).is_pending());
    }
    assert_eq!(agent.state().to_json(), json!({}));
    agent.invoke(()).await.unwrap();
    assert_eq!(agent.state().to_json(), json!({"chunks": 1}));
}

/// Agents of one blueprint have a state each
#[tokio::test]
async fn each_agent_has_its_own() {
    let blueprint = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .state(json!({"n": 0}))
        .blueprint()
        .unwrap();
    let blueprint = Arc::new(blueprint);
    let (one, two) = (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
    one.state().set("n", 1).unwrap();
    assert_eq!((one.state().value("n"), two.state().value("n")), (Some(json!(1)), Some(json!(0))));
}
