//! Stopping where hooks are: which of them are called, and what is not asked any more.

use std::sync::Arc;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use super::one_call;
use crate::common::{echo, last_results, tool};

#[tokio::test]
async fn a_retry_after_a_cancel_is_not_made() {
    let tool = echo("a");
    let handle = Arc::new(std::sync::OnceLock::<CancelHandle>::new());
    let cancels = Arc::clone(&handle);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |event: &mut AfterToolCallEvent| {
            cancels.get().unwrap().cancel();
            event.set_retry(true);
        })
        .build()
        .await
        .unwrap();
    handle.set(agent.cancel_handle()).unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().stop_reason, StopReason::Cancelled);
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn a_cancel_goes_before_a_question_that_comes_with_it() {
    let handle = Arc::new(std::sync::OnceLock::<CancelHandle>::new());
    let cancels = Arc::clone(&handle);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
            let answer = event.interrupt::<bool>("approve", "why");
            cancels.get().unwrap().cancel();
            answer.map(drop)
        })
        .build()
        .await
        .unwrap();
    handle.set(agent.cancel_handle()).unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.stop_reason, result.interrupts.len()), (StopReason::Cancelled, 0));
    assert!(!agent.is_unfinished());
}

#[tokio::test]
async fn a_cancel_in_a_tool_goes_before_the_questions_after_it() {
    for asks_after_each in [true, false] {
        let handle = Arc::new(std::sync::OnceLock::<CancelHandle>::new());
        let cancels = Arc::clone(&handle);
        let cancelling = tool("a", move |_, _| {
            cancels.get().unwrap().cancel();
            async { Ok(ToolOutput::text("a")) }
        });
        let asks = |answer: Result<bool, BoxError>| -> HookResult { answer.map(drop) };
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(cancelling)
            .hook(move |event: &mut AfterToolCallEvent| -> HookResult {
                if asks_after_each { asks(event.interrupt("keep", "why")) } else { Ok(()) }
            })
            .hook(move |event: &mut AfterToolsEvent| -> HookResult {
                if asks_after_each { Ok(()) } else { asks(event.interrupt("keep", "why")) }
            })
            .build()
            .await
            .unwrap();
        handle.set(agent.cancel_handle()).unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().stop_reason, StopReason::Cancelled);
        assert_eq!(crate::common::last_results(&agent.messages()), ["a"]);
        assert!(!agent.is_unfinished() && agent.interrupts().is_empty());
    }
}

#[tokio::test]
async fn a_cancel_in_a_hook_before_a_tool_keeps_the_tool_from_running() {
    let a = echo("a");
    let cell: Arc<std::sync::Mutex<Option<CancelHandle>>> = Arc::default();
    let handle = Arc::clone(&cell);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(a.clone())
        .hook(move |_: &BeforeToolCallEvent| handle.lock().unwrap().as_ref().unwrap().cancel())
        .build()
        .await
        .unwrap();
    *cell.lock().unwrap() = Some(agent.cancel_handle());
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    assert_eq!(a.count(), 0);
    assert_eq!(last_results(&agent.messages())[0], "Tool execution cancelled");
}

#[tokio::test]
async fn after_events_fire_for_a_cancelled_model_call_and_a_failed_batch() {
    let fired: Arc<std::sync::Mutex<Vec<&'static str>>> = Arc::default();
    let (model_call, batch) = (Arc::clone(&fired), Arc::clone(&fired));
    let model =
        ScriptedModel::new([Reply::text("x y").silent_after(3), Reply::tool("a", json!({}))]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .hook(move |event: &AfterModelCallEvent| {
            model_call.lock().unwrap().push(match event.exception() {
                Some(error) if error.is_cancelled() => "model cancelled",
                _ => "model",
            });
        })
        .hook(|_: &BeforeToolsEvent| ())
        .hook(move |_: &AfterToolsEvent| batch.lock().unwrap().push("tools"))
        .hook(|_: &mut BeforeToolCallEvent| -> HookResult { Err("guard is down".into()) })
        .build()
        .await
        .unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async { handle.cancel() });
    assert_eq!(result.unwrap().stop_reason, StopReason::Cancelled);
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.to_string().contains("guard is down"), "{error}");
    assert_eq!(*fired.lock().unwrap(), ["model cancelled", "model", "tools"]);
}

#[tokio::test]
async fn a_cancel_goes_before_a_question_after_the_model_call() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("one two").silent_after(3)]))
        .hook(|event: &mut AfterModelCallEvent| -> HookResult {
            let _: bool = event.interrupt("keep", "why")?;
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let handle = agent.cancel_handle();
    let mut stream = agent.stream("q");
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            AgentEvent::Text(_) => handle.cancel(),
            AgentEvent::Result(result) => assert_eq!(result.stop_reason, StopReason::Cancelled),
            _ => {}
        }
    }
    drop(stream);
    assert!(!agent.is_unfinished() && agent.interrupts().is_empty());
}
