//! Every store keeps the rules of `ropewalk-testkit`.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "object-store")]
#[path = "bucket/objects.rs"]
mod objects;
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

#[cfg(feature = "object-store")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn object_store_in_memory() {
    let store = std::sync::Arc::new(object_store::memory::InMemory::new());
    bucket(|| ropewalk_session::BucketStore::new(store.clone(), "prefix").unwrap(), &*store).await;
}

#[cfg(feature = "object-store")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn object_store_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let store = std::sync::Arc::new(store);
    bucket(|| ropewalk_session::BucketStore::new(store.clone(), "prefix").unwrap(), &*store).await;
}

#[cfg(feature = "aws")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn object_store_on_s3() {
    let Ok(url) = std::env::var("ROPEWALK_S3_URL") else {
        eprintln!(
            "left out: ROPEWALK_S3_URL names no bucket (scripts/with-servers starts a server)"
        );
        return;
    };
    let prefix = format!("conformance-{}", uuid::Uuid::new_v4().simple());
    // The same bucket, for looking into it; this client takes the process's provider of cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bucket_name = url.trim_start_matches("s3://");
    let look = object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket_name);
    let look = object_store::prefix::PrefixStore::new(look.build().unwrap(), prefix.as_str());
    bucket(|| ropewalk_session::BucketStore::from_url(&format!("{url}/{prefix}")).unwrap(), &look)
        .await;
}

#[cfg(feature = "object-store")]
async fn bucket(
    store: impl Fn() -> ropewalk_session::BucketStore,
    objects: &dyn object_store::ObjectStore,
) {
    let place =
        Place::new(store(), store()).losing(async |name| objects::end_lease(objects, name).await);
    conformance::journal(&place).await.unwrap();
    place.released().await;
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
