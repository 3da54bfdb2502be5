//! Sessions in a SQLite database: what lasts, who writes, what is refused.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ropewalk_core::*;
use ropewalk_session::{Durability, Session, Sessions, SqliteStore};
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
    other.execute("PRAGMA foreign_keys = ON", []).ok();
    other.execute("DELETE FROM session", []).unwrap();
    let error = session.append(&turn("one")).await.unwrap_err();
    assert!(error.to_string().contains("was removed"), "{error}");
    let lines: i64 = other.query_row("SELECT count(*) FROM line", [], |row| row.get(0)).unwrap();
    assert_eq!(lines, 0);
}

#[tokio::test]
async fn whoever_lost_the_session_is_told_who_has_it() {
    let (_folder, path) = place();
    let old = open(&path).await.unwrap();
    fs::remove_file(path.with_file_name("sessions.db-locks").join("a")).unwrap();
    let new = open(&path).await.unwrap();
    let error = old.append(&turn("late")).await.unwrap_err().to_string();
    assert!(error.contains("was taken over by process"), "{error}");
    assert!(new.load().await.unwrap().is_empty());
}

#[tokio::test]
async fn damage_is_found_and_nothing_is_changed() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute("UPDATE line SET text = replace(text, 'one', 'two') WHERE seq = 0", []).unwrap();
    let error = open(&path).await.unwrap().load().await.unwrap_err().to_string();
    assert!(error.contains("damaged in line 2"), "{error}");
    drop(other);

    // All of the file but its first page.
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes[4096..] {
        *byte = 0xa5;
    }
    fs::write(&path, &bytes).unwrap();
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.contains("it is damaged"), "{error}");
    fs::write(
        &path,
        "This is no database, it is a letter to somebody who likes letters.".repeat(9),
    )
    .unwrap();
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.contains("no SQLite database"), "{error}");
}

/// SQLite does not check what it reads, so that the records are checked as they are in a file.
#[tokio::test]
async fn a_flipped_byte_is_an_error_or_changes_no_record() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let loaded = match open(&path).await {
            Ok(session) => session.load().await,
            Err(error) => Err(error),
        };
        match loaded {
            // A session whose name was hit is another one.
            Ok(records) => assert!(records == turn("one") || records.is_empty(), "byte {at}"),
            Err(_) => found += 1,
        }
    }
    assert!(found > 0, "{found} were found out");
}

#[tokio::test]
async fn a_session_that_lacks_lines_is_damaged() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    Connection::open(&path).unwrap().execute("DELETE FROM line WHERE seq = 2", []).unwrap();
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.contains("should have 3 records and its last one is followed by 2"), "{error}");
}

#[tokio::test]
async fn a_database_of_another_program_or_a_newer_version_is_refused() {
    let (folder, path) = place();
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute("CREATE TABLE mine (x)", []).unwrap();
    let error = open(&foreign).await.unwrap_err();
    assert!(error.to_string().contains("of another program"), "{error}");

    drop(open(&path).await.unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("tables of version 2"), "{error}");
}

#[tokio::test]
async fn what_is_written_is_synced_unless_it_was_said_otherwise() {
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
fn another(name: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--ignored", name])
        .env("ROPEWALK_TEST_FILE", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_killed_process_gives_its_session_back_at_once_with_all_that_was_added() {
    use std::io::{BufRead as _, BufReader};

    let (_folder, path) = place();
    let mut child = another("helper_that_writes_for_ever", &path);
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    while last < 20 {
        let line = said.next().unwrap().unwrap();
        if let Some(number) = line.strip_prefix("added ") {
            last = number.parse().unwrap();
        }
    }
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.contains(&format!("in use by process {}", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let session = open(&path).await.unwrap();
    let records = session.load().await.unwrap();
    assert!(records.len() >= 3 * last, "{} records, {last} turns were acknowledged", records.len());
    assert_eq!(records.len() % 3, 0, "appends are whole");
    session.restore().await.unwrap();
    session.append(&turn("goes on")).await.unwrap();
}

#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn helper_that_writes_for_ever() {
    let path = std::env::var("ROPEWALK_TEST_FILE").unwrap();
    let session = open(Path::new(&path)).await.unwrap();
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
    // Files can't grow much; the signal that says so is ignored, and writes fail.
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" --exact --nocapture --ignored helper_that_writes_too_much";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("ROPEWALK_TEST_FILE", &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("can't add to the session in"), "{said}");
    let whole = [turn("one"), turn("small")].concat();
    assert_eq!(open(&path).await.unwrap().load().await.unwrap(), whole);
}

/// Runs in a process of its own, with a limit on file sizes.
#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn helper_that_writes_too_much() {
    let path = std::env::var("ROPEWALK_TEST_FILE").unwrap();
    let session = open(Path::new(&path)).await.unwrap();
    let error = session.append(&turn(&"x".repeat(300_000))).await.unwrap_err();
    println!("{error}");
    assert_eq!(session.load().await.unwrap(), turn("one"));
    session.append(&turn("small")).await.unwrap();
}
