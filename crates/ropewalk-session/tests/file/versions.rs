//! The versions of the stored form: the old ones stay readable, newer ones are refused.

use std::fs;

use ropewalk_core::*;
use ropewalk_session::Sessions;
use serde_json::json;

use super::{open, started};

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
            ids.iter().map(|id| ContentBlock::from(ToolUse::new(*id, "pay", json!({"n": 1}))));
        let message = Message::new(Role::Assistant, blocks.collect());
        Record::ModelAnswered {
            turn: turn(message, StopReason::ToolUse).into(),
            discarded: Usage::new(1, 0),
        }
    };
    let asked = Interrupt::new("v1:before_tool_call:t1:x", "approve", json!({"why": "money"}));
    let claim = Claim::new(ToolUse::new("t1", "pay", json!({"n": 1})), "key", Replay::Idempotent);
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
        vec![ContentBlock::from(ToolUse::new("t1", "pay", json!({"n": 1})))],
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
        (include_str!("../fixtures/session-v1.jsonl"), one_of_each()),
        (include_str!("../fixtures/session-v2.jsonl"), new_in_version_2()),
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
