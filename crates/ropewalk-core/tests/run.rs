//! The run: which records fit where, what they do, and what holds whatever happens.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use common::{asks, turn};
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ropewalk_core::*;
use serde_json::json;

fn started() -> Record {
    Record::InvocationStarted { messages: vec![Message::user("q")], state: Default::default() }
}

fn answered(message: Message) -> Record {
    Record::ModelAnswered { turn: turn(message).into(), discarded: Usage::default() }
}

fn claimed(run: &Run, id: &str) -> Record {
    let claim = Claim {
        tool: "n".into(),
        input: json!({}).into(),
        key: run.idempotency_key(id),
        replay: Replay::Never,
    };
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
fn each_phase_takes_its_own_records_and_no_others() {
    let pending = with_uses(&["a"]);
    let after = |run: &Run, records: Vec<Record>| {
        let mut run = run.clone();
        apply(&mut run, records);
        run
    };
    let claim = after(&pending, vec![claimed(&pending, "a")]);
    let give_up = ["cancelled", "denied", "abandoned"];
    let table: Vec<(&str, Run, Vec<&str>)> = vec![
        ("new", Run::new("run"), vec!["adopted", "started"]),
        ("idle", run_of([started(), Record::Abandoned]), vec!["started"]),
        (
            "model",
            run_of([started()]),
            [&["answered by text", "answered by use"][..], &give_up].concat(),
        ),
        (
            "output missing",
            run_of([started(), output_asked(), answered(Message::assistant("x"))]),
            [&["output found", "output forced", "output failed"][..], &give_up].concat(),
        ),
        (
            "pending",
            pending.clone(),
            [&["claimed", "finished", "interrupted"][..], &give_up].concat(),
        ),
        (
            "claimed",
            claim.clone(),
            [&["claimed", "returned", "finished", "interrupted"][..], &give_up].concat(),
        ),
        (
            "returned",
            after(&claim, vec![returned("a")]),
            [&["claimed", "finished", "interrupted"][..], &give_up].concat(),
        ),
        (
            "waiting",
            after(&pending, vec![interrupted("a", "q")]),
            [&["finished", "interrupted", "answers"][..], &give_up].concat(),
        ),
        (
            "finished",
            after(&pending, vec![finished("a")]),
            [&["tools finished"][..], &give_up].concat(),
        ),
        (
            "ended",
            run_of([started(), answered(Message::assistant("x"))]),
            vec!["abandoned", "ended"],
        ),
    ];
    for (phase, run, legal) in table {
        for (name, record) in one_of_each() {
            let mut changed = run.clone();
            let outcome = changed.apply(record);
            assert_eq!(outcome.is_ok(), legal.contains(&name), "{name} in {phase}: {outcome:?}");
            if let Err(error) = outcome {
                assert!(
                    matches!(error.kind(), ErrorKind::IllegalRecord | ErrorKind::Interrupt),
                    "{error:?}"
                );
                assert_eq!(changed, run, "{name} in {phase} changed something");
            }
        }
    }
}

#[test]
fn the_error_says_in_which_phase_the_record_does_not_fit() {
    let error = Run::new("run").apply(Record::InvocationEnded).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("nothing is under way") && text.contains("InvocationEnded"), "{text}");
}

#[test]
fn replay_names_the_first_record_that_does_not_fit() {
    let error = Run::new("run").replay([started(), started()]).unwrap_err();
    assert!(error.to_string().starts_with("record 1: "), "{error}");
}

#[test]
fn a_record_about_a_use_that_is_not_there_is_refused() {
    let mut run = with_uses(&["a"]);
    let records = [claimed(&run, "z"), returned("z"), finished("z"), interrupted("z", "q")];
    for record in records {
        assert_eq!(run.apply(record).unwrap_err().kind(), ErrorKind::IllegalRecord);
    }
}

#[test]
fn an_answer_that_can_not_stand_in_a_history_is_refused() {
    let run = run_of([started()]);
    let twice = asks([("a", "n", json!({})), ("a", "n", json!({}))]);
    let as_user = Message { role: Role::User, ..asks([("a", "n", json!({}))]) };
    for message in [twice, as_user, Message::user("x")] {
        let mut changed = run.clone();
        let error = changed.apply(answered(message)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IllegalRecord);
        assert_eq!(changed, run);
    }
}

#[test]
fn a_prompt_that_can_not_stand_in_a_history_is_refused() {
    let messages = vec![asks([("a", "n", json!({}))])];
    let open = Record::InvocationStarted { messages, state: Default::default() };
    assert!(Run::new("run").apply(open).is_err());
    let messages = vec![asks([("a", "n", json!({}))])];
    assert!(Run::new("run").apply(Record::HistoryAdopted { messages }).is_err());
}

#[test]
fn a_run_with_a_history_adopts_no_other() {
    let mut history = Transcript::new();
    history.push(Message::user("before")).unwrap();
    let mut run = Run::with_history("run", history);
    let messages = vec![Message::user("another")];
    assert!(run.apply(Record::HistoryAdopted { messages }).is_err());
}

#[test]
fn the_turn_stands_in_the_history_only_when_it_is_whole() {
    let mut run = with_uses(&["a", "b"]);
    assert_eq!(run.transcript().len(), 1);
    apply(&mut run, [finished("b"), finished("a")]);
    assert_eq!(run.transcript().len(), 1);
    assert_eq!(runnable(&run), Vec::<String>::new());
    run.apply(tools_finished()).unwrap();
    let ids: Vec<_> = run.transcript()[2].results().map(|r| r.tool_use_id.clone()).collect();
    assert_eq!(ids, ["a", "b"], "results come in the order of the request");
    assert!(matches!(run.next(), Step::Model));
}

#[test]
fn names_that_are_none_and_input_that_is_no_json_never_come_up_to_run() {
    let uses = asks([("a", "rm -rf", json!({})), ("b", "n", json!({})), ("c", "", json!({}))]);
    let malformed =
        vec![MalformedInput { tool_use_id: "b".into(), raw: "{".into(), error: "EOF".into() }];
    let turn = ModelTurn { malformed, ..turn(uses) };
    let run = run_of([
        started(),
        Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
    ]);
    assert_eq!(runnable(&run), Vec::<String>::new());
    let texts: Vec<String> = run
        .calls()
        .iter()
        .map(|call| match &call.state {
            CallState::Finished { result, finish: Finish::NotRun } => result.text(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts[0], "Error: tool_name=<rm -rf> | invalid tool name pattern");
    assert!(texts[1].contains("not valid JSON (EOF)") && texts[1].ends_with("{"), "{}", texts[1]);
    assert_eq!(texts[2], "Error: tool name missing");
}

#[test]
fn what_can_run_runs_while_others_wait() {
    let mut run = with_uses(&["a", "b"]);
    run.apply(interrupted("a", "q")).unwrap();
    assert_eq!(runnable(&run), ["b"]);
    run.apply(finished("b")).unwrap();
    assert!(run.is_waiting());
    run.apply(answers([("a:q", json!(false))])).unwrap();
    assert_eq!(runnable(&run), ["a"]);
}

#[test]
fn a_question_about_the_batch_holds_all_of_it() {
    let mut run = with_uses(&["a", "b"]);
    let interrupts = vec![Interrupt::new("batch:q", "q", json!(null))];
    run.apply(Record::Interrupted { site: Site::Batch, interrupts, terms: Default::default() })
        .unwrap();
    assert!(run.is_waiting());
    run.apply(answers([("batch:q", json!(1))])).unwrap();
    assert_eq!(runnable(&run), ["a", "b"]);
}

#[test]
fn a_use_that_has_its_result_asks_nothing_any_more() {
    let mut run = with_uses(&["a"]);
    apply(&mut run, [interrupted("a", "q"), finished("a")]);
    assert_eq!(run.open_interrupts(), []);
    assert_eq!(runnable(&run), Vec::<String>::new());
}

#[test]
fn records_of_calls_that_run_together_come_in_any_order() {
    let run = with_uses(&["a", "b", "c"]);
    let records = [interrupted("a", "q"), finished("b"), claimed(&run, "c"), interrupted("c", "q")];
    let orders = [[0, 1, 2, 3], [2, 3, 1, 0], [1, 2, 0, 3], [2, 0, 3, 1], [2, 1, 3, 0]];
    let mut ends = orders.iter().map(|order| {
        let mut run = run.clone();
        apply(&mut run, order.map(|at| records[at].clone()));
        run
    });
    let first = ends.next().unwrap();
    let names: Vec<String> = first.open_interrupts().into_iter().map(|asked| asked.id).collect();
    assert_eq!(names, ["a:q", "c:q"], "in the order of the request");
    for end in ends {
        assert_eq!(end, first);
    }
}

#[test]
fn answers_are_taken_all_or_none() {
    let mut run = with_uses(&["a", "b"]);
    apply(&mut run, [interrupted("a", "q"), interrupted("b", "q")]);
    let good = ("a:q", json!(true));
    for (wrong, words) in [
        (vec![], "no answer was given"),
        (vec![good.clone(), ("z", json!(true))], "no interrupt found"),
        (vec![good.clone(), ("b:q", json!(null))], "null is no answer"),
        (vec![good.clone(), good.clone()], "two answers"),
    ] {
        let mut changed = run.clone();
        let error = changed.apply(answers(wrong)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupt);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(changed, run);
    }
    run.apply(answers([good.clone()])).unwrap();
    let error = run.apply(answers([good])).unwrap_err();
    assert!(error.to_string().contains("answered already"), "{error}");
}

#[test]
fn a_question_put_again_stands_in_the_place_of_its_answer() {
    let mut run = with_uses(&["a"]);
    apply(
        &mut run,
        [interrupted("a", "q"), answers([("a:q", json!("misfit"))]), interrupted("a", "q")],
    );
    assert_eq!(run.open_interrupts().len(), 1);
    assert!(run.is_waiting());
}

#[test]
fn what_was_given_up_says_whether_it_may_have_run() {
    let texts = |end: Record| -> Vec<String> {
        let mut run = with_uses(&["a", "b", "c", "d"]);
        let claims = ["b", "c"].map(|id| claimed(&run, id));
        apply(&mut run, claims);
        apply(&mut run, [returned("c"), finished("d"), end]);
        run.transcript()[2].results().map(ToolResult::text).collect()
    };
    for (end, not_run) in [
        (cancelled(), "Tool execution cancelled"),
        (Record::Abandoned, "Tool was interrupted."),
        (Record::Denied { text: "no".into() }, "Tool was interrupted."),
    ] {
        let texts = texts(end);
        assert_eq!(texts[0], not_run);
        assert!(texts[1].contains("outcome of this call is unknown"), "{}", texts[1]);
        assert_eq!(&texts[2..], ["returned", "finished"]);
    }
}

#[test]
fn a_cancel_of_tools_ends_with_the_message_that_asked_for_them() {
    let mut run = with_uses(&["a"]);
    run.apply(cancelled()).unwrap();
    let Step::Finish(outcome) = run.next() else { panic!() };
    assert_eq!(outcome.stop_reason, StopReason::Cancelled);
    assert_eq!(outcome.message.tool_uses().count(), 1);
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

#[test]
fn a_run_or_record_of_a_newer_format_is_refused() {
    let mut json = serde_json::to_value(with_uses(&["a"])).unwrap();
    json["version"] = json!(FORMAT_VERSION + 1);
    let error = serde_json::from_value::<Run>(json).unwrap_err();
    assert!(error.to_string().contains("use a newer one"), "{error}");
    assert!(Run::check_version(FORMAT_VERSION).is_ok());
    let error = Run::check_version(FORMAT_VERSION + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let record = json!({"type": "of_tomorrow"});
    assert!(serde_json::from_value::<Record>(record).is_err());
}

#[test]
fn a_record_says_what_it_is_first_and_is_read_wherever_it_says_it() {
    let record = finished("a");
    let json = serde_json::to_string(&record).unwrap();
    let fields =
        json.strip_prefix(r#"{"type":"tool_finished","#).unwrap().strip_suffix('}').unwrap();
    for json in [json.clone(), format!(r#"{{{fields},"t\u0079pe":"tool_finished","new":[1]}}"#)] {
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record, "{json}");
    }
    assert_eq!(serde_json::to_string(&Record::Abandoned).unwrap(), r#"{"type":"abandoned"}"#);
    for json in [r#"{"type":"abandoned","new":{"a":1}}"#, r#"{"new":1,"type":"abandoned"}"#] {
        assert_eq!(serde_json::from_str::<Record>(json).unwrap(), Record::Abandoned, "{json}");
    }
}

#[test]
fn what_is_no_record_is_refused_with_the_reason() {
    for (json, reason) in [
        (r#"{"text":"hello"}"#, "missing field `type`"),
        (r#"{"type":"denied"}"#, "missing field `text`"),
        (r#"{"text":7,"type":"denied"}"#, "invalid type: integer `7`, expected a string"),
        (r#"{"type":"denied","text":7}"#, "invalid type: integer `7`, expected a string"),
        (r#"{"type":7}"#, "invalid type: integer `7`"),
        (r#"{"type":"gone"}"#, "unknown variant `gone`, expected one of `history_adopted`"),
        (r#"["denied"]"#, "expected an object that says what it is as its `type`"),
        (r#"{"type":"denied","text":"a""#, "EOF while parsing an object"),
        (r#"{"type":"denied","text":"a","type":"abandoned"}"#, "duplicate field `type`"),
        (r#"{"text":"a","type":"denied","type":"denied"}"#, "duplicate field `type`"),
        (r#"{"type":"denied","text":"a","text":"b"}"#, "duplicate field `text`"),
        (r#"{"text":"a","text":"b","type":"denied"}"#, "duplicate field `text`"),
        (r#"{"text":"a","type":"denied","text":"b"}"#, "duplicate field `text`"),
    ] {
        let error = serde_json::from_str::<Record>(json).unwrap_err().to_string();
        assert!(error.contains(reason), "{json}: {error}");
    }
}

#[test]
fn keys_differ_by_run_invocation_cycle_and_use_and_are_the_same_each_time() {
    let key = |run: &Run| run.idempotency_key("a");
    let mut run = with_uses(&["a"]);
    let mut keys = vec![key(&run)];
    assert_eq!(key(&run.clone()), keys[0]);
    assert_ne!(run.idempotency_key("b"), keys[0]);
    apply(&mut run, [finished("a"), tools_finished(), answered(asks([("a", "n", json!({}))]))]);
    keys.push(key(&run));
    apply(&mut run, [Record::Abandoned, started(), answered(asks([("a", "n", json!({}))]))]);
    keys.push(key(&run));
    let records = [started(), answered(asks([("a", "n", json!({}))]))];
    keys.push(key(&Run::new("other").replay(records).unwrap()));
    let unique: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "{keys:?}");
}

/// Chooses by a list of random numbers.
struct Dice(std::vec::IntoIter<u16>);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % sides
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())].clone()
    }
}

/// An edit of the history that fits, if chance finds one.
fn edit(run: &Run, dice: &mut Dice) -> Option<Record> {
    let length = run.transcript().len();
    let mut edit = TranscriptEdit::new();
    for _ in 0..1 + dice.roll(2) {
        let from = dice.roll(length + 1);
        let to = (from + dice.roll(4)).min(length);
        let new = (0..dice.roll(3)).map(|_| Message::user("new"));
        edit = edit.replace(from..to, new);
    }
    let state = json!({"edits": dice.roll(9)});
    let manager = (dice.roll(2) == 0).then(|| ManagerState { name: "m".into(), state });
    let record =
        Record::HistoryEdited { edit, manager: manager.map(Box::new), usage: Usage::new(1, 0) };
    run.check(&record).is_ok().then_some(record)
}

/// A record that fits the run as it stands.
fn legal_record(run: &Run, dice: &mut Dice) -> Record {
    let step = run.next();
    if dice.roll(8) == 0
        && let Some(record) = edit(run, dice)
    {
        return record;
    }
    if dice.roll(8) == 0 && run.check(&Record::PromptWithdrawn).is_ok() {
        return Record::PromptWithdrawn;
    }
    if let Some(site) = somewhere(run, dice)
        && dice.roll(6) == 0
    {
        let id = dice.pick(&["x:1", "x:2"]);
        let interrupts = vec![Interrupt::new(format!("{site:?}{id}"), "q", json!(null))];
        return Record::Interrupted { site, interrupts, terms: Default::default() };
    }
    if dice.roll(20) == 0 {
        return Record::Settled {
            site: dice.pick(&[Site::BeforeInvocation, Site::AfterModelCall]),
        };
    }
    match step {
        Step::Idle => {
            let tool_turn = vec![
                asks([("h", "n", json!({}))]),
                Message::tool_results([ToolResult::success("h", "old")]),
            ];
            let messages = dice.pick(&[vec![], vec![Message::user("q")], tool_turn]);
            match run.applied() {
                0 if dice.roll(4) == 0 => Record::HistoryAdopted { messages },
                _ if dice.roll(4) == 0 => Record::PromptHeld { messages, state: state() },
                _ => Record::InvocationStarted { messages, state: Default::default() },
            }
        }
        Step::Begin(messages) => match dice.roll(4) {
            0 => Record::Abandoned,
            1 => Record::StateChanged { state: state() },
            _ => Record::InvocationStarted { messages: messages.to_vec(), state: state() },
        },
        Step::Answer(held) => match (dice.roll(3), held) {
            (0, _) => Record::AnswerDropped { usage: Usage::new(1, 1) },
            (1, HeldAnswer::Answered(turn)) => {
                Record::ModelAnswered { turn: turn.clone(), discarded: Usage::default() }
            }
            _ => cancelled(),
        },
        Step::Finish(_) => dice.pick(&[Record::InvocationEnded, Record::Abandoned]),
        Step::Output(_) => match dice.roll(6) {
            0 => Record::OutputFound { value: json!({"x": 1}) },
            1 => Record::OutputForced { messages: vec![Message::user("give")], problem: None },
            2 => Record::OutputForced { messages: vec![], problem: Some("wrong".into()) },
            3 => Record::OutputFailed { problem: "none".into() },
            4 => Record::Denied { text: "no".into() },
            _ => cancelled(),
        },
        Step::Model => match dice.roll(13) {
            11 | 12 if run.output().is_none() => output_asked(),
            8 => Record::GuidanceAdded { messages: vec![Message::user("mind this")] },
            9 => Record::AnswerHeld {
                held: dice.pick(&[
                    HeldAnswer::Answered(Box::new(turn(asks([("a", "n", json!({}))])))),
                    HeldAnswer::Failed {
                        kind: ErrorKind::Unavailable,
                        message: "away".into(),
                        retry_after_ms: Some(5),
                    },
                ]),
            },
            10 => Record::AnswerDropped { usage: Usage::new(1, 1) },
            0 => cancelled(),
            1 => Record::Denied { text: "no".into() },
            2 => Record::Abandoned,
            3 => answered(Message::assistant("x")),
            _ => tool_answer(dice),
        },
        Step::Wait(_) if run.calls().is_empty() => answer_some(run, dice),
        Step::Tools(_) | Step::Wait(_) => tool_record(run, dice),
    }
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

fn state() -> serde_json::Map<String, serde_json::Value> {
    [("user".to_owned(), json!("alice"))].into_iter().collect()
}

/// A place, apart from tool calls, from which a question can be asked now.
fn somewhere(run: &Run, dice: &mut Dice) -> Option<Site> {
    let last = run.transcript().len().checked_sub(1);
    let message = last.map(|index| Site::MessageAdded { index });
    let at = match run.next() {
        Step::Idle => vec![Some(Site::AgentInitialized)],
        Step::Begin(_) => vec![Some(Site::BeforeInvocation)],
        Step::Model => vec![Some(Site::BeforeModelCall), Some(Site::BeforeInvocation), message],
        Step::Answer(_) => vec![Some(Site::AfterModelCall)],
        Step::Output(_) => vec![message],
        Step::Tools(calls) if calls.is_empty() => vec![Some(Site::AfterTools)],
        Step::Tools(_) => vec![Some(Site::Batch)],
        Step::Finish(_) => vec![Some(Site::AfterInvocation), message],
        Step::Wait(_) => vec![None],
    };
    dice.pick(&at)
}

fn answer_some(run: &Run, dice: &mut Dice) -> Record {
    let open = run.open_interrupts();
    let first = dice.roll(open.len());
    let count = 1 + dice.roll(open.len());
    let some = (0..count).map(|at| &open[(first + at) % open.len()]);
    let response = dice.pick(&[json!(true), json!(false), json!(0), json!("")]);
    let responses = some.map(|interrupt| interrupt.answer(response.clone())).collect();
    Record::Answered { responses, by: None }
}

fn tool_answer(dice: &mut Dice) -> Record {
    let ids = &["a", "b", "c", "d"][..=dice.roll(4)];
    let uses: Vec<(&str, &str, serde_json::Value)> =
        ids.iter().map(|id| (*id, dice.pick(&["n", "n", "n", "not a name"]), json!({}))).collect();
    let malformed = (dice.roll(4) == 0).then(|| MalformedInput {
        tool_use_id: "a".into(),
        raw: "{".into(),
        error: "EOF".into(),
    });
    let redact_user = (dice.roll(6) == 0).then(|| "[gone]".to_owned());
    let turn =
        ModelTurn { malformed: malformed.into_iter().collect(), redact_user, ..turn(asks(uses)) };
    let discarded = dice.pick(&[Usage::default(), Usage::new(1, 2)]);
    Record::ModelAnswered { turn: turn.into(), discarded }
}

fn tool_record(run: &Run, dice: &mut Dice) -> Record {
    let open = run.open_interrupts();
    if !open.is_empty() && dice.roll(2) == 0 {
        return answer_some(run, dice);
    }
    match dice.roll(24) {
        0 => return cancelled(),
        1 => return Record::Denied { text: "no".into() },
        2 => return Record::Abandoned,
        _ => {}
    }
    let unfinished = match run.next() {
        Step::Tools(calls) => calls,
        _ => return answer_some(run, dice),
    };
    if unfinished.is_empty() {
        let end_turn = (dice.roll(4) == 0).then(|| vec!["that's all".into()]);
        return Record::ToolsFinished { end_turn, stop: dice.roll(5) == 0 };
    }
    let call = dice.pick(&unfinished);
    let id = &call.tool_use.tool_use_id;
    match (dice.roll(7), &call.state) {
        (4, _) => Record::ToolHeld {
            result: ToolResult::success(id, "held"),
            finish: Finish::Ran,
            report: Box::default(),
        },
        (5, CallState::Held { .. }) => Record::Interrupted {
            site: Site::after_call(id),
            interrupts: vec![Interrupt::new(format!("after:{id}"), "q", json!(null))],
            terms: Default::default(),
        },
        (6, _) => Record::ToolRetried { tool_use_id: id.clone() },
        (0, _) => interrupted(id, dice.pick(&["q", "r"])),
        (1 | 2, CallState::Claimed(_)) => returned(id),
        (1 | 2, CallState::Pending) => claimed(run, id),
        (_, _) => finished(id),
    }
}

/// The shortest way to an end, as a driver would go it.
fn next_on_the_way_home(run: &Run) -> Option<Record> {
    Some(match run.next() {
        Step::Idle => return None,
        Step::Begin(messages) => {
            Record::InvocationStarted { messages: messages.to_vec(), state: Default::default() }
        }
        Step::Answer(_) => Record::AnswerDropped { usage: Usage::default() },
        Step::Model => answered(Message::assistant("home")),
        Step::Output(_) => Record::OutputFailed { problem: "none".into() },
        Step::Finish(_) => Record::InvocationEnded,
        Step::Wait(questions) => Record::Answered {
            responses: questions.into_iter().map(|question| question.answer(true)).collect(),
            by: None,
        },
        Step::Tools(calls) => match calls.first() {
            Some(call) => finished(&call.tool_use.tool_use_id),
            None => tools_finished(),
        },
    })
}

/// What holds in every state of every run.
fn check_invariants(run: &Run) {
    common::assert_valid(run.transcript());
    for (at, message) in run.transcript().iter().enumerate() {
        let uses: Vec<&String> = message.tool_uses().map(|u| &u.tool_use_id).collect();
        if !uses.is_empty() {
            let results: Vec<&String> =
                run.transcript()[at + 1].results().map(|r| &r.tool_use_id).collect();
            assert_eq!(uses, results, "one result for each use, in the order of the request");
        }
    }
    let json = serde_json::to_string(run).unwrap();
    assert_eq!(&serde_json::from_str::<Run>(&json).unwrap(), run);
    // Nothing can run and wait at once; and nothing stands still without a question.
    match run.next() {
        Step::Wait(questions) => {
            assert!(!questions.is_empty() && questions.iter().all(|q| !q.is_answered()));
        }
        Step::Tools(calls) => assert!(calls.iter().all(|call| !call.is_finished())),
        Step::Output(outcome) => {
            // It is missing: nothing that has it stands here.
            let output = run.output().unwrap();
            assert_eq!(output.value, None);
            let tried = outcome.stop_reason == StopReason::ToolUse;
            assert!(!tried || output.failures > output.spec.corrections);
        }
        Step::Idle | Step::Begin(_) | Step::Model | Step::Answer(_) | Step::Finish(_) => {
            assert_eq!(run.open_interrupts(), []);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_run_stays_whole(numbers in prop::collection::vec(any::<u16>(), 0..160)) {
        let mut dice = Dice(numbers.into_iter());
        let mut run = Run::new("run");
        let mut records = Vec::new();
        let mut states = vec![run.clone()];
        let mut keys: HashMap<String, (u64, u32, String)> = HashMap::new();
        let mut invocation = 0;
        while dice.0.len() > 0 {
            let record = legal_record(&run, &mut dice);
            // A record that does not fit changes nothing, and `check` says the same as `apply`.
            for (name, other) in one_of_each() {
                let mut changed = run.clone();
                let fits = run.check(&other).is_ok();
                assert_eq!(changed.apply(other).is_ok(), fits, "{name}");
                assert!(fits || changed == run, "{name} changed something");
            }
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
            match &record {
                Record::InvocationStarted { .. } => invocation += 1,
                Record::ToolClaimed { tool_use_id, claim } => {
                    let call = (invocation, run.cycles(), tool_use_id.clone());
                    let known = keys.entry(claim.key.clone()).or_insert_with(|| call.clone());
                    assert_eq!(known, &call, "one key for two calls");
                }
                _ => {}
            }
            run.apply(record.clone()).unwrap();
            check_invariants(&run);
            records.push(record);
            states.push(run.clone());
        }
        for (at, state) in states.iter().enumerate() {
            let replayed = Run::new("run").replay(records[..at].iter().cloned()).unwrap();
            assert_eq!(&replayed, state, "replay of the first {at} records");
        }
        let mut steps = 0;
        while let Some(record) = next_on_the_way_home(&run) {
            run.apply(record).unwrap();
            check_invariants(&run);
            steps += 1;
            assert!(steps < 30, "no way home from {run:?}");
        }
    }
}
