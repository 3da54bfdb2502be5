//! §1.1 Event classes: which fields each has, which may be set, the order, whether it can ask. That
//! nothing else can be set is shown by `tests/ui/core`.
//!
//! Unlike Strands, every event of an agent may ask: a rule that may only look where nobody can be
//! asked is no rule for people. Those that only announce what is durable already (`DecisionEvent`,
//! `InterruptExpiringEvent`, `HistoryEditedEvent`, which Strands does not have) can't.
//!
//! Of §1.1, `MessageUpdatedEvent` is fired by the bidirectional agent only. The events of teams (§1.2)
//! and of that agent (§1.3) are not here, as these are not.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, tool};
use crate::support::{Count, Notes, info, one_call, says};

type Row = (&'static str, &'static [&'static str], bool, bool);

/// Name, what may be set, reversed, may ask.
fn row<E: BaseHookEvent>() -> Row {
    let info = info::<E>();
    (info.event, info.writable, info.reverse, info.interruptible)
}

/// An agent that calls the tool `a` once, with a hook; whoever registers must see that it was called.
async fn run_with<E: BaseHookEvent>(look: fn(&mut E)) {
    let seen = Count::default();
    let counter = seen.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .name("Anna")
        .hook(move |event: &mut E| {
            counter.up();
            look(event);
        })
        .build()
        .await
        .unwrap();
    agent.invocation("q").state("user", "alice").await.unwrap();
    assert!(seen.get() > 0, "it was never called");
}

/// §1.1 AgentInitializedEvent
#[tokio::test]
async fn agent_initialized_has_the_agent() {
    assert_eq!(row::<AgentInitializedEvent>(), ("AgentInitializedEvent", &[][..], false, true));
    run_with(|event: &mut AgentInitializedEvent| {
        assert_eq!(event.agent().name(), "Anna");
        assert_eq!(event.agent().tool_names(), ["a"]);
    })
    .await;
}

/// §1.1 BeforeInvocationEvent
#[tokio::test]
async fn before_invocation_has_agent_state_messages_and_cancel() {
    let writable = &["messages", "cancel"][..];
    assert_eq!(row::<BeforeInvocationEvent>(), ("BeforeInvocationEvent", writable, false, true));
    run_with(|event: &mut BeforeInvocationEvent| {
        assert_eq!(event.agent().messages().len(), 0);
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
        assert_eq!(event.messages(), [Message::user("q")]);
        assert_eq!(event.cancelled(), &Cancel::No);
    })
    .await;
}

/// §1.1 AfterInvocationEvent
#[tokio::test]
async fn after_invocation_has_agent_result_state_and_resume() {
    let writable = &["resume"][..];
    assert_eq!(row::<AfterInvocationEvent>(), ("AfterInvocationEvent", writable, true, true));
    run_with(|event: &mut AfterInvocationEvent| {
        assert_eq!(event.agent().messages().len(), 4);
        assert_eq!(event.result().unwrap().text(), "done");
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
        assert_eq!(event.resume(), None);
    })
    .await;
}

/// §1.1 MessageAddedEvent
#[tokio::test]
async fn message_added_has_agent_and_message() {
    assert_eq!(row::<MessageAddedEvent>(), ("MessageAddedEvent", &[][..], false, true));
    run_with(|event: &mut MessageAddedEvent| {
        let last = event.agent().messages().last().cloned();
        // The message with tool uses stands in the history together with its results.
        if event.message().tool_uses().next().is_none() {
            assert_eq!(last.as_ref(), Some(event.message()));
        }
    })
    .await;
}

/// §1.1 BeforeModelCallEvent
#[tokio::test]
async fn before_model_call_has_agent_state_projected_tokens_and_cancel() {
    let writable = &["cancel", "guidance"][..];
    assert_eq!(row::<BeforeModelCallEvent>(), ("BeforeModelCallEvent", writable, false, true));
    run_with(|event: &mut BeforeModelCallEvent| {
        // 15 tokens were used by the first answer; what was added since is estimated.
        let known = event.projected_input_tokens();
        match event.agent().messages().len() {
            1 => assert_eq!(known, None),
            _ => assert!(known.is_some_and(|tokens| tokens > 15), "{known:?}"),
        }
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
        assert_eq!(event.cancelled(), &Cancel::No);
    })
    .await;
}

/// §1.1 AfterModelCallEvent
#[tokio::test]
async fn after_model_call_has_agent_state_response_or_exception_and_retry() {
    let writable = &["retry", "guidance"][..];
    assert_eq!(row::<AfterModelCallEvent>(), ("AfterModelCallEvent", writable, true, true));
    run_with(|event: &mut AfterModelCallEvent| {
        let turn = event.stop_response().unwrap();
        let tools = turn.message.tool_uses().next().is_some();
        let reason = if tools { StopReason::ToolUse } else { StopReason::EndTurn };
        assert_eq!(turn.stop_reason, reason);
        assert!(event.exception().is_none());
        assert!(!event.retry());
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
    })
    .await;
}

/// §1.1 AfterModelCallEvent.exception
#[tokio::test]
async fn after_model_call_has_the_exception_instead_of_a_response() {
    let notes = Notes::default();
    let log = notes.clone();
    let model = ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "gone")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .retry_strategy(RetryStrategy::none())
        .hook(move |event: &AfterModelCallEvent| {
            log.add(format!("{} {}", event.stop_response().is_none(), event.exception().unwrap()));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(notes.take(), ["true gone"]);
}

/// §1.1 BeforeToolsEvent
#[tokio::test]
async fn before_tools_has_agent_message_state_and_cancel() {
    let writable = &["cancel"][..];
    assert_eq!(row::<BeforeToolsEvent>(), ("BeforeToolsEvent", writable, false, true));
    run_with(|event: &mut BeforeToolsEvent| {
        assert_eq!(event.message().role, Role::Assistant);
        assert_eq!(event.message().tool_uses().count(), 1);
        assert_eq!(event.agent().name(), "Anna");
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
        assert_eq!(event.cancelled(), &Cancel::No);
    })
    .await;
}

/// §1.1 AfterToolsEvent
#[tokio::test]
async fn after_tools_has_agent_message_state_and_end_turn() {
    let writable = &["end_turn"][..];
    assert_eq!(row::<AfterToolsEvent>(), ("AfterToolsEvent", writable, true, true));
    run_with(|event: &mut AfterToolsEvent| {
        assert_eq!(event.message().role, Role::User);
        assert_eq!(event.message().results().next().unwrap().text(), "a");
        assert_eq!(event.agent().messages().len(), 1, "about to be added");
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
        assert_eq!(event.end_turn(), None);
    })
    .await;
}

/// §1.1 BeforeToolCallEvent
#[tokio::test]
async fn before_tool_call_has_agent_tool_use_state_and_cancel() {
    let writable = &["selected_tool", "tool_use", "cancel_tool"][..];
    assert_eq!(row::<BeforeToolCallEvent>(), ("BeforeToolCallEvent", writable, false, true));
    run_with(|event: &mut BeforeToolCallEvent| {
        assert_eq!(event.agent().name(), "Anna");
        assert_eq!(event.selected_tool().unwrap().spec().name, "a");
        assert_eq!(event.tool_use(), &ToolUse::new("t1", "a", json!({"n": 1})));
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
        assert_eq!(event.cancelled(), &Cancel::No);
    })
    .await;
}

/// §1.1 AfterToolCallEvent
#[tokio::test]
async fn after_tool_call_has_tool_use_result_and_retry() {
    let writable = &["result", "retry"][..];
    assert_eq!(row::<AfterToolCallEvent>(), ("AfterToolCallEvent", writable, true, true));
    run_with(|event: &mut AfterToolCallEvent| {
        assert_eq!(event.agent().name(), "Anna");
        assert_eq!(event.selected_tool().unwrap().spec().name, "a");
        assert_eq!(event.tool_use().tool_use_id, "t1");
        assert_eq!(event.result(), &ToolResult::success("t1", "a"));
        assert!(event.exception().is_none());
        assert_eq!(event.cancel_message(), None);
        assert!(event.duration().is_some());
        assert!(!event.retry());
        assert_eq!(event.invocation_state().get::<String>("user").as_deref(), Some("alice"));
    })
    .await;
}

/// §1.1 AfterToolCallEvent.exception
#[tokio::test]
async fn after_tool_call_has_what_went_wrong_in_the_tool() {
    let notes = Notes::default();
    let log = notes.clone();
    let fails = tool("a", |_, _| async { Err("no ink".into()) });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(fails)
        .hook(move |event: &AfterToolCallEvent| {
            log.add(format!("{} / {}", event.exception().unwrap(), event.result().text()));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["no ink / Error: no ink"]);
}

/// §1.1 "mutable values can still be mutated in place": not here. Strands' guard is shallow; what an
/// event shows of the agent is a value that does not change, so a hook can't write past the events
/// (and past the session).
#[tokio::test]
async fn what_a_hook_sees_of_the_agent_is_a_value_of_that_moment() {
    let kept = Arc::new(std::sync::Mutex::new(None));
    let slot = Arc::clone(&kept);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(move |event: &BeforeModelCallEvent| {
            let mut history = event.agent().messages().clone();
            history.push(Message::assistant("smuggled")).unwrap();
            *slot.lock().unwrap() = Some(event.agent().clone());
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.messages().len(), 2);
    assert_eq!(kept.lock().unwrap().take().unwrap().messages().len(), 1);
}

/// §1.1 "All events derive from BaseHookEvent; single-agent events derive from HookEvent, which adds
/// agent"
#[tokio::test]
async fn every_event_of_an_agent_is_a_hook_event() {
    fn agent_of<E: HookEvent>(event: &E) -> &AgentView {
        event.agent()
    }
    run_with(|event: &mut AgentInitializedEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut BeforeInvocationEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut AfterInvocationEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut MessageAddedEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut BeforeModelCallEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut AfterModelCallEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut BeforeToolsEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut AfterToolsEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut BeforeToolCallEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut AfterToolCallEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
    run_with(|event: &mut ToolCallGuardEvent| assert_eq!(agent_of(event).name(), "Anna")).await;
}

/// Not in §1.1: ToolCallGuardEvent. A guard stands behind all that may change a call, so that what
/// is approved is what runs.
#[tokio::test]
async fn a_guard_sees_what_will_run_and_may_only_cancel() {
    let writable = &["cancel_tool"][..];
    assert_eq!(row::<ToolCallGuardEvent>(), ("ToolCallGuardEvent", writable, false, true));
    run_with(|event: &mut ToolCallGuardEvent| {
        assert_eq!(event.tool().spec().name, "a");
        assert_eq!(event.tool_use().input, json!({"n": 1}));
        assert_eq!(event.input_hash(), input_hash(&json!({"n": 1})));
        assert_eq!(event.cancelled(), &Cancel::No);
    })
    .await;
}

/// Not in §1.1: DecisionEvent. It announces, and can't be asked from.
#[tokio::test]
async fn a_decision_is_announced() {
    assert_eq!(row::<DecisionEvent>(), ("DecisionEvent", &[][..], false, false));
    let notes = Notes::default();
    let log = notes.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(|event: &mut BeforeToolCallEvent| {
            let decision = DecisionRecord::new("limits", "BeforeToolCallEvent", "allow");
            event.record_decision(decision.with_call(event.tool_use()));
        })
        .hook(move |event: &DecisionEvent| {
            let decision = event.decision();
            log.add(format!("{} {:?}", decision.verdict, decision.tool_use_id));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), [r#"allow Some("t1")"#]);
}

/// Not in §1.1: InterruptExpiringEvent. It announces, and can't be asked from.
#[tokio::test]
async fn a_question_that_expires_soon_is_announced() {
    assert_eq!(row::<InterruptExpiringEvent>(), ("InterruptExpiringEvent", &[][..], false, false));
    let minutes = Count::default();
    let clock = minutes.clone();
    let notes = Notes::default();
    let log = notes.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(60 * clock.get() as u64))
        .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
            let request = ApprovalRequest::new("Really?")
                .with_expires_in(Duration::from_secs(180))
                .with_warn_before(Duration::from_secs(60));
            event.ask_approval("approve", request).map(drop)
        })
        .hook(move |event: &InterruptExpiringEvent| {
            let at = event.expires_at().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            let (name, left) = (&event.interrupt().name, event.remaining().as_secs());
            log.add(format!("{name} {at} {left}"));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    agent.check_expiry().await.unwrap();
    assert!(notes.take().is_empty(), "two minutes too early");
    minutes.up();
    minutes.up();
    agent.check_expiry().await.unwrap();
    assert_eq!(notes.take(), ["approve 180 60"]);
}
