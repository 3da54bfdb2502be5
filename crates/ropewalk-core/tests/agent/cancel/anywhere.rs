//! Stopping at any point: after any event, and at any await.

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::{RuleModel, TestJournal, TestTool, asks, assert_valid, echo, tool};

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
