//! Which records fit where.

use super::batch::{Batch, CallState};
use super::held::HeldAnswer;
use super::record::Record;
use super::site::Site;
use super::{Phase, Run};
use crate::error::{Error, ErrorKind};
use crate::interrupt::Interrupt;
use crate::message::{InterruptResponse, Message, Role, Transcript, TranscriptError};

impl Run {
    /// Says whether a record fits the run as it stands, without changing it.
    ///
    /// # Errors
    /// [`ErrorKind::IllegalRecord`] if it does not; [`ErrorKind::Interrupt`] for answers that
    /// belong to no open question.
    pub fn check(&self, record: &Record) -> Result<(), Error> {
        match (record, &self.phase) {
            (Record::HistoryAdopted { messages }, Phase::Idle) if self.applied == 0 => {
                if self.transcript.is_empty() { well_formed(messages) } else { self.misfit(record) }
            }
            (Record::PromptHeld { messages, .. }, Phase::Idle)
            | (Record::InvocationStarted { messages, .. }, Phase::Idle | Phase::Held { .. })
            | (Record::GuidanceAdded { messages }, Phase::Model) => well_formed(messages),
            (Record::OutputAsked { .. }, phase)
                if self.output.is_none() && !matches!(phase, Phase::Idle | Phase::Ended(_)) =>
            {
                Ok(())
            }
            (Record::OutputForced { messages, .. }, Phase::Output(_)) => well_formed(messages),
            (Record::OutputFound { .. } | Record::OutputFailed { .. }, Phase::Output(_)) => Ok(()),
            (Record::AgentStateChanged { .. }, _) => Ok(()),
            (Record::TokenGiven { token, prompt }, phase) if !matches!(phase, Phase::Idle) => {
                let known = self.tokens.get(token);
                let other = known.is_some_and(|known| known.prompt != *prompt);
                if other { self.misfit(record) } else { Ok(()) }
            }
            (Record::PromptJoined { content }, Phase::Model)
                if self.cycles == 0 && self.joined == 0 && self.joins() =>
            {
                well_formed(&[Message::new(Role::User, content.clone())])
            }
            (Record::SnapshotLoaded { restored }, _) => self.with_restored(restored).map(drop),
            (
                Record::StateChanged { .. }
                | Record::LimitsSet { .. }
                | Record::CostSpent { .. }
                | Record::TimeSpent { .. },
                phase,
            ) if !matches!(phase, Phase::Idle) => Ok(()),
            (Record::ModelAnswered { turn, .. }, Phase::Model | Phase::Answer(_))
                if self.open().next().is_none() =>
            {
                check_answer(&turn.message)
            }
            (Record::AnswerHeld { held }, Phase::Model) => match held {
                HeldAnswer::Answered(turn) => check_answer(&turn.message),
                HeldAnswer::Failed { .. } => Ok(()),
            },
            (
                Record::AnswerDropped { .. } | Record::TokensSpent { .. },
                Phase::Model | Phase::Answer(_),
            )
            | (Record::TokensSpent { .. }, Phase::Idle) => Ok(()),
            (Record::ToolClaimed { tool_use_id, .. }, Phase::Tools(batch)) => {
                // Nothing runs while a question about it waits.
                if self
                    .open()
                    .any(|asked| asked.site.tool_use_id().is_none_or(|id| id == tool_use_id))
                {
                    return self.misfit(record);
                }
                self.call_not_finished(record, batch, tool_use_id)
            }
            (Record::ToolReturned { result }, Phase::Tools(batch)) => {
                match batch.call(&result.tool_use_id).map(|call| &call.state) {
                    Some(CallState::Claimed(_)) => Ok(()),
                    _ => self.misfit(record),
                }
            }
            (
                Record::ToolFinished { result, .. } | Record::ToolHeld { result, .. },
                Phase::Tools(batch),
            ) => self.call_not_finished(record, batch, &result.tool_use_id),
            (Record::ToolRetried { tool_use_id }, Phase::Tools(batch)) => {
                self.call_not_finished(record, batch, tool_use_id)
            }
            (Record::Interrupted { site, interrupts, .. }, _) => {
                if interrupts.is_empty() || interrupts.iter().any(|asked| asked.is_answered()) {
                    return self.misfit(record);
                }
                self.check_site(record, site)?;
                self.check_ids(site, interrupts)
            }
            (Record::Answered { responses, by }, _) => self.check_answers(responses, by.as_deref()),
            (Record::Expired { interrupt_ids } | Record::ExpiryAnnounced { interrupt_ids }, _) => {
                let open = |id: &String| self.open().any(|question| question.interrupt.id == *id);
                if interrupt_ids.iter().all(open) { Ok(()) } else { self.misfit(record) }
            }
            (Record::Settled { .. } | Record::Decided { .. }, _) => Ok(()),
            (Record::HistoryEdited { edit, .. }, _) => self.check_edit(record, edit),
            (Record::ToolsFinished { end_turn, .. }, Phase::Tools(batch))
                if batch.calls.iter().all(|call| call.is_finished()) =>
            {
                match end_turn {
                    None => Ok(()),
                    Some(blocks) => last_word(&Message::new(Role::Assistant, blocks.clone())),
                }
            }
            (
                Record::Cancelled { .. } | Record::Denied { .. } | Record::LimitReached { .. },
                Phase::Model | Phase::Answer(_) | Phase::Tools(_) | Phase::Output(_),
            ) => Ok(()),
            (Record::Abandoned, phase) if !matches!(phase, Phase::Idle) => Ok(()),
            (Record::PromptWithdrawn, Phase::Model) if self.cycles == 0 => Ok(()),
            (Record::InvocationEnded, Phase::Ended(_)) => Ok(()),
            _ => self.misfit(record),
        }
    }

    /// True if the message before the current prompt is one of tool results.
    fn joins(&self) -> bool {
        let before = self.started_at.checked_sub(1).and_then(|at| self.transcript.get(at));
        before.is_some_and(|before| before.results().next().is_some())
    }

    fn call_not_finished(&self, record: &Record, batch: &Batch, id: &str) -> Result<(), Error> {
        match batch.call(id) {
            Some(call) if !call.is_finished() => Ok(()),
            _ => self.misfit(record),
        }
    }

    /// What is asked from there can be asked now.
    fn check_site(&self, record: &Record, site: &Site) -> Result<(), Error> {
        let fits = match (site, &self.phase) {
            (Site::AgentInitialized, _) => true,
            (Site::BeforeInvocation, phase) => !matches!(phase, Phase::Idle),
            (Site::AfterInvocation, phase) => !matches!(phase, Phase::Idle | Phase::Held { .. }),
            (Site::MessageAdded { index }, Phase::Tools(_)) => *index <= self.transcript.len(),
            (Site::MessageAdded { index }, _) => *index < self.transcript.len(),
            (Site::BeforeModelCall, Phase::Model) | (Site::AfterModelCall, Phase::Answer(_)) => {
                true
            }
            (Site::Batch | Site::AfterTools, Phase::Tools(_)) => true,
            (Site::Call { tool_use_id } | Site::AfterCall { tool_use_id }, Phase::Tools(batch)) => {
                return self.call_not_finished(record, batch, tool_use_id);
            }
            _ => false,
        };
        if fits { Ok(()) } else { self.misfit(record) }
    }

    /// No two questions that wait share an id: an answer must belong to one.
    fn check_ids(&self, site: &Site, interrupts: &[Interrupt]) -> Result<(), Error> {
        for (at, asked) in interrupts.iter().enumerate() {
            let id = &asked.id;
            let elsewhere =
                self.open().any(|other| other.interrupt.id == *id && other.site != *site);
            if elsewhere || interrupts[..at].iter().any(|other| other.id == *id) {
                let text = format!("interrupt_id=<{id}> | another open question has this id");
                return Err(Error::new(ErrorKind::Interrupt, text));
            }
        }
        Ok(())
    }

    /// All answers belong to open questions, each to one, none is null, and whoever gives them may.
    fn check_answers(
        &self,
        responses: &[InterruptResponse],
        by: Option<&str>,
    ) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::new(ErrorKind::Interrupt, text));
        if self.open().next().is_none() && self.questions.is_empty() {
            return refuse(
                "there is no open question: send a prompt instead of answers".to_owned(),
            );
        }
        if responses.is_empty() {
            return refuse("no answer was given: answer at least one open question".to_owned());
        }
        for (at, response) in responses.iter().enumerate() {
            let id = &response.interrupt_id;
            // One that waits goes before one of the same id that does not.
            let same = || self.questions.iter().filter(|question| question.interrupt.id == *id);
            let known = same().find(|question| question.is_open()).or_else(|| same().next());
            let question = match known {
                None => return refuse(format!("interrupt_id=<{id}> | no interrupt found")),
                Some(question) if question.expired => {
                    return refuse(format!("interrupt_id=<{id}> | nobody answered it in time"));
                }
                Some(question) if !question.is_open() => {
                    return refuse(format!("interrupt_id=<{id}> | was answered already"));
                }
                Some(question) => question,
            };
            if response.response.is_null() {
                return refuse(format!(
                    "interrupt_id=<{id}> | null is no answer: give another value"
                ));
            }
            if responses[..at].iter().any(|other| other.interrupt_id == *id) {
                return refuse(format!("interrupt_id=<{id}> | two answers for one question"));
            }
            let approvers = question.terms.as_ref().map_or(&[][..], |terms| &terms.approvers);
            if !approvers.is_empty()
                && !by.is_some_and(|by| approvers.iter().any(|name| name == by))
            {
                return refuse(format!(
                    "interrupt_id=<{id}> | only {} may answer, not {}",
                    approvers.join(", "),
                    by.unwrap_or("somebody unnamed (see `Invocation::answered_by`)"),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn misfit<T>(&self, record: &Record) -> Result<T, Error> {
        let phase = match &self.phase {
            Phase::Idle => "nothing is under way",
            Phase::Held { .. } => "an invocation waits to begin",
            Phase::Model => "the model is to be asked",
            Phase::Answer(_) => "the model's answer waits to count",
            Phase::Tools(_) => "tools are under way",
            Phase::Output(_) => "the value asked for is missing",
            Phase::Ended(_) => "the invocation has ended",
        };
        Err(Error::new(
            ErrorKind::IllegalRecord,
            format!("the record does not fit the run, in which {phase}: {record:?}"),
        ))
    }
}

/// The model's answer can stand in a history, with a result for each of its tool uses.
fn check_answer(message: &Message) -> Result<(), Error> {
    let ids = || message.tool_uses().map(|tool_use| &*tool_use.tool_use_id);
    if ids().next().is_none() {
        return last_word(message);
    }
    if let Some((_, twice)) = ids().enumerate().find(|(at, id)| ids().take(*at).any(|x| x == *id)) {
        let text = format!("the answer holds two tool uses with the id `{twice}`");
        return Err(Error::new(ErrorKind::IllegalRecord, text));
    }
    Transcript::check_asking(message).map_err(illegal)
}

/// A message that ends an invocation: the assistant's, without tool uses.
fn last_word(message: &Message) -> Result<(), Error> {
    if message.role != Role::Assistant {
        let text = "the answer of a model must have the role `assistant`";
        return Err(Error::new(ErrorKind::IllegalRecord, text));
    }
    Transcript::check([message]).map_err(illegal)
}

fn well_formed(messages: &[Message]) -> Result<(), Error> {
    Transcript::check(messages).map_err(illegal)
}

pub(super) fn illegal(error: TranscriptError) -> Error {
    Error::new(ErrorKind::IllegalRecord, error.to_string()).with_source(error)
}
