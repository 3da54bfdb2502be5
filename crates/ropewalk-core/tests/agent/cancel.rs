//! Stopping: by the handle, by dropping, at every point.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{
    RuleModel, TestJournal, TestTool, asks, assert_valid, echo, last_results, tool,
};

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

/// Two tools, one after the other's turn, then a text; the same in any process.
fn rule(history: &Transcript) -> Message {
    let said = history.iter().rev().find_map(|message| {
        message.content.iter().find_map(|block| match block {
            ContentBlock::Text(text) => Some((message.role, text.clone())),
            _ => None,
        })
    });
    let turns = history.iter().rev().take_while(|m| m.text().is_empty()).count() / 2;
    match (said, turns) {
        (Some((Role::User, text)), 0) if text == "work" => {
            asks([("t1", "slow", json!({})), ("t2", "quick", json!({}))])
        }
        (Some((Role::User, text)), 1) if text == "work" => asks([("t1", "slow", json!({}))]),
        _ => Message::assistant("done with it"),
    }
}

fn slow() -> TestTool {
    tool("slow", |_, context: ToolContext| async move {
        for step in 0..3 {
            tokio::task::yield_now().await;
            context.send(step);
        }
        Ok(ToolOutput::text("slow"))
    })
}

async fn worker(journal: Option<&TestJournal>) -> (Agent, [TestTool; 2]) {
    let tools = [slow(), echo("quick")];
    let mut builder =
        Agent::builder().no_callback_handler().model(RuleModel::new(rule)).tools(tools.clone());
    if let Some(journal) = journal {
        builder = builder.session(journal.clone());
    }
    (builder.build().await.unwrap(), tools)
}

/// What holds however an invocation ended: the history is valid, memory and journal agree once the
/// agent has looked, and the next prompt works.
async fn assert_usable(agent: &mut Agent, journal: Option<&TestJournal>, when: &str) {
    assert_valid(&agent.messages());
    assert_eq!(agent.invoke("hello").await.unwrap().text(), "done with it", "{when}");
    assert_valid(&agent.messages());
    if let Some(journal) = journal {
        let records = journal.records().await;
        let replayed = Run::new(journal.run_id()).replay(records).unwrap();
        assert_eq!(replayed, agent.run(), "{when}");
    }
}

fn assert_none_ran_twice(tools: &[TestTool], when: &str) {
    let keys: Vec<String> = tools.iter().flat_map(TestTool::seen).map(|seen| seen.key).collect();
    let unique: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "a tool ran twice: {when}");
}

/// Gives how many events there were before the end.
async fn events_until(agent: &mut Agent, count: usize) -> usize {
    let mut stream = agent.stream("work");
    let mut seen = 0;
    while seen < count && stream.next().await.is_some() {
        seen += 1;
    }
    seen
}

#[tokio::test]
async fn users_15_14_a_stream_may_be_dropped_after_any_event() {
    for durable in [false, true] {
        let mut count = 0;
        loop {
            let journal = durable.then(TestJournal::new);
            let (mut agent, tools) = worker(journal.as_ref()).await;
            let seen = events_until(&mut agent, count).await;
            if seen < count {
                break;
            }
            // Going on from there ends well, and what never may run twice has not.
            let when = format!("dropped after {count} events, durable: {durable}");
            if agent.is_unfinished() {
                agent.invoke(()).await.unwrap();
            }
            assert_none_ran_twice(&tools, &when);
            assert_usable(&mut agent, journal.as_ref(), &when).await;
            count += 1;
        }
        assert!(count > 30, "only {count} events");
    }
}

#[tokio::test]
async fn users_15_14_a_new_prompt_after_a_dropped_stream_gives_the_rest_up() {
    for count in 1.. {
        let journal = TestJournal::new();
        let (mut agent, _) = worker(Some(&journal)).await;
        if events_until(&mut agent, count).await < count {
            break;
        }
        assert_usable(&mut agent, Some(&journal), &format!("after {count} events")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn users_15_14_a_cancel_may_come_after_any_event() {
    for count in 1.. {
        let journal = TestJournal::new();
        let (mut agent, _) = worker(Some(&journal)).await;
        let handle = agent.cancel_handle();
        let mut stream = agent.stream("work");
        let mut seen = 0;
        let mut last = None;
        while let Some(event) = stream.next().await {
            last = Some(event.unwrap());
            seen += 1;
            if seen == count {
                handle.cancel();
            }
        }
        drop(stream);
        let Some(AgentEvent::Result(result)) = last else { panic!("no result after {count}") };
        // The very last events come when the answer is already there.
        assert!(matches!(result.stop_reason, StopReason::Cancelled | StopReason::EndTurn));
        if seen < count {
            break;
        }
        assert!(!agent.is_unfinished());
        // A cancel after the last event is meant for the next invocation.
        drop(agent.invoke("hm").await.unwrap());
        assert_usable(&mut agent, Some(&journal), &format!("cancelled after {count} events")).await;
    }
}

/// Lets a future be polled so many times and then drops it.
async fn polled<F: Future>(future: F, times: usize) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..times {
        if futures_util::poll!(future.as_mut()).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test]
async fn users_15_14_an_invocation_may_be_dropped_at_any_await() {
    for times in 1.. {
        let journal = TestJournal::new();
        let (mut agent, tools) = worker(Some(&journal)).await;
        let ended = polled(agent.invoke("work"), times).await;
        let when = format!("polled {times} times");
        if !ended {
            // The journal knows at least what the agent knew.
            let result = agent.invoke(()).await.unwrap();
            assert_eq!(result.text(), "done with it", "{when}");
            assert_none_ran_twice(&tools, &when);
        }
        assert_usable(&mut agent, Some(&journal), &when).await;
        if ended {
            assert!(times > 30, "only {times} awaits");
            break;
        }
    }
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
