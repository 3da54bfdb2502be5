//! Sessions in a SQLite database: what lasts, who writes, what is refused.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::future::Future as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

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

async fn open_buffered(path: &Path) -> Session {
    let store = SqliteStore::open_with(path, Durability::Buffered).await.unwrap();
    Sessions::new(store).session("a").await.unwrap()
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
    let first =
        format!("UPDATE line SET text = replace(text, 'one', 'two') WHERE id = {}", 1_u64 << 32);
    assert_eq!(other.execute(&first, []).unwrap(), 1);
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
    let third = format!("DELETE FROM line WHERE id = {}", (1_u64 << 32) + 2);
    assert_eq!(Connection::open(&path).unwrap().execute(&third, []).unwrap(), 1);
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
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("tables of version 3"), "{error}");
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
async fn the_log_of_a_database_does_not_grow_for_ever() {
    let (_folder, path) = place();
    let log = path.with_file_name("sessions.db-wal");
    let session = open_buffered(&path).await;
    let mut largest = 0;
    for number in 0..2000 {
        session.append(&turn(&number.to_string())).await.unwrap();
        largest = largest.max(fs::metadata(&log).unwrap().len());
    }
    // A thousand pages, and what stands around each.
    assert!((4_000_000..4_500_000).contains(&largest), "{largest}");
    assert_eq!(session.load().await.unwrap().len(), 6000);
}

/// As it was before lines stood under one number each.
const VERSION_1: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE session (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, header TEXT NOT NULL,
        epoch INTEGER NOT NULL DEFAULT 0, holder TEXT, next INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE line (
        session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (session, seq)
    );
    CREATE TABLE snapshot (
        session INTEGER PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE, text TEXT NOT NULL
    );
    PRAGMA application_id = 0x726f7065;
    PRAGMA user_version = 1;
";

#[tokio::test]
async fn a_database_of_version_1_is_brought_up_to_date() {
    let (folder, path) = place();
    // What stands in lines and headers has not changed: they are moved from a new database into an old one.
    for name in ["a", "b"] {
        let session = Sessions::in_sqlite(&path).await.unwrap().session(name).await.unwrap();
        session.append(&turn(name)).await.unwrap();
        session.append(&turn("more")).await.unwrap();
    }
    let old = folder.path().join("old.db");
    let connection = Connection::open(&old).unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    let moved = format!(
        "ATTACH '{}' AS new;
         INSERT INTO session SELECT * FROM new.session;
         INSERT INTO line SELECT id >> 32, id & 0xffffffff, text FROM new.line ORDER BY id DESC;",
        path.display()
    );
    connection.execute_batch(&moved).unwrap();
    drop(connection);

    // Several at once: one of them does it.
    let opened = (0..4).map(|_| tokio::spawn(Sessions::in_sqlite(old.clone())));
    for opened in opened.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    let sessions = Sessions::in_sqlite(&old).await.unwrap();
    for name in ["a", "b"] {
        let session = sessions.session(name).await.unwrap();
        assert_eq!(session.load().await.unwrap(), [turn(name), turn("more")].concat());
        session.append(&turn("new")).await.unwrap();
        assert_eq!(session.load().await.unwrap().len(), 9);
    }
    assert!(sessions.remove("a").await.unwrap());
    let connection = Connection::open(&old).unwrap();
    let number = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(number("SELECT count(*) FROM line"), 9, "those of the other one");
    assert_eq!(number("PRAGMA user_version"), 2);
}

#[tokio::test]
async fn a_session_without_numbers_for_more_records_is_full() {
    let (_folder, path) = place();
    open(&path).await.unwrap().append(&turn("one")).await.unwrap();
    let other = Connection::open(&path).unwrap();
    let last = (1_u64 << 32) - 2;
    let forged =
        format!("UPDATE line SET id = id + {}; UPDATE session SET next = {}", last - 2, last + 1);
    other.execute_batch(&forged).unwrap();
    let error = open_buffered(&path).await.append(&turn("two")).await.unwrap_err().to_string();
    assert!(error.contains("is full"), "{error}");
    let error = open(&path).await.unwrap().append(&turn("two")).await.unwrap_err().to_string();
    assert!(error.contains("is full"), "{error}");
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
    let mut whole = turn("one");
    for durability in ["synced", "buffered"] {
        // Files can't grow much; the signal that says so is ignored, and writes fail.
        let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" --exact --nocapture --ignored helper_that_writes_too_much";
        let output = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .env("ROPEWALK_TEST_FILE", &path)
            .env("ROPEWALK_TEST_DURABILITY", durability)
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
    let path = std::env::var("ROPEWALK_TEST_FILE").unwrap();
    let session = match std::env::var("ROPEWALK_TEST_DURABILITY").unwrap().as_str() {
        "buffered" => open_buffered(Path::new(&path)).await,
        _ => open(Path::new(&path)).await.unwrap(),
    };
    let before = session.load().await.unwrap();
    let error = session.append(&turn(&"x".repeat(300_000))).await.unwrap_err();
    println!("{error}");
    assert_eq!(session.load().await.unwrap(), before);
    session.append(&turn("small")).await.unwrap();
}
