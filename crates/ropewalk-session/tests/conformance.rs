//! Every store keeps the rules of `ropewalk-testkit`.
#![allow(clippy::unwrap_used)]

#[path = "conformance/places.rs"]
mod places;
#[cfg(feature = "postgres")]
#[path = "postgres/server.rs"]
mod server;

use ropewalk_session::{FileStore, MemoryStore};
use ropewalk_testkit::conformance;

use places::Place;

#[tokio::test]
async fn memory() {
    let store = MemoryStore::new();
    conformance::journal(&Place::new(store.clone(), store)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file() {
    let folder = tempfile::tempdir().unwrap();
    let store = || FileStore::new(folder.path());
    conformance::journal(&Place::new(store(), store())).await.unwrap();
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    use ropewalk_session::{Durability, SqliteStore};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = || SqliteStore::open_with(&path, Durability::Buffered);
    let locks = folder.path().join("sessions.db-locks");
    // Whoever removes a lock file takes the session from one who still has it.
    let place = Place::new(store().await.unwrap(), store().await.unwrap())
        .losing(async |name| std::fs::remove_file(locks.join(name)).unwrap());
    conformance::journal(&place).await.unwrap();
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let Some(schema) = server::Schema::new().await else { return };
    let place = Place::new(schema.store().await, schema.store().await)
        .losing(async |name| schema.end_lease(name).await);
    conformance::journal(&place).await.unwrap();
    place.released().await;
    schema.drop().await;
}

/// The rules find what breaks them, in stores that are right but for one thing.
#[tokio::test]
async fn a_store_that_breaks_a_rule_is_found_out() {
    use places::Fault;

    let found = [
        (
            Fault::LetsAnybodyIn,
            "a session that somebody has is refused to others, and free when it is given back",
        ),
        (Fault::LosesTheLastLine, "records come back as they were given, in their order"),
        (Fault::MixesSessions, "sessions do not mix"),
    ];
    for (fault, rule) in found {
        let broken = conformance::journal(&fault.place()).await.unwrap_err();
        assert!(broken.rules().any(|broken| broken == rule), "{fault:?}: {broken}");
    }
}
