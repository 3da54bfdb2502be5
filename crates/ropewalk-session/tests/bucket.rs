//! Sessions in an object store: in memory, in a folder, and, where `scripts/with-servers` runs, on moto, which
//! speaks the protocol of S3.
#![cfg(feature = "object-store")]
#![allow(clippy::unwrap_used)]

#[path = "bucket/faulty.rs"]
mod faulty;
#[path = "bucket/objects.rs"]
mod objects;

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt as _};
use ropewalk_core::*;
use ropewalk_session::{BucketStore, Sessions};

use faulty::{Fault, Faulty};
use objects::{end_lease, paths, turn};

fn sessions(store: &Arc<dyn ObjectStore>) -> Sessions {
    Sessions::new(BucketStore::new(Arc::clone(store), "some/where").unwrap())
}

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

#[tokio::test]
async fn sessions_last_are_listed_read_and_removed() {
    let store = memory();
    let here = sessions(&store);
    assert!(here.names().await.unwrap().is_empty());
    assert!(here.run("b").await.unwrap().is_none());
    for name in ["b", "a", "c.json"] {
        here.session(name).await.unwrap().append(&turn(name)).await.unwrap();
    }
    here.released().await;

    let here = sessions(&store);
    assert_eq!(here.names().await.unwrap(), ["a", "b", "c.json"]);
    let open = here.session("b").await.unwrap();
    assert_eq!(here.run("b").await.unwrap().unwrap(), open.restore().await.unwrap());
    assert_eq!(open.place(), "b in InMemory/some/where");
    for sessions in [&here, &sessions(&store)] {
        let error = sessions.remove("b").await.unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
    }
    let id = open.run_id().to_owned();
    drop(open);
    assert!(here.remove("b").await.unwrap());
    assert!(!here.remove("b").await.unwrap());
    assert!(!paths(&*store).await.iter().any(|path| path.contains("/b/")), "nothing is left");
    let anew = here.session("b").await.unwrap();
    assert_ne!(anew.run_id(), id);
    assert!(anew.load().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_append_is_one_object_under_the_next_number() {
    let store = memory();
    let session = sessions(&store).session("a").await.unwrap();
    session.append(&turn("one")).await.unwrap();
    session.append(&turn("two")).await.unwrap();
    let paths = paths(&*store).await;
    let records: Vec<_> = paths.iter().filter(|path| path.contains("/records/")).collect();
    assert_eq!(records.len(), 3, "one that says who has it, and two appends: {records:?}");
    for (number, path) in records.iter().enumerate() {
        assert!(path.starts_with("some/where/logs/a/"), "{path}");
        assert!(path.ends_with(&format!("/records/{number:020}.jsonl")), "{path}");
    }
    let last = store.get(&records[2].as_str().into()).await.unwrap().bytes().await.unwrap();
    let text = String::from_utf8(last.to_vec()).unwrap();
    assert!(text.starts_with(r#"{"first":3,"writer":"process "#), "{text}");
    assert_eq!(text.lines().count(), 4);
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_session_and_for_how_long() {
    let store = memory();
    let session = sessions(&store).session("a").await.unwrap();
    let error = sessions(&store).session("a").await.unwrap_err().to_string();
    let holder = format!("in use by process {} on ", std::process::id());
    assert!(error.contains(&holder), "{error}");
    assert!(error.contains("whose lease ends in 30 s"), "{error}");
    drop(session);
}

#[tokio::test]
async fn a_lease_is_renewed_while_the_session_is_open_and_ends_when_its_process_is_gone() {
    let store = memory();
    let lease = Duration::from_secs(2);
    let there = std::thread::spawn({
        let store = Arc::clone(&store);
        move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let session = runtime.block_on(async {
                let bucket = BucketStore::new(store, "some/where").unwrap().lease(lease).unwrap();
                let session = Sessions::new(bucket).session("a").await.unwrap();
                session.append(&turn("one")).await.unwrap();
                tokio::time::sleep(2 * lease).await;
                session
            });
            // Nothing is renewed or given back any more, as if the process were killed.
            drop(runtime);
            drop(session);
        }
    });
    tokio::time::sleep(lease + lease / 2).await;
    let here = sessions(&store);
    assert!(here.session("a").await.is_err(), "it was renewed");
    tokio::task::spawn_blocking(|| there.join().unwrap()).await.unwrap();
    tokio::time::sleep(lease + Duration::from_millis(100)).await;
    let session = here.session("a").await.unwrap();
    assert_eq!(session.load().await.unwrap(), turn("one"));
}

#[tokio::test]
async fn whoever_lost_the_session_is_told_so_and_adds_nothing() {
    let store = memory();
    let old = sessions(&store).session("a").await.unwrap();
    old.append(&turn("one")).await.unwrap();
    end_lease(&*store, "a").await;
    let new = sessions(&store).session("a").await.unwrap();
    let error = old.append(&turn("late")).await.unwrap_err().to_string();
    assert!(error.contains("was taken over by process"), "{error}");
    new.append(&turn("two")).await.unwrap();
    assert!(old.append(&turn("late")).await.is_err());
    assert_eq!(new.load().await.unwrap(), [turn("one"), turn("two")].concat());
}

/// A long session is read from its snapshot on: objects before it are not asked for.
#[tokio::test]
async fn only_what_the_snapshot_does_not_hold_is_read() {
    let store = memory();
    let here = sessions(&store);
    let session = here.session("a").await.unwrap();
    let mut run = Run::new(session.run_id());
    for number in 0..100 {
        session.append(&turn(&number.to_string())).await.unwrap();
        run = run.replay(turn(&number.to_string())).unwrap();
        session.checkpoint(&run).await.unwrap();
    }
    drop(session);
    here.released().await;
    // That they are not read shows in that nobody misses them.
    let all = paths(&*store).await;
    for path in all.iter().filter(|path| path.contains("/records/")).take(50) {
        store.delete(&path.as_str().into()).await.unwrap();
    }
    let session = sessions(&store).session("a").await.unwrap();
    assert_eq!(session.restore().await.unwrap(), run);
    session.append(&turn("more")).await.unwrap();
    assert_eq!(session.restore().await.unwrap(), run.replay(turn("more")).unwrap());
    let error = session.load().await.unwrap_err().to_string();
    assert!(error.contains("object 50 begins with record"), "{error}");
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let store = memory();
    let here = sessions(&store);
    let session = here.session("a").await.unwrap();
    for text in ["one", "two", "three"] {
        session.append(&turn(text)).await.unwrap();
    }
    let all = paths(&*store).await;
    let path = all.iter().find(|path| path.ends_with("02.jsonl")).unwrap().as_str().into();
    let whole = store.get(&path).await.unwrap().bytes().await.unwrap();
    let text = String::from_utf8(whole.to_vec()).unwrap();
    for (broken, says) in [
        (text.replace("two", "six"), "damaged in line"),
        (text[..text.len() - 9].to_owned(), "it was cut off"),
        ("{}\n".to_owned(), "its first line can't be read"),
        (
            text.lines().take(3).map(|line| format!("{line}\n")).collect(),
            "object 3 begins with record 6",
        ),
    ] {
        store.put(&path, broken.into()).await.unwrap();
        let error = session.load().await.unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
    store.delete(&path).await.unwrap();
    let error = session.load().await.unwrap_err().to_string();
    assert!(error.contains("object 3 begins with record 6, where object 2"), "{error}");
}

/// Requests fail before or after they were done, and their answers never come.
#[tokio::test]
async fn an_append_whose_request_breaks_off_counts_once_or_not_at_all() {
    for fault in [Fault::Before, Fault::After] {
        for times in 1..=4 {
            let store = Faulty::new();
            let shared: Arc<dyn ObjectStore> = Arc::new(store.clone());
            let session = sessions(&shared).session("a").await.unwrap();
            session.append(&turn("one")).await.unwrap();
            store.fail(fault, times);
            let ended = session.append(&turn("two")).await;
            store.fail(fault, 0);
            let mut expected = turn("one");
            let loaded = session.load().await.unwrap();
            if ended.is_ok() || loaded.len() > 3 {
                expected.extend(turn("two"));
            }
            assert_eq!(loaded, expected, "{fault:?} {times}");
            // One that failed for good and did not count never comes.
            store.deliver_late().await;
            session.append(&turn("three")).await.unwrap();
            expected.extend(turn("three"));
            assert_eq!(session.load().await.unwrap(), expected, "{fault:?} {times}");
        }
    }
}

#[tokio::test]
async fn a_store_that_does_not_keep_to_its_conditions_is_refused() {
    for (fault, says) in [
        (Fault::IgnoresConditions, "ignores the condition"),
        (Fault::KnowsNoConditions, "the store can't do that, and sessions need it"),
    ] {
        let store = Faulty::new();
        store.fail(fault, usize::MAX);
        let shared: Arc<dyn ObjectStore> = Arc::new(store);
        let error = sessions(&shared).session("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(paths(&*shared).await.is_empty(), "nothing is left behind");
    }
}

#[test]
fn outside_of_a_runtime_it_says_what_it_needs() {
    let opened = futures_executor::block_on(sessions(&memory()).session("a"));
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[cfg(feature = "cloud")]
#[test]
fn what_is_wrong_with_an_address_is_said() {
    for (url, kind) in [
        ("no url", ErrorKind::InvalidInput),
        ("ftp://x/y", ErrorKind::InvalidInput),
        ("https://example.com/x", ErrorKind::Unsupported),
    ] {
        assert_eq!(BucketStore::from_url(url).unwrap_err().kind(), kind, "{url}");
    }
    assert_eq!(BucketStore::new(memory(), "a//b").unwrap_err().kind(), ErrorKind::InvalidInput);
}
