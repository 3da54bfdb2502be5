//! Sessions in a SQLite database: what lasts, and who writes.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

mod buffered;
mod damage;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ropewalk_core::*;
use ropewalk_session::{Durability, Session, SessionStore, Sessions, SqliteStore};
use rusqlite::Connection;

fn turn(text: &str) -> Vec<Record> {
    let started = Record::InvocationStarted {
        messages: vec![Message::user(text)],
        state: Default::default(),
    };
    let cancelled =
        Record::Cancelled { text: "x".into(), last_word: None, usage: Usage::default() };
    vec![started, cancelled, Record::InvocationEnded]
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in here").join("sessions.db");
    (folder, path)
}

async fn open(path: &Path) -> Result<Session, Error> {
    Sessions::in_sqlite(path).await?.session("a").await
}

async fn open_with(path: &Path, durability: Durability) -> Session {
    let store = SqliteStore::open_with(path, durability).await.unwrap();
    Sessions::new(store).session("a").await.unwrap()
}

async fn open_buffered(path: &Path) -> Session {
    open_with(path, Durability::Buffered).await
}

/// What a test said to the other process that it started.
async fn open_as_told() -> Session {
    let durability = match std::env::var("ROPEWALK_TEST_DURABILITY").unwrap().as_str() {
        "Buffered" => Durability::Buffered,
        _ => Durability::Synced,
    };
    open_with(Path::new(&std::env::var("ROPEWALK_TEST_FILE").unwrap()), durability).await
}

#[tokio::test]
async fn sessions_last_are_listed_read_and_removed() {
    let (_folder, path) = place();
    let sessions = Sessions::in_sqlite(&path).await.unwrap();
    assert!(sessions.names().await.unwrap().is_empty());
    assert!(sessions.run("b").await.unwrap().is_none());
    for name in ["b", "a", "c"] {
        sessions.session(name).await.unwrap().append(&turn(name)).await.unwrap();
    }
    drop(sessions);

    let sessions = Sessions::in_sqlite(&path).await.unwrap();
    assert_eq!(sessions.names().await.unwrap(), ["a", "b", "c"]);
    let open = sessions.session("b").await.unwrap();
    assert_eq!(sessions.run("b").await.unwrap().unwrap(), open.restore().await.unwrap());
    assert!(open.place().contains("sessions.db"));
    let error = sessions.remove("b").await.unwrap_err();
    assert!(error.to_string().contains("in use by process"), "{error}");
    let id = open.run_id().to_owned();
    drop(open);
    assert!(sessions.remove("b").await.unwrap());
    assert!(!sessions.remove("b").await.unwrap());
    assert_eq!(sessions.names().await.unwrap(), ["a", "c"]);
    assert!(!path.with_file_name("sessions.db-locks").join("b").exists());

    let anew = sessions.session("b").await.unwrap();
    assert_ne!(anew.run_id(), id);
    assert!(anew.load().await.unwrap().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_folder, path) = place();
    let session = open(&path).await.unwrap();
    session.append(&turn("one")).await.unwrap();
    let folder = path.parent().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    assert_eq!(mode(&folder.join("sessions.db-locks")), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 2, "the database and its log");
}

#[tokio::test]
async fn a_session_that_was_removed_under_its_writer_gets_nothing_more() {
    let (_folder, path) = place();
    let session = open(&path).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute("DELETE FROM session", []).unwrap();
    let error = session.append(&turn("one")).await.unwrap_err();
    assert!(error.to_string().contains("was removed"), "{error}");
    let lines: i64 = other.query_row("SELECT count(*) FROM line", [], |row| row.get(0)).unwrap();
    assert_eq!(lines, 0);
}

#[tokio::test]
async fn whoever_lost_the_session_is_told_who_has_it() {
    for durability in [Durability::Synced, Durability::Buffered] {
        let (_folder, path) = place();
        let old = open_with(&path, durability).await;
        fs::remove_file(path.with_file_name("sessions.db-locks").join("a")).unwrap();
        let new = open_with(&path, durability).await;
        let error = old.append(&turn("late")).await.unwrap_err().to_string();
        assert!(error.contains("was taken over by process"), "{error}");
        assert!(new.load().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_was_not_synced_goes_on_synced() {
    let (_folder, path) = place();
    let store = SqliteStore::open_with(&path, Durability::Buffered).await.unwrap();
    let session = Sessions::new(store.clone()).session("a").await.unwrap();
    session.append(&turn("one")).await.unwrap();
    drop(session);
    assert_eq!(store.path(), path);
    assert_eq!(open(&path).await.unwrap().load().await.unwrap(), turn("one"));
}

#[tokio::test]
async fn several_may_begin_the_same_database_at_once() {
    for _ in 0..5 {
        let (_folder, path) = place();
        let opened = (0..8).map(|number| {
            let path = path.clone();
            tokio::spawn(async move {
                let sessions = Sessions::in_sqlite(path).await.unwrap();
                let session = sessions.session(&format!("s{number}")).await.unwrap();
                session.append(&turn("one")).await.unwrap();
            })
        });
        for ended in opened.collect::<Vec<_>>() {
            ended.await.unwrap();
        }
        assert_eq!(Sessions::in_sqlite(path).await.unwrap().names().await.unwrap().len(), 8);
    }
}

/// This test program once more, as another process that does what the ignored test of this name says.
fn another(name: &str, path: &Path, durability: Durability) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--ignored", name])
        .env("ROPEWALK_TEST_FILE", path)
        .env("ROPEWALK_TEST_DURABILITY", format!("{durability:?}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_killed_process_gives_its_session_back_at_once_with_all_that_was_added() {
    use std::io::{BufRead as _, BufReader};

    // Far enough for a checkpoint or two where it is quick.
    for (durability, turns) in [(Durability::Synced, 20), (Durability::Buffered, 1000)] {
        let (_folder, path) = place();
        let mut child = another("helper_that_writes_for_ever", &path, durability);
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut last = 0;
        while last < turns {
            let line = said.next().unwrap().unwrap();
            if let Some(number) = line.strip_prefix("added ") {
                last = number.parse().unwrap();
            }
        }
        let error = open(&path).await.unwrap_err().to_string();
        assert!(error.contains(&format!("in use by process {}", child.id())), "{error}");
        child.kill().unwrap();
        child.wait().unwrap();
        let session = open_with(&path, durability).await;
        let records = session.load().await.unwrap();
        let count = records.len();
        assert!(count >= 3 * last, "{count} records, {last} turns were acknowledged");
        assert_eq!(count % 3, 0, "appends are whole");
        session.restore().await.unwrap();
        session.append(&turn("goes on")).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn helper_that_writes_for_ever() {
    let session = open_as_told().await;
    for number in 1.. {
        session.append(&turn(&number.to_string())).await.unwrap();
        println!("added {number}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_that_fails_adds_nothing() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let mut whole = turn("one");
    for durability in [Durability::Synced, Durability::Buffered] {
        // Files can't grow much; the signal that says so is ignored, and writes fail.
        let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" --exact --nocapture --ignored helper_that_writes_too_much";
        let output = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .env("ROPEWALK_TEST_FILE", &path)
            .env("ROPEWALK_TEST_DURABILITY", format!("{durability:?}"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("can't add to the session in"), "{said}");
        whole.extend(turn("small"));
        assert_eq!(open(&path).await.unwrap().load().await.unwrap(), whole);
    }
    // Five that took it, and one more each for a write of which it had to be made sure that it never counts.
    let connection = Connection::open(&path).unwrap();
    let epoch = connection.query_row("SELECT epoch FROM session", [], |row| row.get::<_, i64>(0));
    assert_eq!(epoch.unwrap(), 5 + 2);
}

/// Runs in a process of its own, with a limit on file sizes.
#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn helper_that_writes_too_much() {
    let session = open_as_told().await;
    let before = session.load().await.unwrap();
    let error = session.append(&turn(&"x".repeat(300_000))).await.unwrap_err();
    println!("{error}");
    assert_eq!(session.load().await.unwrap(), before);
    session.append(&turn("small")).await.unwrap();
}
