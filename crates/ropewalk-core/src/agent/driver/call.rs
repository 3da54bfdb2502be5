//! One tool call, with its hooks.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::Driver;
use super::fire::{Fired, millis};
use super::wraps::Earlier;
use crate::agent::AgentEvent;
use crate::error::{BoxError, Error};
use crate::hook::{AfterToolCallEvent, BeforeToolCallEvent, CallReport, ToolCallGuardEvent};
use crate::interrupt::{Approval, input_hash};
use crate::message::{ToolResult, ToolUse};
use crate::metrics::Call;
use crate::model::ToolSpec;
use crate::run::{CallState, Claim, Finish, HeldReport, Record, Site, ToolCall, UNKNOWN_OUTCOME};
use crate::tool::{BoxFuture, Replay, Tool, ToolContext, ToolOutput};

/// A call that has ended, before its hooks have seen it.
pub(super) struct Ended {
    pub(super) tool: Option<Arc<dyn Tool>>,
    pub(super) tool_use: ToolUse,
    pub(super) result: ToolResult,
    pub(super) finish: Finish,
    pub(super) report: CallReport,
}

impl Ended {
    /// A call that did not run.
    pub(super) fn not_run(tool_use: ToolUse, text: &str, report: CallReport) -> Self {
        let result = ToolResult::error(&tool_use.tool_use_id, text);
        Self { tool: None, tool_use, result, finish: Finish::NotRun, report }
    }

    /// A call whose arguments do not fit the tool's schema.
    fn unfit(tool: Arc<dyn Tool>, tool_use: ToolUse, error: BoxError) -> Self {
        let result = ToolOutput::of_error(&error).into_result(&tool_use.tool_use_id);
        let report = CallReport { exception: Some(Arc::new(error)), ..CallReport::default() };
        Self { tool: Some(tool), tool_use, result, finish: Finish::NotRun, report }
    }
}

/// What the hooks before a call made of it.
enum Before {
    Run(Arc<dyn Tool>, ToolUse),
    Refused(Ended),
    Asked,
}

impl Driver<'_> {
    /// Takes a call from where it is to its result, or to a question.
    pub(super) async fn call(&self, call: ToolCall) -> Result<(), Error> {
        let ToolCall { tool_use, state, .. } = call;
        let mut ended = match state {
            CallState::Finished { .. } => return Ok(()),
            CallState::Pending => self.start(&tool_use).await?,
            CallState::Claimed(claim) => self.recover(&tool_use, claim).await?,
            CallState::Returned { claim, result } => self.take_up(&tool_use, claim, result).await?,
            CallState::Held { result, finish, report } => {
                Some(self.held(&tool_use, result, finish, report))
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
    async fn start(&self, tool_use: &ToolUse) -> Result<Option<Ended>, Error> {
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        let ended = match self.before_call(tool_use).await? {
            Before::Refused(ended) => Some(ended),
            Before::Run(tool, changed) if !self.cancel.is_cancelled() => {
                let shown = (Arc::clone(&tool), changed.clone());
                match self.wrapped(tool, changed, Earlier::Nothing).await {
                    Ok(ended) => ended,
                    Err(error) => {
                        // Boxed: it is rare, and every call would have room for it on the stack.
                        Box::pin(self.announce_failed(shown, &error)).await;
                        return Err(error);
                    }
                }
            }
            Before::Run(..) | Before::Asked => None,
        };
        Ok(ended.or_else(|| self.kept_back(tool_use)))
    }

    async fn before_call(&self, tool_use: &ToolUse) -> Result<Before, Error> {
        let tools = self.callable_tools();
        let make = |frame| BeforeToolCallEvent::new(frame, tool_use.clone(), Arc::clone(&tools));
        let id = &tool_use.tool_use_id;
        let fired = self.fire_from(self.asking_site(id), self.place(&Site::call(id)), make).await?;
        // A question goes before a cancel: whoever answers may still allow it.
        let (selected, tool_use) = match fired {
            Fired::Asked => return Ok(Before::Asked),
            Fired::Nobody => (tools.get(&tool_use.name).cloned(), tool_use.clone()),
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

    fn cancelled_by_hook(&self, tool_use: ToolUse, text: String) -> Ended {
        self.sink.send(|| AgentEvent::ToolCancelled {
            tool_use: tool_use.clone(),
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
        tool_use: ToolUse,
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
            match (self.guard(&tool, &tool_use).await?, &claimed) {
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
        let key = self.run().idempotency_key(&tool_use.tool_use_id);
        let claim = match claimed {
            None => Claim {
                tool: tool.spec().name.clone(),
                input: tool_use.input.clone(),
                key,
                replay: tool.replay(),
            },
            Some(claim) if tool.spec().name == claim.tool && tool_use.input == claim.input => {
                tracing::info!(tool = claim.tool, "a call that was cut off is made again");
                claim
            }
            Some(claim) => return Ok(Some(self.unknown_outcome(&tool_use, &claim))),
        };
        Box::pin(self.effect(tool, tool_use, claim)).await
    }

    /// Fires the guards. None: one of them asked; a text: one of them refused.
    async fn guard(
        &self,
        tool: &Arc<dyn Tool>,
        tool_use: &ToolUse,
    ) -> Result<Option<Option<String>>, Error> {
        let id = &tool_use.tool_use_id;
        let hash = input_hash(&tool_use.input);
        let name = &tool.spec().name;
        let place = self.run().guard_place(id, name, &hash);
        let site = self.asking_site(id);
        let denied = self.denied_at(id, &place);
        if !self.hooks.listens_to::<ToolCallGuardEvent>() {
            return Ok(Some(denied.first().map(Denied::text)));
        }
        // A hook may have put another tool in place of the one that was named.
        let shown = ToolUse { name: name.clone(), ..tool_use.clone() };
        let make = |frame| ToolCallGuardEvent::new(frame, Arc::clone(tool), shown, hash);
        let (event, asked, looked_up) = self.dispatch_noting(&site, place, make).await?;
        // A refusal stands, whatever others want to ask.
        if let Some(text) = event.into_cancel().text("tool cancelled by user") {
            return Ok(Some(Some(text)));
        }
        // A denial is enforced, also if whoever asked is not there any more, did not look, or let the call
        // through all the same.
        let enforced = |denied: &&Denied| denied.approval || !looked_up.contains(&denied.id);
        if let Some(denied) = denied.iter().find(enforced) {
            return Ok(Some(Some(denied.text())));
        }
        match asked {
            None => Ok(Some(None)),
            Some(asked) => self.ask(site, asked).await.map(|()| None),
        }
    }

    /// The questions of a place that were answered with a denial.
    fn denied_at(&self, tool_use_id: &str, place: &str) -> Vec<Denied> {
        let run = self.run();
        let there = run.questions().iter().filter(|question| {
            question.site.tool_use_id() == Some(tool_use_id)
                && question.interrupt.id.starts_with(place)
                && Approval::deserialize(&question.interrupt.response)
                    .is_ok_and(|approval| !approval.is_approved())
        });
        let denied = there.map(|question| Denied {
            id: question.interrupt.id.clone(),
            approval: question.terms.is_some(),
        });
        denied.collect()
    }

    /// A call that was claimed, and of which nobody knows whether it ran. Where the tool allows it,
    /// it is made again: through the hooks, and only if they let the very same call through.
    async fn recover(&self, tool_use: &ToolUse, claim: Claim) -> Result<Option<Ended>, Error> {
        let may_repeat = matches!(claim.replay, Replay::Idempotent | Replay::Pure);
        if may_repeat && !self.cancel.is_cancelled() {
            match self.before_call(tool_use).await? {
                Before::Asked => return Ok(None),
                Before::Run(tool, tool_use) => {
                    return self.wrapped(tool, tool_use, Earlier::Claimed(claim)).await;
                }
                Before::Refused(_) => {}
            }
        }
        Ok(Some(self.unknown_outcome(tool_use, &claim)))
    }

    pub(super) fn unknown_outcome(&self, tool_use: &ToolUse, claim: &Claim) -> Ended {
        let tool = self.callable_tools().get(&claim.tool).cloned();
        let tool_use = as_it_ran(tool_use, claim);
        self.note_unknown(&tool_use);
        let result = ToolResult::error(&tool_use.tool_use_id, UNKNOWN_OUTCOME);
        Ended { tool, tool_use, result, finish: Finish::Unknown, report: CallReport::default() }
    }

    /// A call that has run, in this process or another; what comes after it has not been done.
    async fn take_up(
        &self,
        tool_use: &ToolUse,
        claim: Claim,
        result: ToolResult,
    ) -> Result<Option<Ended>, Error> {
        let tool_use = as_it_ran(tool_use, &claim);
        let known = self.callable_tools().get(&claim.tool).cloned();
        // A hook may have selected a tool that this agent does not list: what stands around the call
        // does so all the same.
        let tool = known.clone().unwrap_or_else(|| Arc::new(Unlisted::new(&claim.tool)));
        let ended = self.wrapped(tool, tool_use, Earlier::Returned(claim, result)).await?;
        Ok(ended.map(|ended| Ended { tool: known, ..ended }))
    }

    /// A call that has ended, and whose hooks waited for an answer.
    fn held(
        &self,
        tool_use: &ToolUse,
        result: ToolResult,
        finish: Finish,
        held: HeldReport,
    ) -> Ended {
        let tool = held.tool.and_then(|name| self.callable_tools().get(&name).cloned());
        let mut tool_use = tool_use.clone();
        (tool_use.name, tool_use.input) = (held.name, held.input);
        let report = CallReport {
            exception: held.exception.map(|text| Arc::new(BoxError::from(text))),
            cancel_message: held.cancel_message,
            duration: held.duration_ms.map(Duration::from_millis),
        };
        Ended { tool, tool_use, result, finish, report }
    }

    /// Fires the hooks after a call and records its result; true if a hook wants it made again.
    async fn finish(&self, ended: Ended) -> Result<bool, Error> {
        let Ended { tool, tool_use, mut result, finish, report } = ended;
        let call = Call {
            tool_use_id: tool_use.tool_use_id.clone(),
            name: tool_use.name.clone(),
            took: report.duration,
        };
        if self.hooks.listens_to::<AfterToolCallEvent>() {
            let id = tool_use.tool_use_id.clone();
            let record = Record::ToolHeld {
                result: result.clone(),
                finish,
                report: HeldReport {
                    tool: tool.as_ref().map(|tool| tool.spec().name.clone()),
                    name: tool_use.name.clone(),
                    input: tool_use.input.clone(),
                    exception: report.exception.as_ref().map(ToString::to_string),
                    cancel_message: report.cancel_message.clone(),
                    duration_ms: report.duration.map(millis),
                },
            };
            let site = Site::after_call(&id);
            let place = self.place(&site);
            let make = |frame| AfterToolCallEvent::new(frame, tool, tool_use, result, report);
            let (event, asked) = self.dispatch(&site, place, make).await?;
            // A cancel goes before a question.
            if let Some(asked) = asked.filter(|_| !self.cancel.is_cancelled()) {
                // It has ended, whatever the answer will be.
                self.commit(record).await?;
                self.ask(site, asked).await?;
                return Ok(false);
            }
            // What may have run already is not made again because a hook retries what failed.
            let may_retry = finish != Finish::Unknown && !self.cancel.is_cancelled();
            if event.retry() && may_retry {
                self.commit(Record::ToolRetried { tool_use_id: id }).await?;
                return Ok(true);
            }
            result = event.into_result();
        }
        self.recorder.tool(call, result.status);
        self.commit(Record::ToolFinished { result, finish }).await?;
        Ok(false)
    }
}

/// A question about a call that was answered with a denial.
struct Denied {
    id: String,
    /// It was asked whether the call may be made, and nothing else.
    approval: bool,
}

impl Denied {
    /// What the model is told where no guard refuses the call.
    fn text(&self) -> String {
        tracing::warn!(id = self.id, "a call was denied, and no guard says so: it stays denied");
        "This call was denied.".to_owned()
    }
}

/// Stands for a tool that ran and is not to be had any more.
struct Unlisted(ToolSpec);

impl Unlisted {
    fn new(name: &str) -> Self {
        Self(ToolSpec::new(name, "a tool that this agent does not list", json!({})))
    }
}

impl Tool for Unlisted {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        let text = format!("Unknown tool: {}", self.0.name);
        Box::pin(std::future::ready(Err(text.into())))
    }
}

/// The use as it ran: with the tool and the arguments of its claim.
fn as_it_ran(tool_use: &ToolUse, claim: &Claim) -> ToolUse {
    let mut tool_use = tool_use.clone();
    tool_use.name.clone_from(&claim.tool);
    tool_use.input = claim.input.clone();
    tool_use
}
