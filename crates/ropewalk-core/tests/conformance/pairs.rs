//! What was announced as begun is announced as ended, whatever came in between.

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;

use crate::common::echo;
use crate::support::*;

/// Each time they are made, hooks around a call see it begin and end: also a call that a cancel or a
/// failure kept from running.
#[tokio::test]
async fn what_hooks_saw_begin_they_see_end() {
    type Break = fn(AgentBuilder, Arc<Mutex<Option<CancelHandle>>>) -> AgentBuilder;
    async fn fails(_: ToolCallRequest, _: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        Err("no cache".into())
    }
    let breaks: [(&str, Break, &str); 6] = [
        (
            "a guard fails",
            |b, _| b.hook(|_: &mut ToolCallGuardEvent| -> HookResult { Err("no ink".into()) }),
            "Error: hook",
        ),
        (
            "a guard panics",
            |b, _| b.hook(|e: &mut ToolCallGuardEvent| assert_eq!(e.run_id(), "none")),
            "Error: hook",
        ),
        ("a wrap fails", |b, _| b.wrap_tool_call(fails), "Error: "),
        (
            "a cancel before",
            |b, handle| {
                b.hook(move |_: &mut BeforeToolCallEvent| {
                    handle.lock().unwrap().as_ref().unwrap().cancel();
                })
            },
            "Tool execution cancelled",
        ),
        (
            "a cancel before, and a question",
            |b, handle| {
                b.hook(move |e: &mut BeforeToolCallEvent| -> HookResult {
                    handle.lock().unwrap().as_ref().unwrap().cancel();
                    e.interrupt::<bool>("ok", "why").map(drop)
                })
            },
            "Tool execution cancelled",
        ),
        (
            "a cancel at the guard",
            |b, handle| {
                b.hook(move |_: &mut ToolCallGuardEvent| {
                    handle.lock().unwrap().as_ref().unwrap().cancel();
                })
            },
            "Tool execution cancelled",
        ),
    ];
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
