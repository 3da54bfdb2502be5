//! Sessions on file: what lasts, what is refused, what is mended.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use ropewalk_core::*;
use ropewalk_session::{Durability, FileStore, Session, SessionStore as _, Sessions};
use serde_json::json;

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
async fn a_line_in_another_form_is_read_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let records = write_two(folder.path()).await;
    let path = folder.path().join("a.jsonl");
    let written = fs::read_to_string(&path).unwrap();
    for (from, to) in
        [("{\"seq\":1,", "{ \"seq\" : 1, "), ("{\"seq\":1,", "{\"new\":null,\"seq\":1,")]
    {
        fs::write(&path, written.replace(from, to)).unwrap();
        assert_eq!(open(folder.path()).await.unwrap().load().await.unwrap(), records, "{to}");
    }
    for to in ["{\"seq\":+1,", "{\"seq\":01,", "{\"seq\":2,"] {
        fs::write(&path, written.replace("{\"seq\":1,", to)).unwrap();
        let error = open(folder.path()).await.unwrap().load().await.unwrap_err();
        assert!(error.to_string().contains("line 3"), "{to}: {error}");
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

#[tokio::test]
async fn every_cut_of_the_file_opens_with_the_records_that_were_whole() {
    let folder = tempfile::tempdir().unwrap();
    let records = write_two(folder.path()).await;
    let path = folder.path().join("a.jsonl");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        let session = open(folder.path()).await.unwrap();
        let expected = &records[..lines.saturating_sub(1)];
        assert_eq!(session.load().await.unwrap(), expected, "cut at {length}");
        let cut_inside_a_line = length > 0 && whole[length - 1] != b'\n';
        assert_eq!(session.repaired().is_some(), cut_inside_a_line, "cut at {length}");
        // What is added next stands on whole lines.
        session.append(&records[lines.saturating_sub(1)..][..1]).await.unwrap();
        drop(session);
        let session = open(folder.path()).await.unwrap();
        assert_eq!(session.load().await.unwrap().len(), expected.len() + 1);
    }
}

#[tokio::test]
async fn a_flipped_byte_anywhere_is_an_error_that_names_file_and_line_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let records = write_two(folder.path()).await;
    let path = folder.path().join("a.jsonl");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let opened = match open(folder.path()).await {
            Ok(session) => session.load().await.map(|loaded| (session, loaded)),
            Err(error) => Err(error),
        };
        match opened {
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("a.jsonl"), "{text}");
                assert_eq!(fs::read(&path).unwrap(), bytes, "a damaged file is left as it is");
            }
            // A flip in the run's id or a line end that joins lines is the only thing that may pass.
            Ok((session, loaded)) => {
                let header = whole.iter().position(|byte| *byte == b'\n').unwrap();
                assert!(
                    at < header || session.repaired().is_some(),
                    "byte {at} was flipped and nobody noticed"
                );
                assert!(records.starts_with(&loaded));
            }
        }
    }
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
async fn a_file_that_is_no_session_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let newer = "{\"format\":\"ropewalk-session\",\"version\":99,\"run_id\":\"r\"}\n{\"torn";
    for foreign in ["my precious notes", "my notes\n", "{}\n{}", newer] {
        fs::write(&path, foreign).unwrap();
        open(folder.path()).await.unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), foreign);
    }
}

/// Every kind of record, in an order in which they may come.
fn one_of_each() -> Vec<Record> {
    let turn = |message: Message, stop_reason| ModelTurn {
        message,
        stop_reason,
        usage: Usage::new(3, 2),
        metrics: Metrics::default(),
        malformed: Vec::new(),
        redact_user: None,
    };
    let uses = |ids: &[&str]| {
        let blocks =
            ids.iter().map(|id| ContentBlock::ToolUse(ToolUse::new(*id, "pay", json!({"n": 1}))));
        let message = Message::new(Role::Assistant, blocks.collect());
        Record::ModelAnswered {
            turn: turn(message, StopReason::ToolUse).into(),
            discarded: Usage::new(1, 0),
        }
    };
    let asked = Interrupt::new("v1:before_tool_call:t1:x", "approve", json!({"why": "money"}));
    let claim = Claim {
        tool: "pay".into(),
        input: json!({"n": 1}).into(),
        key: "key".into(),
        replay: Replay::Idempotent,
    };
    vec![
        Record::HistoryAdopted {
            messages: vec![Message::user("before"), Message::assistant("ok")],
        },
        started("far too long"),
        Record::PromptWithdrawn,
        started("pay"),
        uses(&["t1"]),
        Record::Interrupted {
            site: Site::Batch,
            interrupts: vec![Interrupt::new("b", "batch", json!(null))],
            terms: Default::default(),
        },
        Record::Answered {
            responses: vec![InterruptResponse { interrupt_id: "b".into(), response: json!("yes") }],
            by: None,
        },
        Record::Interrupted {
            site: Site::call("t1"),
            interrupts: vec![asked.clone()],
            terms: Default::default(),
        },
        Record::Answered { responses: vec![asked.answer(true)], by: None },
        Record::ToolClaimed { tool_use_id: "t1".into(), claim },
        Record::ToolReturned { result: ToolResult::success("t1", "paid") },
        Record::ToolFinished { result: ToolResult::success("t1", "paid"), finish: Finish::Ran },
        Record::ToolsFinished { end_turn: None, stop: false },
        Record::ModelAnswered {
            turn: turn(Message::assistant("done"), StopReason::EndTurn).into(),
            discarded: Usage::default(),
        },
        Record::InvocationEnded,
        started("stop"),
        Record::Cancelled {
            text: "Cancelled by user".into(),
            last_word: None,
            usage: Usage::new(1, 1),
        },
        Record::InvocationEnded,
        started("no"),
        Record::Denied { text: "denied".into() },
        Record::InvocationEnded,
        started("never mind"),
        uses(&["t2"]),
        Record::ToolFinished { result: ToolResult::error("t2", "?"), finish: Finish::Unknown },
        Record::ToolsFinished {
            end_turn: Some(vec![ContentBlock::from("that is all")]),
            stop: false,
        },
        Record::InvocationEnded,
        started("never mind"),
        Record::Abandoned,
    ]
}

/// The records that format 2 added, and what it added to others.
fn new_in_version_2() -> Vec<Record> {
    let state = json!({"user": "alice"}).as_object().unwrap().clone();
    let started =
        || Record::InvocationStarted { messages: vec![Message::user("pay")], state: state.clone() };
    let turn = |message: Message, stop_reason| ModelTurn {
        message,
        stop_reason,
        usage: Usage::new(3, 2),
        metrics: Metrics::default(),
        malformed: Vec::new(),
        redact_user: None,
    };
    let asked = |site, id: &str| Record::Interrupted {
        site,
        interrupts: vec![Interrupt::new(id, "q", json!(null))],
        terms: Default::default(),
    };
    let answered = |id: &str| Record::Answered {
        responses: vec![InterruptResponse { interrupt_id: id.into(), response: json!(true) }],
        by: Some("alice".into()),
    };
    let uses = Message::new(
        Role::Assistant,
        vec![ContentBlock::ToolUse(ToolUse::new("t1", "pay", json!({"n": 1})))],
    );
    let terms: Terms = serde_json::from_value(json!({
        "approvers": ["alice"],
        "expires_in_ms": 60000,
        "warn_before_ms": 1000,
        "asked_at_ms": 5,
        "on_expiry": "deny",
    }))
    .unwrap();
    let report = HeldReport {
        tool: Some("pay".into()),
        name: "pay".into(),
        input: json!({"n": 1}),
        exception: Some("why".into()),
        cancel_message: Some("no".into()),
        duration_ms: Some(7),
    };
    vec![
        asked(Site::AgentInitialized, "i"),
        answered("i"),
        Record::Settled { site: Site::AgentInitialized },
        Record::PromptHeld { messages: vec![Message::user("pay")], state: state.clone() },
        asked(Site::BeforeInvocation, "bi"),
        answered("bi"),
        started(),
        asked(Site::MessageAdded { index: 0 }, "m"),
        answered("m"),
        Record::StateChanged { state: state.clone() },
        asked(Site::BeforeModelCall, "bm"),
        answered("bm"),
        Record::GuidanceAdded { messages: vec![Message::user("mind this")] },
        Record::AnswerHeld {
            held: HeldAnswer::Failed {
                kind: ErrorKind::Unavailable,
                message: "away".into(),
                retry_after_ms: Some(5),
            },
        },
        asked(Site::AfterModelCall, "am"),
        answered("am"),
        Record::AnswerDropped { usage: Usage::new(1, 1) },
        Record::TokensSpent { usage: Usage::new(1, 1) },
        Record::AnswerHeld {
            held: HeldAnswer::Answered(Box::new(turn(uses.clone(), StopReason::ToolUse))),
        },
        Record::ModelAnswered {
            turn: turn(uses, StopReason::ToolUse).into(),
            discarded: Usage::default(),
        },
        Record::Interrupted {
            site: Site::call("t1"),
            interrupts: vec![Interrupt::new("g", "approve", json!({"why": "money"}))],
            terms: [("g".to_owned(), terms)].into_iter().collect(),
        },
        Record::ExpiryAnnounced { interrupt_ids: vec!["g".into()] },
        Record::Expired { interrupt_ids: vec!["g".into()] },
        Record::Decided {
            decision: DecisionRecord::new("policy", "ToolCallGuardEvent", "deny")
                .with_rule("r")
                .with_reason("why")
                .with_by("alice")
                .with_call(&ToolUse::new("t1", "pay", json!({"n": 1})))
                .into(),
        },
        Record::ToolHeld {
            result: ToolResult::error("t1", "no"),
            finish: Finish::NotRun,
            report: report.into(),
        },
        asked(Site::after_call("t1"), "at"),
        answered("at"),
        Record::ToolRetried { tool_use_id: "t1".into() },
        Record::ToolFinished {
            result: ToolResult::success("t1", "cached"),
            finish: Finish::Replaced,
        },
        asked(Site::AfterTools, "ats"),
        answered("ats"),
        Record::ToolsFinished { end_turn: Some(vec![ContentBlock::from("done")]), stop: false },
        asked(Site::AfterInvocation, "ai"),
        answered("ai"),
        Record::InvocationEnded,
    ]
}

#[tokio::test]
async fn sessions_of_each_version_stay_readable_and_are_written_the_same() {
    let fixtures = [
        (include_str!("fixtures/session-v1.jsonl"), one_of_each()),
        (include_str!("fixtures/session-v2.jsonl"), new_in_version_2()),
    ];
    for (number, (fixture, expected)) in (1..).zip(fixtures) {
        let folder = tempfile::tempdir().unwrap();
        let again = Sessions::in_folder(folder.path()).session("again").await.unwrap();
        again.append(&expected).await.unwrap();
        let written = fs::read_to_string(again.place()).unwrap();
        if std::env::var_os("ROPEWALK_WRITE_FIXTURE")
            .is_some_and(|wanted| wanted == *number.to_string())
        {
            let text = written.replacen(again.run_id(), "fixture", 1);
            fs::write(format!("tests/fixtures/session-v{number}.jsonl"), text).unwrap();
            continue;
        }
        fs::write(folder.path().join("a.jsonl"), fixture).unwrap();
        let session = open(folder.path()).await.unwrap();
        let records = session.load().await.unwrap();
        assert_eq!(records, expected);
        assert!(Run::new(session.run_id()).replay(records).unwrap().is_idle());
        let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lines(&written),
            lines(fixture),
            "the stored form {number} changed: count FORMAT_VERSION up"
        );
    }
}

#[tokio::test]
async fn a_newer_format_is_refused_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let header = r#"{"format":"ropewalk-session","version":99,"run_id":"r"}"#;
    fs::write(folder.path().join("a.jsonl"), format!("{header}\n")).unwrap();
    let error = open(folder.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("format 99"), "{error}");
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_open_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jsonl"), bytes).unwrap();
        futures_executor::block_on(async {
            if let Ok(session) = open(folder.path()).await {
                let _ = session.restore().await;
            }
        });
    }
}
