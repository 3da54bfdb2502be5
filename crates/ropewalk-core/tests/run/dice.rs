//! Records that fit a run as it stands, chosen by chance.

use super::*;

/// Chooses by a list of random numbers.
pub(super) struct Dice(pub(super) std::vec::IntoIter<u16>);

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
pub(super) fn legal_record(run: &Run, dice: &mut Dice) -> Record {
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
