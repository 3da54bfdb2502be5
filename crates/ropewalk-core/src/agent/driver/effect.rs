//! Running a tool: the claim before, the outcome after.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Driver;
use super::body::Ending;
use super::call::Ended;
use crate::agent::AgentEvent;
use crate::error::{BoxError, Error, with_causes};
use crate::hook::{CallReport, raised_by};
use crate::interrupt::{Known, Terms, bind, input_hash};
use crate::journal::StepId;
use crate::message::{ToolResult, ToolUse};
use crate::run::{CallState, Claim, Finish, Record, Site, ToolCall, UNKNOWN_OUTCOME};
use crate::tool::{Progress, Replay, Tool, ToolContext, ToolFailure, ToolOutput};
use crate::view::stops_event_loop;

impl Driver<'_> {
    /// Claims the call, runs the tool, records what came of it. None: the tool asked a question, or was
    /// cancelled before it began.
    pub(super) async fn effect(
        &self,
        tool: Arc<dyn Tool>,
        tool_use: Arc<ToolUse>,
        claim: Claim,
        is_again: bool,
    ) -> Result<Option<Ended>, Error> {
        let lease = match tool.exclusive_key(claim.input()) {
            Some(key) => Box::pin(self.lease(&key)).await,
            None => None,
        };
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        let id = &*tool_use.tool_use_id;
        // What the tool asks is about itself and these arguments.
        let bound = || bind([&*tool.spec().name, &input_hash(&tool_use.input)]);
        let mut context = ToolContext::new(
            Arc::clone(&tool_use),
            Some(self.view()),
            self.state.clone(),
            claim.shared_key(),
            self.known_to_tool(id, bound),
            self.cancel.clone(),
            self.progress(&tool_use),
        );
        if let Some(lease) = &lease {
            context = context.with_lease(lease);
        }
        let (input, replay) = (claim.input().clone(), claim.replay());
        let journal = self.agent.journal.as_deref();
        let step = journal.map(|journal| (journal, StepId::tool(claim.key(), self.attempt(id))));
        let claim = Record::ToolClaimed { tool_use_id: id.to_owned(), claim };
        self.run().check(&claim)?;
        if is_again {
            self.note_begun_again(id);
        }

        let report = Mutex::new(CallReport::default());
        let body = async {
            let started = Instant::now();
            let ending = self.run_body(&*tool, input, context).await;
            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
            report.duration = Some(started.elapsed());
            let outcome = match ending {
                Ending::Outcome(outcome) => outcome,
                // Dropped while it ran: the claim is all that is known.
                Ending::Cancelled => return Ok(Vec::new()),
                Ending::Overdue(error) if replay == Replay::Never => {
                    report.exception = Some(Arc::new(error.into()));
                    return Ok(Vec::new());
                }
                // What it did, if it did it, may be done again.
                Ending::Overdue(error) => Err(error.into()),
            };
            let record = record_of(id, bound, outcome, &mut report);
            let record = match self.can_be_put(&record) {
                Ok(()) => record,
                // A question that can't be put, because of its id.
                Err(error) => record_of(id, bound, Err(error.into()), &mut report),
            };
            // What the tool changed of the agent's state stands and falls with its outcome, and so does its
            // wish that the loop end.
            let changes = self.state_changes(false).into_iter().chain(self.stop_to_keep());
            Ok(changes.chain([record]).collect::<Vec<_>>())
        };
        let records = match step {
            None => {
                self.run().apply(claim)?;
                let records = body.await?;
                self.apply_all(&records)?;
                records
            }
            Some((journal, step)) => {
                let claimed = async {
                    // It is durable now; the run learns of it before the tool does.
                    self.run().apply(claim.clone())?;
                    body.await
                };
                self.agent.in_doubt.fetch_add(1, Ordering::AcqRel);
                let records = journal.step(&step, &claim, Box::pin(claimed)).await?;
                self.apply_step(id, &claim, &records)?;
                self.agent.in_doubt.fetch_sub(1, Ordering::AcqRel);
                records
            }
        };
        let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.ended(tool, Arc::clone(&tool_use), records, report))
    }

    /// Applies what a journal gave back for a step.
    fn apply_step(&self, id: &str, claim: &Record, records: &[Record]) -> Result<(), Error> {
        // A journal that gave back the records of an earlier time has not run the effect, and with
        // it the claim.
        if !records.is_empty() && !self.is_claimed(id) {
            self.run().apply(claim.clone())?;
        }
        self.apply_all(records)?;
        if records.iter().any(|record| matches!(record, Record::AgentStateChanged { .. })) {
            self.agent.state.rebase(self.run().agent_state_values());
        }
        Ok(())
    }

    fn apply_all(&self, records: &[Record]) -> Result<(), Error> {
        let mut run = self.run();
        records.iter().try_for_each(|record| run.apply(record.clone()))
    }

    /// What the records of a call say about its end.
    fn ended(
        &self,
        tool: Arc<dyn Tool>,
        tool_use: Arc<ToolUse>,
        records: Vec<Record>,
        report: CallReport,
    ) -> Option<Ended> {
        let (result, finish) = match records.into_iter().next_back() {
            Some(Record::ToolReturned { result }) => (result, Finish::Ran),
            Some(Record::Interrupted { site, interrupts, .. }) => {
                self.announce_questions(&site, interrupts);
                return None;
            }
            _ => {
                self.note_unknown(&tool_use);
                let text = match &report.exception {
                    Some(error) => format!("Error: {error}. {UNKNOWN_OUTCOME}"),
                    None => UNKNOWN_OUTCOME.to_owned(),
                };
                (ToolResult::error(&tool_use.tool_use_id, text), Finish::Unknown)
            }
        };
        Some(Ended { tool: Some(tool), tool_use, result, finish, report })
    }

    /// What a tool has asked before: it gets the answers that were given to it for these arguments.
    fn known_to_tool(&self, id: &str, bound: impl Fn() -> String) -> Vec<Known> {
        let mut known = self.known_of_call(id);
        if !known.is_empty() {
            let bound = bound();
            let is_foreign = |known: &&Known| {
                let to = known.terms.as_ref().and_then(|terms| terms.bound_to.as_deref());
                to.is_some_and(|to| to != bound)
            };
            let foreign = known.iter().filter(is_foreign);
            let foreign: Vec<String> = foreign.map(|known| known.interrupt.id.clone()).collect();
            known.retain(|known| !foreign.contains(&known.interrupt.id));
        }
        known
    }

    fn can_be_put(&self, record: &Record) -> Result<(), Error> {
        if let Record::Interrupted { site, interrupts, .. } = record {
            self.reserve(site, interrupts)?;
        }
        self.run().check(record)
    }

    /// The record of the invocation's state, if a tool wants the loop to end and the run does not know yet.
    fn stop_to_keep(&self) -> Option<Record> {
        let state = Some(self.state.to_map()).filter(stops_event_loop)?;
        let known = stops_event_loop(self.run().state());
        (!known).then_some(Record::StateChanged { state })
    }

    fn attempt(&self, tool_use_id: &str) -> u32 {
        let run = self.run();
        let call = run.calls().iter().find(|call| call.tool_use.tool_use_id == tool_use_id);
        call.map_or(1, ToolCall::attempt)
    }

    fn is_claimed(&self, tool_use_id: &str) -> bool {
        let claimed = |call: &ToolCall| matches!(call.state, CallState::Claimed(_));
        let run = self.run();
        run.calls().iter().any(|call| call.tool_use.tool_use_id == tool_use_id && claimed(call))
    }

    fn progress(&self, tool_use: &Arc<ToolUse>) -> Option<Progress> {
        if !self.sink.is_heard() {
            return None;
        }
        let (sink, tool_use) = (self.sink.clone(), Arc::clone(tool_use));
        Some(Box::new(move |data| {
            sink.send(|| AgentEvent::ToolStream { tool_use: Arc::clone(&tool_use), data });
        }))
    }
}

/// The record of how a tool's body ended.
fn record_of(
    id: &str,
    bound: impl Fn() -> String,
    outcome: Result<ToolOutput, BoxError>,
    report: &mut CallReport,
) -> Record {
    let error = match outcome {
        Ok(output) => return Record::ToolReturned { result: output.into_result(id) },
        Err(error) => error,
    };
    match raised_by(error) {
        Ok(interrupt) => Record::Interrupted {
            site: Site::call(id),
            terms: BTreeMap::from([(interrupt.id.clone(), Terms::bound_to(&bound()))]),
            interrupts: vec![interrupt],
        },
        Err(error) => {
            if error.is::<ToolFailure>() {
                // The model does not get to read what is behind it.
                tracing::warn!(id, "a tool failed: {}", with_causes(&*error));
            }
            let result = ToolOutput::of_error(&error).into_result(id);
            report.exception = Some(Arc::new(error));
            Record::ToolReturned { result }
        }
    }
}
