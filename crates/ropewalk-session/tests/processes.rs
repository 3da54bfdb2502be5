//! Two real processes and one session, in the stores that many hosts can share: one is stopped like a machine
//! that is paused, or killed, and the other takes the session over.
#![cfg(all(unix, feature = "object-store"))]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::local::LocalFileSystem;
use ropewalk_core::*;
use ropewalk_session::{BucketStore, Session, Sessions};

const LEASE: Duration = Duration::from_secs(1);

fn turn(text: &str) -> Vec<Record> {
    let started = Record::InvocationStarted {
        messages: vec![Message::user(text)],
        state: Default::default(),
    };
    let cancelled =
        Record::Cancelled { text: "x".into(), last_word: None, usage: Usage::default() };
    vec![started, cancelled, Record::InvocationEnded]
}

/// The sessions at an address: `folder PATH`, `s3 URL`, or `postgres URL SCHEMA`.
async fn sessions(address: &str) -> Sessions {
    let words: Vec<_> = address.split(' ').collect();
    match words[..] {
        ["folder", path] => {
            let folder = LocalFileSystem::new_with_prefix(path).unwrap();
            let store = BucketStore::new(Arc::new(folder), "").unwrap();
            Sessions::new(store.lease(LEASE).unwrap())
        }
        #[cfg(feature = "aws")]
        ["s3", url] => Sessions::new(BucketStore::from_url(url).unwrap().lease(LEASE).unwrap()),
        #[cfg(feature = "postgres")]
        ["postgres", url, schema] => {
            let store = ropewalk_session::PostgresStore::connect_in(url, schema).await.unwrap();
            Sessions::new(store.lease(LEASE).unwrap())
        }
        _ => panic!("{address}"),
    }
}

/// Another process that adds turns to the session, one after the other.
struct Other {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
    /// How many turns it was told are there.
    added: usize,
}

impl Other {
    fn start(address: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--ignored", "helper_that_adds_turns"])
            .env("ROPEWALK_TEST_ADDRESS", address)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said, added: 0 }
    }

    /// Listens until it has added so many turns, or says something else.
    fn listen(&mut self, turns: usize) -> Option<String> {
        while self.added < turns {
            let line = self.said.next()?.unwrap();
            if let Some(number) = line.strip_prefix("added ") {
                self.added = number.parse().unwrap();
            } else if let Some(error) = line.strip_prefix("refused: ") {
                return Some(error.to_owned());
            }
        }
        None
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Opens the session as soon as it can be had.
async fn take(sessions: &Sessions) -> Session {
    let started = Instant::now();
    loop {
        let error = match sessions.session("shared").await {
            Ok(session) => return session,
            Err(error) => error.to_string(),
        };
        assert!(error.contains("in use by process"), "{error}");
        assert!(started.elapsed() < 30 * LEASE, "{error}");
        tokio::time::sleep(LEASE / 10).await;
    }
}

async fn holds(session: &Session, other: &Other, own: &[Record]) {
    let records = session.load().await.unwrap();
    let (theirs, ours) = records.split_at(records.len() - own.len());
    assert_eq!(ours, own);
    assert_eq!(theirs.len() % 3, 0, "appends are whole");
    // One more may have been added without its process hearing of it.
    assert!((other.added..=other.added + 1).contains(&(theirs.len() / 3)), "{}", theirs.len());
    session.restore().await.unwrap();
}

async fn a_process_is_paused_and_another_goes_on(address: &str) {
    let here = sessions(address).await;
    let mut other = Other::start(address);
    assert_eq!(other.listen(5), None);
    other.signal("-STOP");
    let session = take(&here).await;
    session.append(&turn("ours")).await.unwrap();
    other.signal("-CONT");
    let error = other.listen(usize::MAX).unwrap();
    assert!(error.contains("was taken over by process"), "{error}");
    session.append(&turn("ours again")).await.unwrap();
    holds(&session, &other, &[turn("ours"), turn("ours again")].concat()).await;
    drop(session);
    here.released().await;
}

async fn a_process_is_killed_and_another_goes_on(address: &str) {
    let here = sessions(address).await;
    let mut other = Other::start(address);
    assert_eq!(other.listen(5), None);
    other.signal("-KILL");
    // What it said before it died.
    assert_eq!(other.listen(usize::MAX), None);
    let session = take(&here).await;
    session.append(&turn("ours")).await.unwrap();
    holds(&session, &other, &turn("ours")).await;
    drop(session);
    here.released().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_folder() {
    let folder = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let address = |at: usize| format!("folder {}", folder[at].path().display());
    a_process_is_paused_and_another_goes_on(&address(0)).await;
    a_process_is_killed_and_another_goes_on(&address(1)).await;
}

#[cfg(feature = "aws")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_s3() {
    let Ok(url) = std::env::var("ROPEWALK_S3_URL") else {
        eprintln!(
            "left out: ROPEWALK_S3_URL names no bucket (scripts/with-servers starts a server)"
        );
        return;
    };
    let address = || format!("s3 {url}/processes-{}", uuid::Uuid::new_v4().simple());
    a_process_is_paused_and_another_goes_on(&address()).await;
    a_process_is_killed_and_another_goes_on(&address()).await;
}

#[cfg(feature = "postgres")]
#[path = "postgres/server.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod server;

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    for killed in [false, true] {
        let Some(schema) = server::Schema::new().await else { return };
        let address = format!("postgres {} {}", schema.url, schema.name);
        match killed {
            false => a_process_is_paused_and_another_goes_on(&address).await,
            true => a_process_is_killed_and_another_goes_on(&address).await,
        }
        schema.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the tests above, in a process of its own"]
async fn helper_that_adds_turns() {
    let address = std::env::var("ROPEWALK_TEST_ADDRESS").unwrap();
    let session = sessions(&address).await.session("shared").await.unwrap();
    for number in 1.. {
        match session.append(&turn(&number.to_string())).await {
            Ok(()) => println!("added {number}"),
            Err(error) => return println!("refused: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
