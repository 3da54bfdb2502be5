//! The run: which records fit where, what they do, and what holds whatever happens.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod anything;
mod calls;
mod dice;
mod records;

use std::sync::Arc;

use common::{asks, turn};
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

fn started() -> Record {
    Record::InvocationStarted { messages: vec![Message::user("q")], state: Default::default() }
}

fn answered(message: Message) -> Record {
    Record::ModelAnswered { turn: turn(message).into(), discarded: Usage::default() }
}

fn claimed(run: &Run, id: &str) -> Record {
    let claim =
        Claim::new(ToolUse::new(id, "n", json!({})), run.idempotency_key(id), Replay::Never);
    Record::ToolClaimed { tool_use_id: id.into(), claim }
}

fn returned(id: &str) -> Record {
    Record::ToolReturned { result: ToolResult::success(id, "returned") }
}

fn finished(id: &str) -> Record {
    Record::ToolFinished { result: ToolResult::success(id, "finished"), finish: Finish::Ran }
}

fn interrupted(id: &str, name: &str) -> Record {
    let interrupt = Interrupt::new(format!("{id}:{name}"), name, json!("why"));
    Record::Interrupted {
        site: Site::call(id),
        interrupts: vec![interrupt],
        terms: Default::default(),
    }
}

fn answers<'a>(answers: impl IntoIterator<Item = (&'a str, serde_json::Value)>) -> Record {
    let responses = answers
        .into_iter()
        .map(|(id, response)| InterruptResponse { interrupt_id: id.into(), response });
    Record::Answered { responses: responses.collect(), by: None }
}

fn tools_finished() -> Record {
    Record::ToolsFinished { end_turn: None, stop: false }
}

fn cancelled() -> Record {
    Record::Cancelled { text: "Cancelled by user".into(), last_word: None, usage: Usage::default() }
}

/// A value is asked for, which the tool `n` takes.
fn output_asked() -> Record {
    let output = OutputSpec {
        name: "n".into(),
        description: "a thing".into(),
        schema: Arc::new(json!({"type": "object"})),
        wrapped: false,
        prompt: "give".into(),
        corrections: 1,
    };
    Record::OutputAsked { output }
}

fn run_of(records: impl IntoIterator<Item = Record>) -> Run {
    Run::new("run").replay(records).unwrap()
}

/// A run in which these uses wait to be made.
fn with_uses(ids: &[&str]) -> Run {
    run_of([started(), answered(asks(ids.iter().map(|id| (*id, "n", json!({})))))])
}

fn apply(run: &mut Run, records: impl IntoIterator<Item = Record>) {
    for record in records {
        run.apply(record).unwrap();
    }
}

fn runnable(run: &Run) -> Vec<String> {
    match run.next() {
        Step::Tools(calls) => {
            calls.into_iter().map(|call| call.tool_use.tool_use_id.clone()).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// One record of each kind, all about the tool use `a`.
fn one_of_each() -> Vec<(&'static str, Record)> {
    vec![
        ("adopted", Record::HistoryAdopted { messages: vec![Message::user("q")] }),
        ("started", started()),
        ("answered by text", answered(Message::assistant("x"))),
        ("answered by use", answered(asks([("a", "n", json!({}))]))),
        ("claimed", claimed(&Run::new("run"), "a")),
        ("returned", returned("a")),
        ("finished", finished("a")),
        ("interrupted", interrupted("a", "q")),
        ("answers", answers([("a:q", json!(true))])),
        ("tools finished", tools_finished()),
        ("output found", Record::OutputFound { value: json!(1) }),
        ("output forced", Record::OutputForced { messages: vec![], problem: None }),
        ("output failed", Record::OutputFailed { problem: "none".into() }),
        ("cancelled", cancelled()),
        ("denied", Record::Denied { text: "no".into() }),
        ("abandoned", Record::Abandoned),
        ("ended", Record::InvocationEnded),
    ]
}

#[test]
fn a_cancelled_answer_keeps_its_text_and_its_usage() {
    let usage = Usage::new(3, 4);
    let run =
        run_of([started(), Record::Cancelled { text: "half".into(), last_word: None, usage }]);
    assert_eq!((run.transcript()[1].text().as_str(), run.usage()), ("half", usage));
}

#[test]
fn usage_counts_for_the_invocation_and_for_all() {
    let mut run = run_of([started()]);
    let discarded = Usage::new(1, 1);
    let turn = turn(Message::assistant("x"));
    apply(
        &mut run,
        [Record::ModelAnswered { turn: turn.into(), discarded }, Record::InvocationEnded],
    );
    assert_eq!(run.usage(), Usage::new(11, 6));
    run.apply(started()).unwrap();
    assert_eq!((run.usage(), run.total_usage()), (Usage::default(), Usage::new(11, 6)));
}
