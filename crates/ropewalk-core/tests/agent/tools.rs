//! Tool calls: together, in order, with errors, and what may never run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};

use crate::common::{
    RuleModel, TestTool, agent_with, asks, assert_valid, echo, last_results, tool,
};

/// An agent whose model asks for these calls and is then done; gives it after one invocation.
async fn after(
    calls: &[(&'static str, &str, Value)],
    tools: Vec<TestTool>,
) -> (Agent, AgentResult) {
    let model = ScriptedModel::new([Reply::tools(calls.iter().cloned()), Reply::text("done")]);
    let mut agent = agent_with(model, tools).await;
    let result = agent.invoke("q").await.unwrap();
    assert_valid(&agent.messages());
    (agent, result)
}

#[tokio::test]
async fn tools_of_one_answer_run_together_and_their_results_stand_in_request_order() {
    // Each waits for the other: one after the other they would never end.
    let barrier = Arc::new(Barrier::new(2));
    let meet = tool("meet", move |input: Value, _| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            if input["late"] == true {
                tokio::task::yield_now().await;
            }
            Ok(ToolOutput::text(input["name"].as_str().unwrap_or_default()))
        }
    });
    let calls = [
        ("t1", "meet", json!({"name": "first", "late": true})),
        ("t2", "meet", json!({"name": "second"})),
    ];
    let (agent, _) = after(&calls, vec![meet]).await;
    assert_eq!(last_results(&agent.messages()), ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_task_of_a_tool_sends_is_heard_while_the_tool_waits() {
    // The tool waits for the listener, and nothing but what its task sends wakes that one.
    let heard = Arc::new(Notify::new());
    let waits = Arc::clone(&heard);
    let tool = tool("talk", move |_, context: ToolContext| {
        let waits = Arc::clone(&waits);
        async move {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                context.send("from afar");
            });
            waits.notified().await;
            Ok(ToolOutput::text("heard"))
        }
    });
    let model = ScriptedModel::new([Reply::tool("talk", json!({})), Reply::text("done")]);
    let mut agent = agent_with(model, vec![tool]).await;
    // A task of its own: the end of the time must not wake it.
    let listener = tokio::spawn(async move {
        let mut events = agent.stream("q");
        while let Some(event) = events.next().await {
            if let AgentEvent::ToolStream { data, .. } = event.unwrap() {
                assert_eq!(data, "from afar");
                heard.notify_one();
            }
        }
        drop(events);
        last_results(&agent.messages())
    });
    let ended = tokio::time::timeout(Duration::from_secs(10), listener).await;
    assert_eq!(ended.expect("nobody woke the listener").unwrap(), ["heard"]);
}

#[tokio::test]
async fn what_a_tool_sends_after_its_stream_has_ended_harms_nothing() {
    let kept = Arc::new(Mutex::new(None));
    let keeps = Arc::clone(&kept);
    let tool = tool("keep", move |_, context: ToolContext| {
        *keeps.lock().unwrap() = Some(context);
        async { Ok(ToolOutput::text("kept")) }
    });
    let model = ScriptedModel::new([Reply::tool("keep", json!({})), Reply::text("done")]);
    let mut agent = agent_with(model, vec![tool]).await;
    let events: Vec<_> = agent.stream("q").collect().await;
    assert!(matches!(events.last(), Some(Ok(AgentEvent::Result(_)))));
    kept.lock().unwrap().take().unwrap().send("too late");
    assert_eq!(last_results(&agent.messages()), ["kept"]);
}

#[tokio::test]
async fn more_tools_than_run_at_once_all_run_once() {
    let calls: Vec<(String, &str, Value)> =
        (0..100).map(|n| (format!("t{n}"), "a", json!({"n": n}))).collect();
    let model = ScriptedModel::new([Reply::tools(calls), Reply::text("done")]);
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (counter, highest) = (Arc::clone(&now), Arc::clone(&most));
    let tool = tool("a", move |_, _| {
        let (now, most) = (Arc::clone(&counter), Arc::clone(&highest));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(ToolOutput::text("x"))
        }
    });
    let mut agent = agent_with(model, [tool.clone()]).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(tool.count(), 100);
    let most = most.load(Ordering::SeqCst);
    assert!((2..=32).contains(&most), "{most} at once");
    let ids: Vec<String> =
        agent.messages()[2].results().map(|result| result.tool_use_id.clone()).collect();
    assert_eq!(ids, (0..100).map(|n| format!("t{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_bad_call_leaves_the_others_alone() {
    let panics = tool("panics", |_, _| async { panic!("no floor") });
    let fails = tool("fails", |_, _| async { Err("not today".into()) });
    let calls = [
        ("t1", "panics", json!({})),
        ("t2", "good", json!({})),
        ("t3", "fails", json!({})),
        ("t4", "nobody", json!({})),
        ("t5", "no name", json!({})),
    ];
    let (agent, result) = after(&calls, vec![panics, fails, echo("good")]).await;
    let results = last_results(&agent.messages());
    let expected = [
        "Error: panicked: no floor",
        "good",
        "Error: not today",
        "Unknown tool: nobody",
        "Error: tool_name=<no name> | invalid tool name pattern",
    ];
    assert_eq!(results, expected);
    assert_eq!(result.text(), "done");
}

#[tokio::test]
async fn users_15_22_malformed_tool_json_is_never_run_with_an_empty_object() {
    let chunks = [
        ModelChunk::tool_use_start("t1", "a"),
        ModelChunk::input_delta("{\"path\": \"/tm"),
        ModelChunk::block_stop(),
        ModelChunk::tool_use_start("t2", "a"),
        ModelChunk::input_delta("{}"),
        ModelChunk::block_stop(),
        ModelChunk::message_stop(StopReason::ToolUse),
    ];
    let model = ScriptedModel::new([Reply::chunks(chunks), Reply::text("done")]);
    let tool = echo("a");
    let mut agent = agent_with(model, [tool.clone()]).await;
    agent.invoke("q").await.unwrap();
    let ran: Vec<String> = tool.seen().into_iter().map(|seen| seen.id).collect();
    assert_eq!(ran, ["t2"]);
    let results = last_results(&agent.messages());
    assert!(results[0].contains("not valid JSON") && results[0].contains("/tm"), "{results:?}");
    assert_eq!(results[1], "a");
}

#[tokio::test]
async fn two_uses_with_one_id_are_two_calls_with_two_results() {
    let calls = [("t1", "a", json!({"n": 1})), ("t1", "a", json!({"n": 2}))];
    let tool = echo("a");
    let (agent, _) = after(&calls, vec![tool.clone()]).await;
    assert_eq!(tool.count(), 2);
    assert_eq!(last_results(&agent.messages()).len(), 2);
}

#[tokio::test]
async fn every_call_has_a_key_of_its_own() {
    let replies = (0..3).map(|_| Reply::tool("a", json!({}))).chain([Reply::text("done")]);
    let tool = echo("a");
    let model = ScriptedModel::new(replies.clone().chain(replies));
    let mut agent = agent_with(model, [tool.clone()]).await;
    agent.invoke("q").await.unwrap();
    agent.invoke("again").await.unwrap();
    let keys: std::collections::HashSet<String> =
        tool.seen().into_iter().map(|seen| seen.key).collect();
    assert_eq!(keys.len(), 6, "the model gave all calls the same id");
}

#[tokio::test]
async fn usage_and_cycles_count_over_the_invocation_only() {
    let replies = || [Reply::tool("a", json!({})), Reply::message(Message::assistant("x"))];
    let model = ScriptedModel::new(replies().into_iter().chain(replies()));
    let mut agent = agent_with(model, [echo("a")]).await;
    for _ in 0..2 {
        let result = agent.invoke("q").await.unwrap();
        assert_eq!((result.usage, result.cycles), (Usage::new(20, 10), 2));
    }
    assert_eq!(agent.run().total_usage(), Usage::new(40, 20));
}

#[test]
fn a_thousand_cycles_need_no_more_stack_than_one() {
    fn rule(history: &Transcript) -> Message {
        match history.len() / 2 {
            1000 => Message::assistant("done"),
            _ => asks([("t", "a", json!({}))]),
        }
    }
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let tool = echo("a");
            let model = RuleModel::new(rule);
            let mut agent = agent_with(model, [tool.clone()]).await;
            let result = agent.invoke("q").await.unwrap();
            assert_eq!((tool.count(), result.cycles), (1000, 1001));
        });
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap();
    thread.join().unwrap();
}
