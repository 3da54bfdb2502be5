//! What happens in the fixture: each story is a run of its own, and together they hold every kind of record.

use std::sync::Arc;

use ropewalk_core::*;
use serde_json::{Map, Value, json};

use crate::common::{asks, turn};

pub(crate) fn all() -> [(&'static str, Vec<Record>); 7] {
    [
        ("a turn with tools", tools()),
        ("questions from everywhere", questions()),
        ("values", values()),
        ("ends", ends()),
        ("a prompt that joins", joined()),
        ("a conversation that is made smaller", smaller()),
        ("a snapshot", snapshot()),
    ]
}

pub(crate) fn started(text: &str) -> Record {
    Record::InvocationStarted { messages: vec![Message::user(text)], state: Map::new() }
}

fn object(json: &Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

fn answers(turn: ModelTurn) -> Record {
    Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() }
}

fn says(text: &str) -> Record {
    answers(turn(Message::assistant(text)))
}

fn uses(ids: &[&'static str], name: &'static str) -> Message {
    asks(ids.iter().map(|id| (*id, name, json!({"n": 1}))))
}

fn claimed(id: &str, tool: &str) -> Record {
    let claim = Claim::new(ToolUse::new(id, tool, json!({"n": 1})), "key", Replay::Idempotent);
    Record::ToolClaimed { tool_use_id: id.into(), claim }
}

fn returned(id: &str) -> Record {
    Record::ToolReturned { result: ToolResult::success(id, "paid") }
}

fn finished(id: &str, finish: Finish) -> Record {
    Record::ToolFinished { result: ToolResult::success(id, "paid"), finish }
}

fn asked(site: Site, id: &str) -> Record {
    let interrupts = vec![Interrupt::new(id, "q", json!({"why": "money"}))];
    Record::Interrupted { site, interrupts, terms: Default::default() }
}

fn answered(id: &str) -> Record {
    let response = InterruptResponse { interrupt_id: id.into(), response: json!(true) };
    Record::Answered { responses: vec![response], by: Some("alice".into()) }
}

fn tools() -> Vec<Record> {
    let state = object(&json!({"user": "alice"}));
    let limits = Limits::new()
        .turns(9)
        .input_tokens(1_000)
        .output_tokens(100)
        .total_tokens(1_100)
        .cost(Money::from_millionths(7))
        .time(std::time::Duration::from_secs(9))
        .tool_calls(9);
    let mut before = Used::default();
    (before.turns, before.usage) = (1, Usage::new(1, 1));
    let report = HeldReport {
        tool: Some("pay".into()),
        name: "pay".into(),
        input: json!({"n": 1}),
        exception: Some("why".into()),
        cancel_message: Some("no".into()),
        duration_ms: Some(7),
    };
    let decision = DecisionRecord::new("policy", "ToolCallGuardEvent", "deny")
        .with_rule("r")
        .with_reason("why")
        .with_by("alice")
        .with_call(&ToolUse::new("t1", "pay", json!({"n": 1})));
    let malformed =
        MalformedInput { tool_use_id: "t6".into(), raw: "{".into(), error: "EOF".into() };
    let ids = ["t1", "t2", "t3", "t4", "t5", "t6"];
    let many = ModelTurn {
        malformed: vec![malformed],
        redact_user: Some("[gone]".into()),
        metrics: Metrics { latency_ms: 5, time_to_first_byte_ms: Some(1) },
        ..turn(uses(&ids, "pay"))
    };
    vec![
        Record::HistoryAdopted { messages: vec![Message::user("hi"), Message::assistant("ho")] },
        Record::AgentStateChanged {
            set: object(&json!({"language": "de", "old": 1})),
            deleted: vec![],
            keep: false,
        },
        Record::InvocationStarted { messages: vec![Message::user("pay")], state: state.clone() },
        Record::TokenGiven { token: "token".into(), prompt: "hash".into() },
        Record::LimitsSet { limits: limits.into(), before },
        Record::StateChanged { state },
        Record::GuidanceAdded { messages: vec![Message::user("mind this")] },
        Record::TokensSpent { usage: Usage::new(1, 1) },
        Record::CostSpent { cost: Money::from_millionths(3) },
        Record::ModelAnswered { turn: many.into(), discarded: Usage::new(1, 0) },
        claimed("t1", "pay"),
        returned("t1"),
        Record::ToolHeld {
            result: ToolResult::success("t1", "paid"),
            finish: Finish::Ran,
            report: report.into(),
        },
        Record::ToolRetried { tool_use_id: "t1".into() },
        claimed("t1", "pay"),
        returned("t1"),
        finished("t1", Finish::Ran),
        finished("t2", Finish::NotRun),
        finished("t3", Finish::OverLimit),
        finished("t4", Finish::Replaced),
        finished("t5", Finish::Unknown),
        Record::Decided { decision: decision.into() },
        Record::AgentStateChanged {
            set: object(&json!({"paid": true})),
            deleted: vec!["old".into()],
            keep: true,
        },
        Record::ToolsFinished { end_turn: None, stop: false },
        Record::TimeSpent { time_ms: 5 },
        says("done"),
        Record::InvocationEnded,
    ]
}

fn questions() -> Vec<Record> {
    let terms: Terms = serde_json::from_value(json!({
        "approvers": ["alice"],
        "expires_in_ms": 60000,
        "warn_before_ms": 1000,
        "asked_at_ms": 5,
        "on_expiry": "deny",
    }))
    .unwrap();
    let failed = HeldAnswer::Failed {
        kind: ErrorKind::Unavailable,
        message: "away".into(),
        retry_after_ms: Some(5),
    };
    let state = object(&json!({"user": "alice"}));
    let messages = vec![Message::user("pay")];
    let pay = || turn(uses(&["t1"], "pay"));
    vec![
        asked(Site::AgentInitialized, "i"),
        answered("i"),
        Record::Settled { site: Site::AgentInitialized },
        Record::PromptHeld { messages: messages.clone(), state: state.clone() },
        asked(Site::BeforeInvocation, "bi"),
        answered("bi"),
        Record::InvocationStarted { messages, state },
        asked(Site::MessageAdded { index: 0 }, "m"),
        answered("m"),
        asked(Site::BeforeModelCall, "bm"),
        answered("bm"),
        Record::AnswerHeld { held: failed },
        asked(Site::AfterModelCall, "am"),
        answered("am"),
        Record::AnswerDropped { usage: Usage::new(1, 1) },
        Record::AnswerHeld { held: HeldAnswer::Answered(Box::new(pay())) },
        answers(pay()),
        asked(Site::Batch, "b"),
        answered("b"),
        Record::Interrupted {
            site: Site::call("t1"),
            interrupts: vec![Interrupt::new("g", "approve", json!({"why": "money"}))],
            terms: [("g".to_owned(), terms)].into_iter().collect(),
        },
        Record::ExpiryAnnounced { interrupt_ids: vec!["g".into()] },
        Record::Expired { interrupt_ids: vec!["g".into()] },
        claimed("t1", "pay"),
        asked(Site::after_call("t1"), "at"),
        answered("at"),
        finished("t1", Finish::Ran),
        asked(Site::AfterTools, "ats"),
        answered("ats"),
        Record::ToolsFinished { end_turn: Some(vec![ContentBlock::from("done")]), stop: false },
        asked(Site::AfterInvocation, "ai"),
        answered("ai"),
        Record::InvocationEnded,
    ]
}

fn values() -> Vec<Record> {
    let asked = || {
        let output = OutputSpec {
            name: "City".into(),
            description: "A city.".into(),
            schema: Arc::new(json!({"type": "object"})),
            wrapped: false,
            prompt: "Give it.".into(),
            corrections: 2,
        };
        Record::OutputAsked { output }
    };
    vec![
        started("which city?"),
        asked(),
        says("Paris"),
        Record::OutputForced {
            messages: vec![Message::user("Give it.")],
            problem: Some("it is missing".into()),
        },
        answers(turn(uses(&["t1"], "City"))),
        claimed("t1", "City"),
        returned("t1"),
        finished("t1", Finish::Ran),
        Record::ToolsFinished { end_turn: None, stop: false },
        says("There it is."),
        Record::InvocationEnded,
        started("and another?"),
        asked(),
        says("{}"),
        Record::OutputFound { value: json!({}) },
        Record::InvocationEnded,
        started("and another?"),
        asked(),
        says("no"),
        Record::OutputFailed { problem: "it is missing".into() },
        Record::InvocationEnded,
    ]
}

fn ends() -> Vec<Record> {
    vec![
        started("stop"),
        Record::TokenGiven { token: "token".into(), prompt: "hash".into() },
        Record::Cancelled { text: "half".into(), last_word: None, usage: Usage::new(1, 1) },
        Record::InvocationEnded,
        started("stop"),
        answers(turn(uses(&["t1"], "pay"))),
        Record::Cancelled {
            text: "Cancelled by user".into(),
            last_word: Some("enough".into()),
            usage: Usage::default(),
        },
        Record::InvocationEnded,
        started("pay, and say nothing"),
        answers(turn(uses(&["t1"], "pay"))),
        finished("t1", Finish::Ran),
        Record::ToolsFinished { end_turn: None, stop: true },
        Record::InvocationEnded,
        started("too much"),
        Record::LimitReached {
            reason: StopReason::LimitTurns,
            partial: "half".into(),
            note: "the limit was reached".into(),
            usage: Usage::new(1, 1),
        },
        Record::InvocationEnded,
        started("no"),
        Record::Denied { text: "denied".into() },
        Record::InvocationEnded,
        started("never mind"),
        Record::TokenGiven { token: "other".into(), prompt: "hash".into() },
        Record::Abandoned,
    ]
}

fn joined() -> Vec<Record> {
    vec![
        Record::HistoryAdopted {
            messages: vec![
                Message::user("pay"),
                uses(&["t1"], "pay"),
                Message::tool_results([ToolResult::success("t1", "paid")]),
            ],
        },
        Record::InvocationStarted { messages: vec![], state: Map::new() },
        Record::PromptJoined { content: vec![ContentBlock::from("and now?")] },
        says("done"),
        Record::InvocationEnded,
    ]
}

fn smaller() -> Vec<Record> {
    let manager = ManagerState { name: "window".into(), state: json!({"removed": 1}) };
    vec![
        Record::HistoryAdopted { messages: vec![Message::user("hi"), Message::assistant("ho")] },
        started("far too long"),
        Record::HistoryEdited {
            edit: TranscriptEdit::new().replace(0..2, [Message::user("hi, ho")]),
            manager: Some(manager.into()),
            usage: Usage::new(1, 1),
        },
        Record::PromptWithdrawn,
    ]
}

fn snapshot() -> Vec<Record> {
    let restored = Restored {
        messages: Some(vec![Message::user("hi"), Message::assistant("ho")]),
        agent_state: Some(object(&json!({"language": "de"}))),
        manager_state: Some(Some(ManagerState { name: "window".into(), state: json!({}) })),
        under_way: Some(Map::new()),
    };
    vec![Record::SnapshotLoaded { restored: restored.into() }, started("go on")]
}
