//! What hooks may do to a run.

mod after_invocation;
mod before_invocation;
mod model_call;
mod tool_call;
mod tools;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

fn one_call() -> ScriptedModel {
    ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")])
}

fn texts(agent: &Agent) -> Vec<String> {
    agent.messages().iter().map(|message| message.text()).collect()
}

#[tokio::test]
async fn a_failing_hook_at_the_start_means_no_agent() {
    let builder = Agent::builder().no_callback_handler().model(ScriptedModel::new([]));
    let builder = builder.hook(|_: &mut AgentInitializedEvent| -> HookResult { Err("no".into()) });
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::Hook);
}

#[tokio::test]
async fn async_hooks_are_awaited_at_the_start_too() {
    let called = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&called);
    let builder = Agent::builder().no_callback_handler().model(ScriptedModel::new([]));
    let builder = builder.hook(move |_: &AgentInitializedEvent| {
        let counter = Arc::clone(&counter);
        async move {
            tokio::task::yield_now().await;
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    builder.build().await.unwrap();
    assert_eq!(called.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failing_hook_on_a_message_stops_the_run_and_the_message_stays() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("one")]))
        .hook(|event: &mut MessageAddedEvent| -> HookResult {
            if event.message().role == Role::Assistant { Err("no".into()) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert_eq!(texts(&agent), ["q", "one"]);
    assert!(!agent.is_unfinished());
}
