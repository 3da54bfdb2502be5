//! One tool call, with its hooks.

mod guard;
mod recover;

use std::sync::Arc;

use super::Driver;
use super::fire::{Fired, millis};
use super::wraps::Earlier;
use crate::agent::AgentEvent;
use crate::error::{BoxError, Error};
use crate::hook::{
    AfterToolCallEvent, AfterToolsEvent, BeforeToolCallEvent, CallReport, ToolCallGuardEvent,
};
use crate::message::{ToolResult, ToolUse};
use crate::run::{CallState, Claim, Finish, HeldReport, Record, Site, ToolCall};
use crate::tool::{Tool, ToolOutput};

/// A call that has ended, before its hooks have seen it.
pub(super) struct Ended {
    pub(super) tool: Option<Arc<dyn Tool>>,
    pub(super) tool_use: Arc<ToolUse>,
    pub(super) result: ToolResult,
    pub(super) finish: Finish,
    pub(super) report: CallReport,
}

impl Ended {
    /// A call that did not run.
    pub(super) fn not_run(tool_use: Arc<ToolUse>, text: &str, report: CallReport) -> Self {
        let result = ToolResult::error(&tool_use.tool_use_id, text);
        Self { tool: None, tool_use, result, finish: Finish::NotRun, report }
    }

    /// A call whose arguments do not fit the tool's schema.
    fn unfit(tool: Arc<dyn Tool>, tool_use: Arc<ToolUse>, error: BoxError) -> Self {
        let result = ToolOutput::of_error(&error).into_result(&tool_use.tool_use_id);
        let report = CallReport { exception: Some(Arc::new(error)), ..CallReport::default() };
        Self { tool: Some(tool), tool_use, result, finish: Finish::NotRun, report }
    }
}

/// What the hooks before a call made of it.
enum Before {
    Run(Arc<dyn Tool>, Arc<ToolUse>),
    Refused(Ended),
    Asked,
}

/// What the hooks after a call made of it.
enum After {
    /// This is its result.
    Counts(ToolResult),
    /// One of them wants it made again.
    Again,
    Asked,
}

impl Driver<'_> {
    /// Takes a call from where it is to its result, or to a question.
    pub(super) async fn call(&self, call: ToolCall) -> Result<(), Error> {
        let ToolCall { tool_use, state, .. } = call;
        let mut ended = match state {
            CallState::Finished { .. } => return Ok(()),
            CallState::Pending => self.start(&tool_use).await?,
            // On the heap, as all that is rare: each call would have room for it.
            CallState::Claimed(claim) => Box::pin(self.recover(&tool_use, claim)).await?,
            CallState::Returned { claim, result } => {
                Box::pin(self.take_up(&tool_use, claim, result)).await?
            }
            CallState::Held { result, finish, report } => {
                Some(self.held(&tool_use, result, finish, *report))
            }
        };
        while let Some(end) = ended {
            if !self.finish(end).await? {
                return Ok(());
            }
            ended = self.start(&tool_use).await?;
        }
        Ok(())
    }

    /// Hooks, guards, claim, effect. None: a question was asked, or nothing is to begin any more.
    async fn start(&self, tool_use: &Arc<ToolUse>) -> Result<Option<Ended>, Error> {
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        let before = match self.before_call(tool_use).await {
            Ok(before) => before,
            Err(error) => {
                Box::pin(self.announce_failed(None, tool_use, &error)).await;
                return Err(error);
            }
        };
        let ended = match before {
            Before::Refused(ended) => Some(ended),
            Before::Run(tool, changed) if !self.cancel.is_cancelled() => {
                let shown = (Arc::clone(&tool), Arc::clone(&changed));
                match self.wrapped(tool, changed, Earlier::Nothing).await {
                    Ok(ended) => ended,
                    Err(error) => {
                        let (tool, tool_use) = shown;
                        Box::pin(self.announce_failed(Some(tool), &tool_use, &error)).await;
                        return Err(error);
                    }
                }
            }
            Before::Run(..) | Before::Asked => None,
        };
        Ok(ended.or_else(|| self.kept_back(tool_use)))
    }

    async fn before_call(&self, tool_use: &Arc<ToolUse>) -> Result<Before, Error> {
        let tools = self.callable_tools();
        let make =
            |frame| BeforeToolCallEvent::new(frame, Arc::clone(tool_use), Arc::clone(&tools));
        let id = &tool_use.tool_use_id;
        let from = || (self.asking_site(id), self.place(&Site::call(id)));
        let fired = self.fire_from(from, make).await?;
        // A question goes before a cancel: whoever answers may still allow it.
        let (selected, tool_use) = match fired {
            Fired::Asked => return Ok(Before::Asked),
            Fired::Nobody => (tools.get(&tool_use.name).cloned(), Arc::clone(tool_use)),
            Fired::Done(event) => {
                let (selected, tool_use, cancel) = event.into_parts();
                if let Some(text) = cancel.text("tool cancelled by user") {
                    return Ok(Before::Refused(self.cancelled_by_hook(tool_use, text)));
                }
                (selected, tool_use)
            }
        };
        Ok(match selected {
            Some(tool) => Before::Run(tool, tool_use),
            None => {
                let text = format!("Unknown tool: {}", tool_use.name);
                let error: BoxError = text.clone().into();
                let report =
                    CallReport { exception: Some(Arc::new(error)), ..CallReport::default() };
                Before::Refused(Ended::not_run(tool_use, &text, report))
            }
        })
    }

    fn cancelled_by_hook(&self, tool_use: Arc<ToolUse>, text: String) -> Ended {
        self.sink.send(|| AgentEvent::ToolCancelled {
            tool_use: Arc::clone(&tool_use),
            message: text.clone(),
        });
        let report = CallReport { cancel_message: Some(text.clone()), ..CallReport::default() };
        Ended::not_run(tool_use, &text, report)
    }

    /// The last stage: the guards see what will run, and then it does. None: a question was asked, or
    /// nothing is to begin any more.
    pub(super) async fn innermost(
        &self,
        tool: Arc<dyn Tool>,
        tool_use: Arc<ToolUse>,
        earlier: Earlier,
    ) -> Result<Option<Ended>, Error> {
        let claimed = match earlier {
            Earlier::Returned(claim, result) => {
                // It has run: only what comes after it is done again.
                let tool_use = as_it_ran(&tool_use, &claim);
                let (finish, report) = (Finish::Ran, CallReport::default());
                return Ok(Some(Ended { tool: Some(tool), tool_use, result, finish, report }));
            }
            Earlier::Claimed(claim) => Some(claim),
            Earlier::Nothing => None,
        };
        if claimed.is_none()
            && let Err(error) = self.tools().registry.check_input(&tool, &tool_use.input)
        {
            // Nobody is asked about what can't run.
            return Ok(Some(Ended::unfit(tool, tool_use, error)));
        }
        // Without guards there is nothing to ask, unless one was there before.
        let guarded = self.hooks.listens_to::<ToolCallGuardEvent>()
            || self.has_questions(&tool_use.tool_use_id);
        if guarded {
            match (Box::pin(self.guard(&tool, &tool_use)).await?, &claimed) {
                (None, _) => return Ok(None),
                (Some(None), _) => {}
                // It may have run already: nobody can say that it did not.
                (Some(Some(_)), Some(claim)) => {
                    return Ok(Some(self.unknown_outcome(&tool_use, claim)));
                }
                (Some(Some(text)), None) => {
                    return Ok(Some(self.cancelled_by_hook(tool_use, text)));
                }
            }
        }
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        let is_again = claimed.is_some();
        let claim = match claimed {
            None => {
                let used = named(&tool_use, &tool.spec().name);
                let key = self.run().call_key(&used);
                Claim::with_key(used, key, tool.replay())
            }
            Some(claim) if claim.is_of(&tool.spec().name, &tool_use.input) => {
                tracing::info!(tool = claim.tool(), "a call that was cut off is made again");
                claim
            }
            Some(claim) => return Ok(Some(self.unknown_outcome(&tool_use, &claim))),
        };
        Box::pin(self.effect(tool, tool_use, claim, is_again)).await
    }

    /// Fires the hooks after a call and records its result; true if a hook wants it made again.
    async fn finish(&self, ended: Ended) -> Result<bool, Error> {
        let (finish, took) = (ended.finish, ended.report.duration);
        let tool_use = Arc::clone(&ended.tool_use);
        let result = match self.hooks.listens_to::<AfterToolCallEvent>() {
            false => ended.result,
            true => match Box::pin(self.after_call(ended)).await? {
                After::Counts(result) => result,
                After::Asked => return Ok(false),
                After::Again => return Ok(true),
            },
        };
        self.recorder.tool(&tool_use, took, result.status);
        let record = Record::ToolFinished { result, finish };
        match self.ends_batch(&tool_use.tool_use_id) {
            true => self.stage(record)?,
            false => self.commit(record).await?,
        }
        Ok(false)
    }

    /// Whether nothing but the end of the batch comes behind this call: then both are written at once.
    fn ends_batch(&self, tool_use_id: &str) -> bool {
        let ended =
            |call: &ToolCall| call.is_finished() || call.tool_use.tool_use_id == tool_use_id;
        self.agent.journal.is_some()
            && !self.hooks.listens_to::<AfterToolsEvent>()
            && self.run().calls().iter().all(ended)
    }

    /// Fires the hooks after a call.
    async fn after_call(&self, ended: Ended) -> Result<After, Error> {
        let Ended { tool, tool_use, result, finish, report } = ended;
        let id = tool_use.tool_use_id.clone();
        let site = Site::after_call(&id);
        let place = self.place(&site);
        let make = {
            let (tool, tool_use) = (tool.clone(), Arc::clone(&tool_use));
            let (result, report) = (result.clone(), report.clone());
            |frame| AfterToolCallEvent::new(frame, tool, tool_use, result, report)
        };
        let (event, asked) = self.dispatch(&site, place, make).await?;
        // A cancel goes before a question.
        if let Some(asked) = asked.filter(|_| !self.cancel.is_cancelled()) {
            let report = Box::new(HeldReport {
                tool: tool.as_ref().map(|tool| tool.spec().name.clone()),
                name: tool_use.name.clone(),
                input: tool_use.input.clone(),
                exception: report.exception.as_ref().map(ToString::to_string),
                cancel_message: report.cancel_message,
                duration_ms: report.duration.map(millis),
            });
            // It has ended, whatever the answer will be.
            self.commit(Record::ToolHeld { result, finish, report }).await?;
            self.ask(site, asked).await?;
            return Ok(After::Asked);
        }
        // What may have run already is not made again because a hook retries what failed.
        let may_retry = finish != Finish::Unknown && !self.cancel.is_cancelled();
        if event.retry() && may_retry {
            self.commit(Record::ToolRetried { tool_use_id: id }).await?;
            return Ok(After::Again);
        }
        Ok(After::Counts(event.into_result()))
    }
}

/// The use as it ran: with the tool and the arguments of its claim.
pub(super) fn as_it_ran(tool_use: &Arc<ToolUse>, claim: &Claim) -> Arc<ToolUse> {
    if claim.is_of(&tool_use.name, &tool_use.input) {
        return Arc::clone(tool_use);
    }
    let (name, input) = (claim.tool().to_owned(), claim.input().clone());
    Arc::new(ToolUse { name, input, ..ToolUse::clone(tool_use) })
}

/// The use with the name of the tool that runs: a hook may have selected another.
fn named(tool_use: &Arc<ToolUse>, name: &str) -> Arc<ToolUse> {
    if tool_use.name == name {
        return Arc::clone(tool_use);
    }
    Arc::new(ToolUse { name: name.to_owned(), ..ToolUse::clone(tool_use) })
}
