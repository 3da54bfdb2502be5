//! Looking into the store.

use futures_util::TryStreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _};
use ropewalk_core::*;

/// An invocation that was cancelled at once.
#[allow(dead_code, reason = "not all tests need it")]
pub(crate) fn turn(text: &str) -> Vec<Record> {
    let started = Record::InvocationStarted {
        messages: vec![Message::user(text)],
        state: Default::default(),
    };
    let cancelled =
        Record::Cancelled { text: "x".into(), last_word: None, usage: Usage::default() };
    vec![started, cancelled, Record::InvocationEnded]
}

/// All objects there are, sorted.
pub(crate) async fn paths(store: &dyn ObjectStore) -> Vec<String> {
    let listed = store.list(None).map_ok(|object| object.location.to_string());
    let mut paths: Vec<_> = listed.try_collect().await.unwrap();
    paths.sort_unstable();
    paths
}

/// Lets a lease end at once, whatever its holder thinks.
pub(crate) async fn end_lease(store: &dyn ObjectStore, name: &str) {
    for path in paths(store).await {
        if path.contains(&format!("logs/{name}/")) && path.ends_with("/lease.json") {
            let free = r#"{"milliseconds":0,"nonce":1000000}"#;
            store.put(&path.as_str().into(), free.into()).await.unwrap();
        }
    }
}
