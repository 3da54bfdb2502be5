//! Records that need not be on the disk before anything goes on: written in the task.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::task::unconstrained;

use super::*;

#[tokio::test]
async fn what_need_not_be_on_the_disk_is_added_without_another_thread() {
    let (_folder, path) = place();
    let session = open_buffered(&path).await;
    let record = turn("one");
    let added = pin!(session.append(&record)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(added, Poll::Ready(Ok(()))), "{added:?}");
    assert_eq!(session.load().await.unwrap(), record);
}

#[tokio::test]
async fn nobody_else_waits_while_another_program_writes() {
    let (_folder, path) = place();
    let session = open_buffered(&path).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let record = turn("one");
    let mut appending = pin!(session.append(&record));
    // The only thread of this runtime: should it wait for the other, it would do so for ten seconds.
    let began = Instant::now();
    let still = tokio::time::timeout(Duration::from_millis(100), appending.as_mut()).await;
    assert!(still.is_err(), "{still:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "it waited");
    other.execute_batch("COMMIT").unwrap();
    appending.await.unwrap();
    assert_eq!(session.load().await.unwrap(), record);
}

#[tokio::test]
async fn the_log_is_copied_now_and_then_and_not_in_the_task() {
    let (_folder, path) = place();
    let log = path.with_file_name("sessions.db-wal");
    let session = open_buffered(&path).await;
    let (mut largest, mut others) = (0, 0);
    for number in 0..2000 {
        let record = turn(&number.to_string());
        // All in one go of this task, which tokio would end now and then.
        let mut added = pin!(unconstrained(session.append(&record)));
        match added.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => ended.unwrap(),
            Poll::Pending => {
                others += 1;
                added.await.unwrap();
            }
        }
        largest = largest.max(fs::metadata(&log).unwrap().len());
    }
    // A thousand pages, and what stands around each.
    assert!((4_000_000..4_500_000).contains(&largest), "{largest}");
    // Each turn writes one page, and where that is full two more.
    assert!((2..4).contains(&others), "{others} were left to another thread");
    assert_eq!(session.load().await.unwrap().len(), 6000);
}

#[tokio::test]
async fn while_somebody_reads_the_log_grows_and_nothing_is_lost() {
    let (_folder, path) = place();
    let log = path.with_file_name("sessions.db-wal");
    let length = || fs::metadata(&log).unwrap().len();
    let session = open_buffered(&path).await;
    session.append(&turn("first")).await.unwrap();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM line").unwrap();
    for number in 0..1000 {
        session.append(&turn(&number.to_string())).await.unwrap();
    }
    assert!(length() > 5_000_000, "{}", length());
    reader.execute_batch("COMMIT").unwrap();
    // Copied as a whole, it is written again from its beginning.
    let longest = length();
    for number in 0..1000 {
        session.append(&turn(&number.to_string())).await.unwrap();
    }
    assert_eq!(length(), longest);
    assert_eq!(session.load().await.unwrap().len(), 3 * 2001);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_write_at_once_through_two_connections() {
    let (_folder, path) = place();
    let mut writing = Vec::new();
    for connection in 0..2 {
        let store = SqliteStore::open_with(&path, Durability::Buffered).await.unwrap();
        let sessions = Sessions::new(store);
        for number in 0..8 {
            let session = sessions.session(&format!("s{connection}-{number}")).await.unwrap();
            writing.push(tokio::spawn(async move {
                for turns in 0..100 {
                    session.append(&turn(&turns.to_string())).await.unwrap();
                }
            }));
        }
    }
    for ended in writing {
        ended.await.unwrap();
    }
    let sessions = Sessions::in_sqlite(&path).await.unwrap();
    let all: Vec<Record> = (0..100).flat_map(|turns| turn(&turns.to_string())).collect();
    let names = sessions.names().await.unwrap();
    assert_eq!(names.len(), 16);
    for name in names {
        assert_eq!(sessions.session(&name).await.unwrap().load().await.unwrap(), all, "{name}");
    }
}
