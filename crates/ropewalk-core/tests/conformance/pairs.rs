//! What was announced as begun is announced as ended, whatever came in between.

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;

use crate::common::{TestJournal, TestTool, echo, last_results, tool};
use crate::support::*;

type Break = fn(AgentBuilder, Arc<Mutex<Option<CancelHandle>>>) -> AgentBuilder;

/// What may keep a call from running behind its first hooks, and how the text begins that those after it see;
/// `cancelled` is that of a cancel.
fn breaks(cancelled: &'static str) -> Vec<(&'static str, Break, &'static str)> {
    async fn fails(_: ToolCallRequest, _: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        Err("no cache".into())
    }
    vec![
        (
            "a hook before it fails",
            |b, _| b.hook(|_: &mut BeforeToolCallEvent| -> HookResult { Err("no ink".into()) }),
            "Error: hook",
        ),
        (
            "a guard fails",
            |b, _| b.hook(|_: &mut ToolCallGuardEvent| -> HookResult { Err("no ink".into()) }),
            "Error: hook",
        ),
        ("a wrap fails", |b, _| b.wrap_tool_call(fails), "Error: "),
        (
            "a cancel before",
            |b, handle| {
                b.hook(move |_: &mut BeforeToolCallEvent| {
                    handle.lock().unwrap().as_ref().unwrap().cancel();
                })
                // It does not begin any more.
                .wrap_tool_call(fails)
            },
            cancelled,
        ),
        (
            "a cancel before, and a question",
            |b, handle| {
                b.hook(move |e: &mut BeforeToolCallEvent| -> HookResult {
                    handle.lock().unwrap().as_ref().unwrap().cancel();
                    e.interrupt::<bool>("ok", "why").map(drop)
                })
            },
            cancelled,
        ),
        (
            "a cancel at the guard",
            |b, handle| {
                b.hook(move |_: &mut ToolCallGuardEvent| {
                    handle.lock().unwrap().as_ref().unwrap().cancel();
                })
            },
            cancelled,
        ),
    ]
}

/// Each time they are made, hooks around a call see it begin and end: also a call that a cancel or a
/// failure kept from running.
#[tokio::test]
async fn what_hooks_saw_begin_they_see_end() {
    let mut breaks = breaks("Tool execution cancelled");
    let panics: Break = |b, _| b.hook(|e: &mut ToolCallGuardEvent| assert_eq!(e.run_id(), "none"));
    breaks.push(("a guard panics", panics, "Error: hook"));
    for (name, breaks, text) in breaks {
        let (tool, notes, handle) = (echo("a"), Notes::default(), Arc::default());
        let (before, after) = (notes.clone(), notes.clone());
        let builder = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(move |_: &BeforeToolCallEvent| before.add("before"))
            .hook(move |event: &mut AfterToolCallEvent| {
                after.add(format!("after {}", event.result().text()));
                // Counts for nothing here.
                event.set_retry(true);
            });
        let mut agent = breaks(builder, Arc::clone(&handle)).build().await.unwrap();
        *handle.lock().unwrap() = Some(agent.cancel_handle());
        let outcome = agent.invoke("q").await;
        assert_eq!(outcome.is_ok(), name.contains("cancel"), "{name}: {outcome:?}");
        let seen = notes.take();
        assert_eq!((seen.len(), tool.count()), (2, 0), "{name}: {seen:?}");
        assert!(seen[1].starts_with(&format!("after {text}")), "{name}: {seen:?}");
        if outcome.is_err() {
            // It goes on from the start, and again what began ends.
            agent.invoke(()).await.unwrap_err();
            assert_eq!(notes.take().len(), 2, "{name}");
        } else {
            assert!(!agent.is_unfinished() && agent.interrupts().is_empty(), "{name}");
        }
    }
}

/// The same around the model: a cancel before it is asked, with a question or without.
#[tokio::test]
async fn what_hooks_saw_begin_they_see_end_around_the_model() {
    async fn wraps(request: ModelCallRequest, _: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        Err(request.interrupt::<bool>("ok", "why").map(drop).unwrap_err())
    }
    for asks in ["nobody", "hook", "wrap"] {
        let (notes, handle) = (Notes::default(), Arc::<Mutex<Option<CancelHandle>>>::default());
        let (before, after, cancels) = (notes.clone(), notes.clone(), Arc::clone(&handle));
        let model = one_call();
        let builder = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .hook(move |event: &mut BeforeModelCallEvent| -> HookResult {
                before.add("before");
                cancels.lock().unwrap().as_ref().unwrap().cancel();
                match asks {
                    "hook" => event.interrupt::<bool>("ok", "why").map(drop),
                    _ => Ok(()),
                }
            })
            .hook(move |event: &AfterModelCallEvent| {
                after.add(format!("after {:?}", event.exception().map(|error| error.kind())));
            });
        let builder = if asks == "wrap" { builder.wrap_model_call(wraps) } else { builder };
        let mut agent = builder.build().await.unwrap();
        *handle.lock().unwrap() = Some(agent.cancel_handle());
        assert_eq!(agent.invoke("q").await.unwrap().stop_reason, StopReason::Cancelled, "{asks}");
        assert_eq!(notes.take(), ["before", "after Some(Cancelled)"], "{asks}");
        assert!(model.requests().is_empty() && agent.interrupts().is_empty(), "{asks}");
    }
}

/// Notes the hooks around calls of tools.
fn noted(builder: AgentBuilder, notes: &Notes) -> AgentBuilder {
    let (before, after) = (notes.clone(), notes.clone());
    builder
        .no_callback_handler()
        .hook(move |_: &BeforeToolCallEvent| before.add("before"))
        .hook(move |event: &AfterToolCallEvent| after.add(event.result().text()))
}

/// A tool that panics is one that failed.
#[tokio::test]
async fn a_tool_that_panics_is_announced_once() {
    let notes = Notes::default();
    let tool = tool("a", |_, _| async { panic!("no ink") });
    let builder = Agent::builder().model(one_call()).tool(tool);
    let mut agent = noted(builder, &notes).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let seen = notes.take();
    assert_eq!((seen.len(), &*seen[0]), (2, "before"), "{seen:?}");
    assert!(seen[1].contains("no ink"), "{seen:?}");
}

/// An agent whose call was cut off while it ran, and may be made again.
async fn cut_off() -> (Run, TestTool) {
    let tool = echo("a").replayed(Replay::Idempotent);
    let journal = TestJournal::new();
    let builder = Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone());
    let mut agent = builder.session(journal.clone()).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let records = journal.records().await;
    let claimed = |record: &Record| matches!(record, Record::ToolClaimed { .. });
    let until = records.iter().position(claimed).unwrap();
    let run = Run::new(journal.run_id()).replay(records[..=until].to_vec()).unwrap();
    (run, tool)
}

/// A call that was cut off is taken up through its hooks; what keeps it from running is told to those after
/// it.
#[tokio::test]
async fn what_is_taken_up_is_announced_as_ended_too() {
    const UNKNOWN: &str = "The outcome of this call is unknown";
    let mut breaks = breaks(UNKNOWN);
    breaks.push(("nothing", |b, _| b, "a"));
    for (name, breaks, text) in breaks {
        let (run, tool) = cut_off().await;
        let (notes, handle) = (Notes::default(), Arc::default());
        let builder = Agent::builder().model(says("done")).tool(tool.clone());
        let builder = breaks(noted(builder, &notes), Arc::clone(&handle));
        let blueprint = Arc::new(builder.blueprint().unwrap());
        let mut agent = blueprint.resume(run).await.unwrap();
        *handle.lock().unwrap() = Some(agent.cancel_handle());
        let outcome = agent.invoke(()).await;
        assert_eq!(outcome.is_err(), name.contains("fails"), "{name}: {outcome:?}");
        let seen = notes.take();
        assert_eq!((seen.len(), &*seen[0]), (2, "before"), "{name}: {seen:?}");
        assert!(seen[1].starts_with(text), "{name}: {seen:?}");
        assert_eq!(seen[1].contains(UNKNOWN), name != "nothing", "{name}: {seen:?}");
        assert_eq!(tool.count(), if name == "nothing" { 2 } else { 1 }, "{name}");
        match outcome {
            Err(_) => {
                agent.invoke(()).await.unwrap_err();
                assert_eq!(notes.take().len(), 2, "{name}");
            }
            Ok(result) if name == "nothing" => assert!(result.unknown_outcomes.is_empty()),
            Ok(result) => {
                let expected = (StopReason::Cancelled, 1, false);
                let unknown = result.unknown_outcomes.len();
                assert_eq!(
                    (result.stop_reason, unknown, agent.is_unfinished()),
                    expected,
                    "{name}"
                );
                let told = last_results(&agent.messages());
                assert!(told[0].starts_with(UNKNOWN), "{name}: {told:?}");
            }
        }
    }
}

/// A call that was taken up and ran has its result, whatever is wanted of it after a cancel.
#[tokio::test]
async fn what_was_taken_up_and_ran_keeps_its_result() {
    async fn asks(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        next.run(request.clone()).await?;
        Err(request.interrupt::<bool>("ok", "why").map(drop).unwrap_err())
    }
    let (run, _) = cut_off().await;
    let handle = Arc::<Mutex<Option<CancelHandle>>>::default();
    let cancels = Arc::clone(&handle);
    let tool = tool("a", move |_, _| {
        cancels.lock().unwrap().as_ref().unwrap().cancel();
        async { Ok(ToolOutput::text("it ran")) }
    });
    let builder = Agent::builder()
        .no_callback_handler()
        .model(says("done"))
        .tool(tool.clone().replayed(Replay::Idempotent))
        .wrap_tool_call(asks);
    let mut agent = Arc::new(builder.blueprint().unwrap()).resume(run).await.unwrap();
    *handle.lock().unwrap() = Some(agent.cancel_handle());
    let result = agent.invoke(()).await.unwrap();
    assert_eq!((result.stop_reason, result.unknown_outcomes.len()), (StopReason::Cancelled, 0));
    assert_eq!((tool.count(), last_results(&agent.messages())), (1, vec!["it ran".to_owned()]));
}
