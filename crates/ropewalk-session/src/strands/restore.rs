//! What stands in Strands' files, as records of a run.

use std::sync::Arc;

use ropewalk_core::{
    Error, ErrorKind, Finish, Interrupt, InterruptResponse, ManagerState, Message, ModelTurn,
    Record, Repair, Role, Run, Site, Step, StopReason, Transcript, TranscriptEdit,
};
use serde_json::{Map, Value};

use super::record::{AgentRecord, InterruptState, ManagerRecord, Pending};

/// How the ids of questions begin that an agent asks which is a tool of this one.
const SUB_AGENT: &str = "v1:agent_as_tool:";

/// A conversation taken over.
pub(super) struct Restoration {
    /// The run as it stands now.
    pub(super) run: Run,
    /// What brought it there.
    pub(super) records: Vec<Record>,
    /// What had to be mended.
    pub(super) repairs: Vec<Repair>,
}

/// Puts what Strands kept of an agent in the place of what a run has. `messages` are those that Strands
/// would show, without the summary that stands before them.
pub(super) fn restore(
    run: Run,
    agent: &AgentRecord,
    messages: Vec<Message>,
) -> Result<Restoration, Error> {
    let manager = &agent.conversation_manager_state;
    let mut history: Vec<Message> =
        manager.summary().cloned().into_iter().chain(messages).collect();
    let asked = agent.internal_state.interrupt_state.as_ref().filter(|state| state.activated);
    let pending = asked.and_then(InterruptState::pending);
    let waiting = take_pending(&mut history, pending);
    // Questions about calls whose results stand in the history already are older than it.
    let asked = asked.filter(|state| waiting.is_some() || state.pending().is_none());
    if asked.is_some_and(|state| state.interrupts.keys().any(|id| id.starts_with(SUB_AGENT))) {
        let text = "an agent that is a tool of this one waits for an answer, and what it has done is known to Strands only: answer it there first";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let (mut history, repairs) = mended(history);
    let turn = if asked.is_some() { history.split_off(last_prompt(&history)) } else { Vec::new() };

    let mut restored = Restoration { run, records: Vec::new(), repairs };
    restored.give_up()?;
    restored.replace(&history, manager, &agent.state)?;
    if let Some(asked) = asked {
        restored.add(Record::InvocationStarted { messages: turn, state: Map::new() })?;
        restored.take_up(waiting, asked)?;
    }
    Ok(restored)
}

impl Restoration {
    fn add(&mut self, record: Record) -> Result<(), Error> {
        self.run.apply(record.clone()).map_err(|error| {
            let text = format!("the agent that Strands kept can't be taken over: {error}");
            Error::new(ErrorKind::Journal, text).with_source(error)
        })?;
        self.records.push(record);
        Ok(())
    }

    /// Ends what is under way: Strands has gone on without it.
    fn give_up(&mut self) -> Result<(), Error> {
        match self.run.next() {
            Step::Idle => Ok(()),
            Step::Finish(_) => self.add(Record::InvocationEnded),
            _ if self.run.is_idle() => Ok(()),
            _ => self.add(Record::Abandoned),
        }
    }

    /// Puts the history and the states in place. What is the same already is not recorded again.
    fn replace(
        &mut self,
        history: &[Message],
        manager: &ManagerRecord,
        state: &Map<String, Value>,
    ) -> Result<(), Error> {
        let edit = difference(self.run.transcript(), history);
        let earlier = self.run.manager_state();
        let manager = manager_state(manager, earlier).filter(|kept| earlier != Some(kept));
        // The first record of all says that there is a history here, if there is nothing else to say.
        if self.run.applied() == 0 || !edit.is_empty() || manager.is_some() {
            self.add(Record::HistoryEdited {
                edit,
                manager: manager.map(Box::new),
                usage: Default::default(),
            })?;
        }
        let before = self.run.agent_state();
        let is_new = |(key, value): &(&String, &Value)| before.get(*key) != Some(*value);
        let set: Map<_, _> =
            state.iter().filter(is_new).map(|(k, v)| (k.clone(), v.clone())).collect();
        let deleted: Vec<_> =
            before.keys().filter(|key| !state.contains_key(*key)).cloned().collect();
        if !set.is_empty() || !deleted.is_empty() {
            self.add(Record::AgentStateChanged { set, deleted, keep: true })?;
        }
        Ok(())
    }

    /// The tool calls under way, those that have their results, and the questions.
    fn take_up(&mut self, waiting: Option<Pending>, asked: &InterruptState) -> Result<(), Error> {
        if let Some(Pending { assistant_message, completed_tool_results }) = waiting {
            let turn = ModelTurn {
                message: assistant_message,
                stop_reason: StopReason::ToolUse,
                usage: Default::default(),
                metrics: Default::default(),
                malformed: Vec::new(),
                redact_user: None,
            };
            self.add(Record::ModelAnswered { turn: turn.into(), discarded: Default::default() })?;
            for result in completed_tool_results {
                if self.is_open_call(&result.tool_use_id) {
                    self.add(Record::ToolFinished { result, finish: Finish::Ran })?;
                }
            }
        }
        let mut answers = Vec::new();
        for (id, interrupt) in &asked.interrupts {
            let Some(site) = self.site_of(id) else { continue };
            if interrupt.is_answered() {
                let response = interrupt.response.clone();
                answers.push(InterruptResponse { interrupt_id: id.clone(), response });
            }
            let Interrupt { name, reason, .. } = interrupt.clone();
            let interrupts = vec![Interrupt::new(id.as_str(), name, reason)];
            self.add(Record::Interrupted { site, interrupts, terms: Default::default() })?;
        }
        if !answers.is_empty() {
            self.add(Record::Answered { responses: answers, by: None })?;
        }
        Ok(())
    }

    fn is_open_call(&self, tool_use_id: &str) -> bool {
        let mut calls = self.run.calls().iter();
        calls.any(|call| call.tool_use.tool_use_id == tool_use_id && !call.is_finished())
    }

    /// Where a question was asked from. None if it was about a call that has its result. What can't be
    /// told keeps all that is under way.
    fn site_of(&self, id: &str) -> Option<Site> {
        if self.run.calls().is_empty() {
            return Some(Site::BeforeModelCall);
        }
        let about = self.run.calls().iter().filter(|call| is_about(id, &call.tool_use.tool_use_id));
        // An id may begin with another one and a colon.
        match about.max_by_key(|call| call.tool_use.tool_use_id.len()) {
            None => Some(Site::Batch),
            Some(call) if call.is_finished() => None,
            Some(call) => Some(Site::call(&call.tool_use.tool_use_id)),
        }
    }
}

/// The history with exactly one result for each tool use. One that has them stays as it is.
fn mended(history: Vec<Message>) -> (Vec<Message>, Vec<Repair>) {
    if Transcript::from_messages(history.iter().cloned()).is_ok() {
        return (history, Vec::new());
    }
    let (history, repairs) = Transcript::repair(history);
    (history.iter().map(|message| Message::clone(message)).collect(), repairs)
}

/// What makes one history of another: what is the same at both ends stays.
fn difference(from: &Transcript, to: &[Message]) -> TranscriptEdit {
    let same = |(one, other): &(&Arc<Message>, &Message)| ***one == **other;
    let begin = from.iter().zip(to).take_while(same).count();
    let (from_rest, to_rest) = (&from[begin..], &to[begin..]);
    let end = from_rest.iter().rev().zip(to_rest.iter().rev()).take_while(same).count();
    let new = to_rest[..to_rest.len() - end].iter().cloned();
    TranscriptEdit::new().replace(begin..from.len() - end, new)
}

/// True if an id was made for a tool call: `v1:<place>:<toolUseId>:<uuid>`.
fn is_about(id: &str, tool_use_id: &str) -> bool {
    let rest = id.strip_prefix("v1:").and_then(|rest| rest.split_once(':'));
    let about = rest.and_then(|(_, rest)| rest.strip_prefix(tool_use_id));
    about.is_some_and(|rest| rest.starts_with(':'))
}

/// The calls that wait, taken out of the history: a turn with tools enters a transcript whole. None if the
/// history does not end with them: it has gone on.
fn take_pending(history: &mut Vec<Message>, pending: Option<Pending>) -> Option<Pending> {
    let pending = pending?;
    let waits = |last: &Message| {
        let ids = |message: &Message| -> Vec<String> {
            message.tool_uses().map(|tool_use| tool_use.tool_use_id.clone()).collect()
        };
        let asked = ids(&pending.assistant_message);
        last.role == Role::Assistant && !asked.is_empty() && ids(last) == asked
    };
    if !history.last().is_some_and(waits) {
        tracing::warn!(
            "the questions that Strands kept are older than its history, and are left out"
        );
        return None;
    }
    history.pop();
    Some(pending)
}

/// The place of the last message that is the user's own.
fn last_prompt(history: &[Message]) -> usize {
    let is_prompt =
        |message: &Message| message.role == Role::User && message.results().next().is_none();
    history.iter().rposition(is_prompt).unwrap_or(history.len())
}

/// What our manager of the same name keeps: what Strands says of it, and what it kept here besides.
fn manager_state(manager: &ManagerRecord, earlier: Option<&ManagerState>) -> Option<ManagerState> {
    let name = manager.name.clone()?;
    let its_own = earlier.filter(|earlier| earlier.name == name).map(|earlier| &earlier.state);
    let mut state = its_own.and_then(Value::as_object).cloned().unwrap_or_default();
    state.insert("removed_message_count".to_owned(), manager.removed_message_count.into());
    if manager.is_summarizing() {
        state.insert("has_summary".to_owned(), manager.summary().is_some().into());
    }
    Some(ManagerState { name, state: state.into() })
}
