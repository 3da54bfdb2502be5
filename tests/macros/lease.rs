//! A blocking function goes on when nobody waits for it any more, and keeps its key.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::Agent;
use ropewalk_macros::tool;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Takes longer than it may.
#[tool(exclusive = "lathe", timeout = "50ms", idempotent)]
fn turn(millis: u64) -> usize {
    MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(millis));
    NOW.fetch_sub(1, Ordering::SeqCst)
}

#[tokio::test]
async fn a_key_is_held_until_the_thread_ends() {
    let model = ScriptedModel::new([
        Reply::tools([
            ("t1", "turn", json!({"millis": 3000})),
            ("t2", "turn", json!({"millis": 1})),
        ]),
        Reply::text("done"),
    ]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(turn).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let texts: Vec<_> = agent.messages()[2].results().map(|result| result.text()).collect();
    assert_eq!(texts, ["Error: the tool `turn` took longer than 50ms and was given up", "1"]);
    assert_eq!(MOST.load(Ordering::SeqCst), 1);
}
