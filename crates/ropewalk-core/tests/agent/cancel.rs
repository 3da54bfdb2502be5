//! Stopping: by the handle, by dropping, at every point.

mod anywhere;
mod hooks;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{assert_valid, echo, last_results, tool};

fn one_call() -> ScriptedModel {
    ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")])
}

#[tokio::test]
async fn a_cancel_while_the_model_speaks_keeps_what_it_had_said() {
    let model = ScriptedModel::new([Reply::text("half of it").silent_after(4), Reply::text("ok")]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let handle = agent.cancel_handle();
    let mut stream = agent.stream("q");
    let mut result = None;
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            AgentEvent::Text(text) if text == "of " => handle.cancel(),
            AgentEvent::Result(found) => result = Some(found),
            _ => {}
        }
    }
    drop(stream);
    let result = result.unwrap();
    assert_eq!((result.stop_reason.as_str(), result.text().as_str()), ("cancelled", "half of "));
    assert_eq!(agent.messages()[1].text(), "half of ");
    assert!(!handle.is_cancelled(), "it stopped one invocation, not the next");
    assert_eq!(agent.invoke("again").await.unwrap().text(), "ok");
}

#[tokio::test]
async fn a_cancel_before_the_first_word_says_so_in_the_words_of_strands() {
    let model = ScriptedModel::new([Reply::text("x").silent_after(0)]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async { handle.cancel() });
    assert_eq!(result.unwrap().text(), "Cancelled by user");
    assert_eq!(agent.messages().len(), 2);
}

#[tokio::test]
async fn a_cancel_while_nothing_runs_stops_the_next_invocation_at_its_start() {
    let model = one_call();
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    agent.cancel_handle().cancel();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    assert!(model.requests().is_empty());
    let texts: Vec<String> = agent.messages().iter().map(|m| m.text()).collect();
    assert_eq!(texts, ["q", "Cancelled by user"]);
}

#[tokio::test]
async fn the_model_is_told_that_its_answer_is_not_wanted_any_more() {
    let model = ScriptedModel::new([Reply::text("x").silent_after(0), Reply::text("y")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async { handle.cancel() });
    result.unwrap();
    assert!(model.requests()[0].cancel.is_cancelled());
    // It is told too when the stream is dropped, and when the answer is there.
    agent.invoke("again").await.unwrap();
    assert!(model.requests()[1].cancel.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_watches_for_the_cancel_ends_by_itself_and_its_result_is_kept() {
    let started = Arc::new(tokio::sync::Notify::new());
    let note = Arc::clone(&started);
    let watches = tool("a", move |_, context: ToolContext| {
        let note = Arc::clone(&note);
        async move {
            note.notify_one();
            context.cancel().cancelled().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(ToolOutput::text("half done"))
        }
    });
    let model = one_call();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(watches)
        .build()
        .await
        .unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async {
        started.notified().await;
        handle.cancel();
    });
    let result = result.unwrap();
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    assert_eq!(result.unknown_outcomes, []);
    assert_eq!(last_results(&agent.messages()), ["half done"]);
    assert_eq!(model.requests().len(), 1, "the model is not asked any more");
    assert_valid(&agent.messages());
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_end_is_dropped_after_a_moment_and_its_outcome_is_unknown() {
    let started = Arc::new(tokio::sync::Notify::new());
    let note = Arc::clone(&started);
    let stubborn = tool("a", move |_, _| {
        let note = Arc::clone(&note);
        async move {
            note.notify_one();
            std::future::pending().await
        }
    });
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({})), ("t2", "b", json!({}))]),
        Reply::text("ok"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([stubborn.clone(), echo("b")])
        .build()
        .await
        .unwrap();
    let handle = agent.cancel_handle();
    let before = Instant::now();
    let (result, ()) = tokio::join!(agent.invoke("q"), async {
        started.notified().await;
        handle.cancel();
    });
    let result = result.unwrap();
    assert!(before.elapsed() < Duration::from_secs(10));
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    let unknown: Vec<&str> =
        result.unknown_outcomes.iter().map(|u| u.tool_use_id.as_str()).collect();
    assert_eq!(unknown, ["t1"]);
    let results = last_results(&agent.messages());
    assert!(results[0].contains("outcome of this call is unknown"), "{results:?}");
    assert_eq!(results[1], "b");
    assert_valid(&agent.messages());
    assert_eq!(agent.invoke("go on").await.unwrap().text(), "ok");
    assert_eq!(stubborn.count(), 1);
}

#[tokio::test]
async fn what_a_tool_sends_after_the_end_disturbs_nobody() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let leaks = tool("a", move |_, context: ToolContext| {
        let counter = Arc::clone(&counter);
        async move {
            tokio::spawn(async move {
                for _ in 0..50 {
                    context.send("late");
                    counter.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            });
            Ok(ToolOutput::text("started"))
        }
    });
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(leaks).build().await.unwrap();
    let events: Vec<_> = agent.stream("q").collect().await;
    assert!(matches!(events.last(), Some(Ok(AgentEvent::Result(_)))));
    while sent.load(Ordering::SeqCst) < 50 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_cancel_of_a_tool_works_without_a_runtime_too() {
    let handle = Arc::new(std::sync::OnceLock::<CancelHandle>::new());
    let cancels = Arc::clone(&handle);
    let stubborn = tool("a", move |_, _| {
        let cancels = Arc::clone(&cancels);
        async move {
            cancels.get().unwrap().cancel();
            std::future::pending().await
        }
    });
    let result = futures_executor::block_on(async {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(stubborn)
            .build()
            .await
            .unwrap();
        handle.set(agent.cancel_handle()).unwrap();
        agent.invoke("q").await.unwrap()
    });
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    assert_eq!(result.unknown_outcomes.len(), 1);
}
