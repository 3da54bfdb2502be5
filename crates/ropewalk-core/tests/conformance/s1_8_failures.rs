//! §1.8 Exceptions in callbacks. Strands gives some of them raw and wraps others; here each is one
//! error of the kind `hook` that names callback and event and keeps the original as its source
//! (Appendix A 23). The state of the invocation, which Strands puts into its error, is in the run.

use std::error::Error as _;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestTool, assert_valid, echo, last_results};
use crate::support::{Count, Notes, calls, one_call, says, stream_of, texts};

#[derive(Debug, thiserror::Error)]
#[error("no paper")]
struct NoPaper;

fn fails<E>(_: &mut E) -> Result<(), NoPaper> {
    Err(NoPaper)
}

/// It names the event and keeps the original.
fn assert_hook_error(error: &Error, event: &str) {
    assert_eq!(error.kind(), ErrorKind::Hook);
    assert!(error.to_string().contains(&format!("failed at {event}: no paper")), "{error}");
    assert!(error.source().is_some_and(|source| source.is::<NoPaper>()), "{error:?}");
}

/// Counts how often AfterInvocation fires.
fn counting_ends(builder: AgentBuilder) -> (AgentBuilder, Count) {
    let ended = Count::default();
    let counter = ended.clone();
    let builder = builder.hook(move |_: &AfterInvocationEvent| {
        counter.up();
    });
    (builder, ended)
}

fn agent_of(model: ScriptedModel) -> (AgentBuilder, TestTool) {
    let tool = echo("a");
    (Agent::builder().no_callback_handler().model(model).tool(tool.clone()), tool)
}

/// §1.8 BeforeInvocation: "no AfterInvocation; history untouched"
#[tokio::test]
async fn before_invocation() {
    let builder = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(fails::<BeforeInvocationEvent>);
    let (builder, ended) = counting_ends(builder);
    let mut agent = builder.build().await.unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "BeforeInvocationEvent");
    assert!(agent.messages().is_empty() && !agent.is_unfinished());
    assert_eq!(ended.get(), 0);
}

/// §1.8 MessageAdded (user msg): "message stays appended; AfterInvocation fires"
#[tokio::test]
async fn message_added_for_the_users_message() {
    let builder =
        Agent::builder().no_callback_handler().model(says("ok")).hook(fails::<MessageAddedEvent>);
    let (builder, ended) = counting_ends(builder);
    let mut agent = builder.build().await.unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "MessageAddedEvent");
    assert_eq!((texts(&agent), ended.get()), (vec!["q".to_owned()], 1));
}

/// §1.8 MessageAdded (assistant / tool result): the force-stop event. Not as in Strands: the usage of
/// the message counts, for it was paid.
#[tokio::test]
async fn message_added_for_the_models_message() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::message(Message::assistant("ok"))]))
        .hook(|event: &mut MessageAddedEvent| match event.message().role {
            Role::Assistant => Err(NoPaper),
            Role::User => Ok(()),
        })
        .build()
        .await
        .unwrap();
    let events = stream_of(&mut agent, "q").await;
    assert!(events.iter().any(|event| event["force_stop"] == json!(true)), "{events:?}");
    assert_eq!(texts(&agent), ["q", "ok"]);
    assert_eq!(agent.run().total_usage(), Usage::new(10, 5));
}

/// §1.8 MessageAdded (tool result)
#[tokio::test]
async fn message_added_for_the_results() {
    let (builder, tool) = agent_of(one_call());
    let mut agent = builder
        .hook(|event: &mut MessageAddedEvent| match event.message().results().next() {
            Some(_) => Err(NoPaper),
            None => Ok(()),
        })
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "MessageAddedEvent");
    assert_eq!((agent.messages().len(), tool.count()), (3, 1));
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done", "it goes on behind it");
    assert_eq!(tool.count(), 1);
}

/// §1.8 BeforeModelCall: "AfterModelCall fires with the exception (hook may retry)"
#[tokio::test]
async fn before_model_call() {
    let notes = Notes::default();
    let log = notes.clone();
    let (tries, retries) = (Count::default(), Count::default());
    let model = says("ok");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(
            move |_: &mut BeforeModelCallEvent| {
                if tries.up() < 2 { Err(NoPaper) } else { Ok(()) }
            },
        )
        .hook(move |event: &mut AfterModelCallEvent| {
            let error = event.exception().map(|error| error.kind());
            log.add(format!("{error:?}"));
            event.set_retry(retries.up() == 0);
        })
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "BeforeModelCallEvent");
    assert_eq!(notes.take(), ["Some(Hook)", "Some(Hook)"], "the first was retried");
    assert!(model.requests().is_empty());
    assert_eq!(agent.invoke(()).await.unwrap().text(), "ok");
}

/// §1.8 AfterModelCall: not as in Strands, where it fires a second time with the hook's own error
/// (Appendix A 4). It fires once, the answer is not taken, and the model can be asked again.
#[tokio::test]
async fn after_model_call_fires_once() {
    let fired = Count::default();
    let counter = fired.clone();
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(
            move |_: &mut AfterModelCallEvent| {
                if counter.up() == 0 { Err(NoPaper) } else { Ok(()) }
            },
        )
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "AfterModelCallEvent");
    assert_eq!((fired.get(), texts(&agent)), (1, vec!["q".to_owned()]));
    assert_eq!(agent.invoke(()).await.unwrap().text(), "two");
    assert_eq!(texts(&agent), ["q", "two"]);
}

/// §1.8 BeforeTools
#[tokio::test]
async fn before_tools() {
    let (builder, tool) = agent_of(one_call());
    let mut agent = builder.hook(fails::<BeforeToolsEvent>).build().await.unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "BeforeToolsEvent");
    assert_eq!((tool.count(), agent.messages().len()), (0, 1));
    assert_valid(&agent.messages());
}

/// §1.8 AfterTools: the tools are not run again when it goes on
#[tokio::test]
async fn after_tools() {
    let (builder, tool) = agent_of(one_call());
    let tries = Count::default();
    let mut agent = builder
        .hook(move |_: &mut AfterToolsEvent| if tries.up() == 0 { Err(NoPaper) } else { Ok(()) })
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "AfterToolsEvent");
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.8 BeforeToolCall: an error with its cause; never swallowed, never a tool use without a result
/// (1.21's BUG, Appendix A 1).
#[tokio::test]
async fn before_tool_call() {
    let model = calls(&[("t1", "a"), ("t2", "b")]);
    let (builder, one) = agent_of(model.clone());
    let two = echo("b");
    let tries = Count::default();
    let mut agent = builder
        .tool(two.clone())
        .hook(move |event: &mut BeforeToolCallEvent| {
            let first = event.tool_use().name == "a" && tries.up() == 0;
            if first { Err(NoPaper) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "BeforeToolCallEvent");
    assert_eq!((one.count(), two.count(), model.requests().len()), (0, 1, 1));
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!((one.count(), two.count()), (1, 1));
    assert_eq!(last_results(&agent.messages()), ["a", "b"]);
}

/// §1.8 BeforeToolCall: given up, the calls have error results
#[tokio::test]
async fn before_tool_call_given_up() {
    let (builder, tool) = agent_of(one_call());
    let mut agent = builder.hook(fails::<BeforeToolCallEvent>).build().await.unwrap();
    agent.invoke("q").await.unwrap_err();
    agent.abandon().await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["Tool was interrupted."]);
    assert_valid(&agent.messages());
    assert_eq!(tool.count(), 0);
}

/// §1.8 AfterToolCall: not as in Strands, where the hook's error becomes the tool's result, the event
/// fires a second time and a second error is swallowed (Appendix A 4). It fires once for the result,
/// the run stops, and the tool does not run again.
#[tokio::test]
async fn after_tool_call_fires_once() {
    let (builder, tool) = agent_of(one_call());
    let fired = Count::default();
    let counter = fired.clone();
    let mut agent = builder
        .hook(move |event: &mut AfterToolCallEvent| {
            assert!(event.exception().is_none());
            if counter.up() == 0 { Err(NoPaper) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "AfterToolCallEvent");
    assert_eq!(fired.get(), 1);
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!(last_results(&agent.messages()), ["a"], "the tool's own result");
    assert_eq!(tool.count(), 1);
}

/// §1.8 AfterInvocation: "raw error, result lost to the caller although history is complete"
#[tokio::test]
async fn after_invocation() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(fails::<AfterInvocationEvent>)
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "AfterInvocationEvent");
    assert_eq!(texts(&agent), ["q", "ok"]);
    assert!(!agent.is_unfinished());
}

/// §1.8 AfterInvocation: its error does not stand before the one of the work
#[tokio::test]
async fn after_invocation_does_not_hide_an_earlier_error() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "gone")]))
        .retry_strategy(RetryStrategy::none())
        .hook(fails::<AfterInvocationEvent>)
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Unavailable);
}

/// §1.8 AgentInitialized: "constructor fails"
#[tokio::test]
async fn agent_initialized() {
    let builder = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(fails::<AgentInitializedEvent>);
    assert_hook_error(&builder.build().await.unwrap_err(), "AgentInitializedEvent");
}

/// Not in §1.8: a guard that fails. The call is not made.
#[tokio::test]
async fn tool_call_guard() {
    let (builder, tool) = agent_of(one_call());
    let mut agent = builder.hook(fails::<ToolCallGuardEvent>).build().await.unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "ToolCallGuardEvent");
    assert_eq!(tool.count(), 0);
}

/// Not in §1.8: a decision that could not be noted. What it is about does not happen.
#[tokio::test]
async fn decision() {
    let (builder, tool) = agent_of(one_call());
    let mut agent = builder
        .hook(|event: &mut BeforeToolCallEvent| {
            event.record_decision(DecisionRecord::new("limits", "BeforeToolCallEvent", "allow"));
        })
        .hook(fails::<DecisionEvent>)
        .build()
        .await
        .unwrap();
    assert_hook_error(&agent.invoke("q").await.unwrap_err(), "DecisionEvent");
    assert_eq!(tool.count(), 0);
}

/// §1.8 "Remaining callbacks for that event are skipped once one raises"
#[tokio::test]
async fn the_callbacks_behind_it_are_not_called() {
    let called = Notes::default();
    let (before, behind) = (called.clone(), called.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(move |_: &mut BeforeModelCallEvent| before.add("before"))
        .hook(fails::<BeforeModelCallEvent>)
        .hook(move |_: &mut BeforeModelCallEvent| behind.add("behind"))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(called.take(), ["before"]);
}

/// Not in §1.8: a callback that may only look (`&Event`) is reported when it fails, and stops nothing;
/// those behind it are called. In Strands a log that breaks breaks the agent.
#[tokio::test]
async fn a_failing_observer_stops_nothing() {
    fn breaks(_: &BeforeModelCallEvent) {
        panic!("no ink");
    }
    let seen = Count::default();
    let counter = seen.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(|_: &BeforeModelCallEvent| Err::<(), _>(NoPaper))
        .hook(breaks)
        .hook(move |_: &BeforeModelCallEvent| {
            counter.up();
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
    assert_eq!(seen.get(), 1);
}

/// Not in §1.8: a panic is a failure like any other.
#[tokio::test]
async fn a_panic_is_a_failure() {
    let hook = |event: &mut BeforeModelCallEvent| {
        assert!(event.agent().messages().is_empty(), "there are messages");
    };
    let mut agent =
        Agent::builder().no_callback_handler().model(says("ok")).hook(hook).build().await.unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hook);
    assert!(error.to_string().contains("panicked: there are messages"), "{error}");
}

/// §1.8 "The event-loop error keeps the original as its cause", through the report for people too
#[tokio::test]
async fn the_report_of_a_failure_holds_its_cause_once() {
    let hook = fails::<BeforeModelCallEvent>;
    let mut agent =
        Agent::builder().no_callback_handler().model(says("ok")).hook(hook).build().await.unwrap();
    let report = agent.invoke("q").await.unwrap_err().report();
    assert_eq!(report.matches("no paper").count(), 1, "{report}");
}
