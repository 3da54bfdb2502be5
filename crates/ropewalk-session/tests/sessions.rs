//! Sessions whatever keeps them: one writer, snapshots, writes that wait together.
#![allow(clippy::unwrap_used)]

mod counting;
mod watched;

use std::fs;
use std::io::Write as _;

use ropewalk_core::*;
use ropewalk_session::{MemoryStore, Sessions};
use ropewalk_testkit::{Reply, ScriptedModel};

use counting::Counting;

fn started(text: &str) -> Record {
    Record::InvocationStarted { messages: vec![Message::user(text)], state: Default::default() }
}

fn cancelled() -> Record {
    Record::Cancelled { text: "x".into(), last_word: None, usage: Usage::default() }
}

/// Invocations that were cancelled at once: three records each.
fn turns(count: usize) -> Vec<Record> {
    let turn =
        |number| [started(&format!("prompt {number}")), cancelled(), Record::InvocationEnded];
    (0..count).flat_map(turn).collect()
}

#[tokio::test]
async fn a_session_in_memory_keeps_the_rules_of_the_others() {
    let sessions = Sessions::in_memory();
    let first = sessions.session("a").await.unwrap();
    let id = first.run_id().to_owned();
    first.append(&turns(1)).await.unwrap();
    let error = sessions.session("a").await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    assert!(sessions.remove("a").await.is_err(), "an open session is not removed");
    drop(first);

    let again = sessions.session("a").await.unwrap();
    assert_eq!(again.run_id(), id);
    assert_eq!(again.load().await.unwrap(), turns(1));
    drop(again);
    assert!(sessions.remove("a").await.unwrap());
    assert!(!sessions.exists("a").await.unwrap());
}

#[tokio::test]
async fn a_long_session_opens_from_its_snapshot_and_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::in_folder(folder.path());
    let session = sessions.session("a").await.unwrap();
    let records = turns(200);
    let run = Run::new(session.run_id()).replay(records.clone()).unwrap();
    session.append(&records).await.unwrap();
    session.checkpoint(&run).await.unwrap();
    session.append(&turns(3)).await.unwrap();
    let whole = run.replay(turns(3)).unwrap();
    drop(session);

    // That it is read from the snapshot shows in that damage before it is not seen.
    let path = folder.path().join("a.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("prompt 7", "prompt 8", 1)).unwrap();
    let session = sessions.session("a").await.unwrap();
    assert_eq!(session.restore().await.unwrap(), whole);
    assert!(session.load().await.unwrap_err().to_string().contains("damaged in line 23"));
    drop(session);
    fs::write(&path, &text).unwrap();

    // A snapshot that can't be used is as good as none.
    let snapshot = folder.path().join("a.snapshot");
    let bytes = fs::read(&snapshot).unwrap();
    for broken in [&b""[..], b"\xff", b"{}", &bytes[..bytes.len() / 2]] {
        fs::write(&snapshot, broken).unwrap();
        let session = sessions.session("a").await.unwrap();
        assert_eq!(session.restore().await.unwrap(), whole);
    }

    // Nor is one used that holds more than the session has: it would stand where the session never stood.
    let lines: Vec<&str> = text.lines().take(100).collect();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let session = sessions.session("a").await.unwrap();
    assert_eq!(session.restore().await.unwrap().applied(), 99);
    session.append(&turns(1)).await.unwrap();
    drop(session);

    // Nor is that of another session used.
    let other = Sessions::in_folder(folder.path()).session("b").await.unwrap();
    fs::write(folder.path().join("b.snapshot"), &bytes).unwrap();
    assert_eq!(other.restore().await.unwrap().applied(), 0);
}

#[tokio::test]
async fn snapshots_lie_further_apart_the_longer_the_session_is() {
    let folder = tempfile::tempdir().unwrap();
    let session = Sessions::in_folder(folder.path()).session("a").await.unwrap();
    let mut run = Run::new(session.run_id());
    let mut made = Vec::new();
    for _ in 0..1000 {
        for record in turns(1) {
            run.apply(record.clone()).unwrap();
        }
        let before = fs::read(folder.path().join("a.snapshot")).ok();
        session.checkpoint(&run).await.unwrap();
        if fs::read(folder.path().join("a.snapshot")).ok() != before {
            made.push(run.applied());
        }
    }
    assert_eq!(made, [258, 516, 774, 1161, 1743, 2616]);
}

#[tokio::test]
async fn what_is_added_together_is_written_as_one() {
    let store = Counting::new(MemoryStore::new());
    let session = Sessions::new(store.clone()).session("a").await.unwrap();
    let records: Vec<Record> = (0..40).map(|number| started(&number.to_string())).collect();
    let appends = records.iter().map(|record| session.append(std::slice::from_ref(record)));
    for ended in futures_util::future::join_all(appends).await {
        ended.unwrap();
    }
    assert_eq!(session.load().await.unwrap(), records);
    assert!(store.appends() < 40, "{} writes", store.appends());
}

#[tokio::test]
async fn those_who_wait_together_learn_of_a_failure_together_and_the_next_one_goes_on() {
    let store = Counting::new(MemoryStore::new());
    let session = Sessions::new(store.clone()).session("a").await.unwrap();
    store.fail_next("the disk is full");
    let (one, two) = ([started("one")], [started("two")]);
    let (one, two) = futures_util::join!(session.append(&one), session.append(&two));
    for ended in [one, two] {
        assert!(ended.unwrap_err().to_string().contains("the disk is full"));
    }
    assert!(session.load().await.unwrap().is_empty());
    session.append(&turns(1)).await.unwrap();
    assert_eq!(session.load().await.unwrap(), turns(1));
}

#[tokio::test]
async fn what_another_program_adds_to_an_open_file_is_found_out_and_never_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let session = Sessions::in_folder(folder.path()).session("a").await.unwrap();
    session.append(&turns(1)).await.unwrap();
    let path = folder.path().join("a.jsonl");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"something\n").unwrap();
    let before = fs::read(&path).unwrap();
    let error = session.append(&turns(1)).await.unwrap_err();
    assert!(error.to_string().contains("changed by another program"), "{error}");
    assert!(session.append(&turns(1)).await.is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_session_can_be_read_while_somebody_is_at_work_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::in_folder(folder.path());
    assert!(sessions.run("a").await.unwrap().is_none());
    let session = sessions.session("a").await.unwrap();
    session.append(&turns(2)).await.unwrap();
    let run = sessions.run("a").await.unwrap().unwrap();
    assert_eq!(run, session.restore().await.unwrap());
}

#[tokio::test]
async fn a_manager_keeps_each_agent_of_a_session_under_its_id() {
    let sessions = Sessions::in_memory();
    let manager = sessions.manager("ada");
    let agent = async |id: &str, says: &str| {
        let model = ScriptedModel::new([Reply::text(says)]);
        let builder = Agent::builder().model(model).agent_id(id).no_callback_handler();
        builder.session_manager(manager.clone()).build().await
    };
    let mut clerk = agent("clerk", "Noted.").await.unwrap();
    let mut cook = agent("cook", "Soup.").await.unwrap();
    clerk.invoke("I am Ada.").await.unwrap();
    cook.invoke("What is there?").await.unwrap();
    assert_eq!(sessions.names().await.unwrap(), ["ada.clerk", "ada.cook"]);

    let error = agent("clerk", "?").await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    for id in ["", "a.b", "../x"] {
        let error = manager.agent(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{id}: {error}");
    }
    let error = sessions.manager("").agent("clerk").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    drop(clerk);
    let clerk = agent("clerk", "You are Ada.").await.unwrap();
    let texts: Vec<_> = clerk.messages().iter().map(|message| message.text()).collect();
    assert_eq!(texts, ["I am Ada.", "Noted."]);
}
