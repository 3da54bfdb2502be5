//! Sessions on file: what lasts, what is refused.
#![allow(clippy::unwrap_used)]

mod damage;
mod versions;

use std::fs;
use std::path::Path;

use ropewalk_core::*;
use ropewalk_session::{Durability, FileStore, Session, SessionStore as _, Sessions};

fn started(text: &str) -> Record {
    Record::InvocationStarted { messages: vec![Message::user(text)], state: Default::default() }
}

async fn write_two(folder: &Path) -> Vec<Record> {
    let session = Sessions::in_folder(folder).session("a").await.unwrap();
    let records = vec![
        started("one"),
        Record::Cancelled { text: "x".into(), last_word: None, usage: Default::default() },
    ];
    session.append(&records[..1]).await.unwrap();
    session.append(&records[1..]).await.unwrap();
    records
}

async fn open(folder: &Path) -> Result<Session, Error> {
    Sessions::in_folder(folder).session("a").await
}

#[tokio::test]
async fn records_and_run_id_last() {
    let folder = tempfile::tempdir().unwrap();
    let id = open(folder.path()).await.unwrap().run_id().to_owned();
    let records = write_two(folder.path()).await;
    let session = open(folder.path()).await.unwrap();
    assert_eq!(session.run_id(), id);
    assert_eq!(session.load().await.unwrap(), records);
    assert!(session.repaired().is_none());
    Run::new(session.run_id()).replay(records).unwrap();
}

#[tokio::test]
async fn lines_are_read_from_any_of_them_on() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).await.unwrap());
    let line = |number: usize| format!("{number} {}", "x".repeat(number * 7 % 500));
    let lines: Vec<String> = (0..1200).map(line).collect();
    for durability in [Durability::Buffered, Durability::Synced] {
        let store = FileStore::new(folder.path()).durability(durability);
        let mut opened = store.open("a", "").await.unwrap();
        let mut at = usize::try_from(opened.next).unwrap();
        // In pieces of one line, two, three and so on.
        for count in 1..35 {
            opened.log.append(at as u64, lines[at..at + count].to_vec()).await.unwrap();
            at += count;
        }
        for when in ["while it is open", "opened again"] {
            for from in [0, 1, 100, 255, 256, 257, 511, 512, 513, 594, at - 1, at, at + 1, 5000] {
                let read = opened.log.read(from as u64).await.unwrap();
                assert_eq!(read, lines[from.min(at)..at], "{when}, from {from} of {at}");
            }
            drop(opened);
            opened = store.open("a", "").await.unwrap();
            assert_eq!(opened.next, at as u64);
        }
    }
}

#[tokio::test]
async fn what_does_not_wait_for_the_disk_is_written_when_it_is_first_polled() {
    use futures_util::FutureExt as _;
    for (durability, at_once) in [(Durability::Buffered, true), (Durability::Synced, false)] {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path()).durability(durability);
        let session = Sessions::new(store).session("a").await.unwrap();
        let records = [started("one")];
        let mut written = session.append(&records);
        assert_eq!(written.as_mut().now_or_never().is_some(), at_once, "{durability:?}");
        if !at_once {
            written.await.unwrap();
        }
        assert_eq!(session.load().await.unwrap(), records);
    }
}

#[tokio::test]
async fn a_second_opener_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await.unwrap();
    let error = open(folder.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(first);
    open(folder.path()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_after_a_dropped_write_is_what_stays() {
    let folder = tempfile::tempdir().unwrap();
    let session = open(folder.path()).await.unwrap();
    for _ in 0..300 {
        let records = [started("x")];
        // Polled once, so that the work has begun, and dropped.
        let mut append = session.append(&records);
        let _ = futures_util::poll!(&mut append);
        drop(append);
        let first = session.load().await.unwrap().len();
        tokio::time::sleep(std::time::Duration::from_micros(200)).await;
        assert_eq!(session.load().await.unwrap().len(), first);
    }
}

#[tokio::test]
async fn names_that_would_leave_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::in_folder(folder.path());
    for name in ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a b", "ä", &"x".repeat(129)] {
        let error = sessions.session(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
    }
    assert!(sessions.names().await.unwrap().is_empty());
    sessions.session("a.b-c_1").await.unwrap();
    assert_eq!(sessions.names().await.unwrap(), ["a.b-c_1"]);
}

#[tokio::test]
async fn a_folder_that_can_not_be_made_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Sessions::in_folder(file.join("sessions")).session("a").await.unwrap_err();
    assert!(error.to_string().contains("file/sessions"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_an_error_and_leaves_the_session_as_it_was() {
    // A limit on the size of files stands in for the full disk: the write fails half way.
    let folder = tempfile::tempdir().unwrap();
    write_two(folder.path()).await;
    let path = folder.path().join("a.jsonl");
    let before = fs::read(&path).unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" --exact --nocapture helper_that_writes_too_much --ignored",
        before.len() / 1024 + 1
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env("ROPEWALK_TEST_FOLDER", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("can't write the session"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Runs in a process of its own, with a limit on file sizes.
#[tokio::test]
#[ignore = "started by the test above, in a process of its own"]
async fn helper_that_writes_too_much() {
    let folder = std::env::var("ROPEWALK_TEST_FOLDER").unwrap();
    let session = open(Path::new(&folder)).await.unwrap();
    let error = session.append(&[started(&"x".repeat(100_000))]).await.unwrap_err();
    println!("{error}");
    // It can go on with what fits.
    session.append(&[]).await.unwrap();
}
