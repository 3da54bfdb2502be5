//! One tool call, with its hooks.

use std::sync::Arc;

use super::Driver;
use crate::agent::AgentEvent;
use crate::error::{BoxError, Error};
use crate::hook::{AfterToolCallEvent, BeforeToolCallEvent, CallReport};
use crate::interrupt::{Interrupt, InterruptScope};
use crate::message::{ToolResult, ToolUse};
use crate::run::{CallState, Claim, Finish, Record, Site, ToolCall, UNKNOWN_OUTCOME};
use crate::tool::{Replay, Tool};

/// A call that has ended, before its hooks have seen it.
pub(super) struct Ended {
    pub(super) tool: Option<Arc<dyn Tool>>,
    pub(super) tool_use: ToolUse,
    pub(super) result: ToolResult,
    pub(super) finish: Finish,
    pub(super) report: CallReport,
}

/// What the hooks before a call made of it.
enum Decision {
    Run(Arc<dyn Tool>, ToolUse),
    Refuse(Ended),
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
            CallState::Returned { claim, result } => {
                let tool = self.blueprint.tools.get(&claim.tool).cloned();
                let tool_use = as_it_ran(&tool_use, &claim);
                let report = CallReport::default();
                Some(Ended { tool, tool_use, result, finish: Finish::Ran, report })
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

    /// Hooks, claim, effect. None: a question was asked, or nothing is to begin any more.
    async fn start(&self, tool_use: &ToolUse) -> Result<Option<Ended>, Error> {
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        match self.before_call(tool_use).await? {
            Decision::Asked => Ok(None),
            Decision::Run(..) if self.cancel.is_cancelled() => Ok(None),
            Decision::Refuse(ended) => Ok(Some(ended)),
            Decision::Run(tool, final_use) => {
                let claim = Claim {
                    tool: tool.spec().name.clone(),
                    input: final_use.input.clone(),
                    key: self.run().idempotency_key(&tool_use.tool_use_id),
                    replay: tool.replay(),
                };
                self.effect(tool, final_use, claim).await
            }
        }
    }

    async fn before_call(&self, tool_use: &ToolUse) -> Result<Decision, Error> {
        let tools = &self.blueprint.tools;
        let hooks = &self.blueprint.hooks;
        let mut tool_use = tool_use.clone();
        let selected;
        let id = tool_use.tool_use_id.clone();
        if hooks.listens_to::<BeforeToolCallEvent>() {
            let scope = InterruptScope::new(BeforeToolCallEvent::site(&id), self.answers_at(&id));
            let tools = Arc::clone(tools);
            let event = BeforeToolCallEvent::new(self.view(), tool_use.clone(), scope, tools);
            let (event, interrupts) = hooks.invoke_callbacks_async(event).await?;
            if !interrupts.is_empty() {
                // A question goes before a cancel: whoever answers may still allow it.
                let record = Record::Interrupted { site: Site::call(&id), interrupts };
                self.ask(&tool_use, record).await?;
                return Ok(Decision::Asked);
            }
            let cancel;
            (selected, tool_use, cancel) = event.into_parts();
            if let Some(text) = cancel.text("tool cancelled by user") {
                self.sink.send(|| AgentEvent::ToolCancelled {
                    tool_use: tool_use.clone(),
                    message: text.clone(),
                });
                let result = ToolResult::error(&id, &text);
                let report = CallReport { cancel_message: Some(text), ..CallReport::default() };
                return Ok(Decision::Refuse(Ended {
                    tool: None,
                    tool_use,
                    result,
                    finish: Finish::NotRun,
                    report,
                }));
            }
        } else {
            selected = tools.get(&tool_use.name).cloned();
        }
        Ok(match selected {
            Some(tool) => Decision::Run(tool, tool_use),
            None => {
                let text = format!("Unknown tool: {}", tool_use.name);
                let error: BoxError = text.clone().into();
                let report =
                    CallReport { exception: Some(Arc::new(error)), ..CallReport::default() };
                let result = ToolResult::error(&id, text);
                let finish = Finish::NotRun;
                Decision::Refuse(Ended { tool: None, tool_use, result, finish, report })
            }
        })
    }

    /// A call that was claimed, and of which nobody knows whether it ran. Where the tool allows it,
    /// it is made again: through the hooks, and only if they let the very same call through.
    async fn recover(&self, tool_use: &ToolUse, claim: Claim) -> Result<Option<Ended>, Error> {
        let may_repeat = matches!(claim.replay, Replay::Idempotent | Replay::Pure);
        if may_repeat && !self.cancel.is_cancelled() {
            match self.before_call(tool_use).await? {
                Decision::Asked => return Ok(None),
                Decision::Run(tool, final_use)
                    if tool.spec().name == claim.tool && final_use.input == claim.input =>
                {
                    tracing::info!(tool = claim.tool, "a call that was cut off is made again");
                    return self.effect(tool, final_use, claim).await;
                }
                Decision::Run(..) | Decision::Refuse(_) => {}
            }
        }
        let tool = self.blueprint.tools.get(&claim.tool).cloned();
        let tool_use = as_it_ran(tool_use, &claim);
        self.note_unknown(&tool_use);
        let result = ToolResult::error(&tool_use.tool_use_id, UNKNOWN_OUTCOME);
        let report = CallReport::default();
        Ok(Some(Ended { tool, tool_use, result, finish: Finish::Unknown, report }))
    }

    /// Fires the hooks after a call and records its result; true if a hook wants it made again.
    async fn finish(&self, ended: Ended) -> Result<bool, Error> {
        let Ended { tool, tool_use, mut result, finish, report } = ended;
        let hooks = &self.blueprint.hooks;
        if hooks.listens_to::<AfterToolCallEvent>() {
            let event = AfterToolCallEvent::new(self.view(), tool, tool_use, result, report);
            let (event, _) = hooks.invoke_callbacks_async(event).await?;
            // What may have run already is not made again because a hook retries what failed.
            let may_retry = finish != Finish::Unknown && !self.cancel.is_cancelled();
            if event.retry() && may_retry {
                return Ok(true);
            }
            result = event.into_result();
        }
        self.commit(Record::ToolFinished { result, finish }).await?;
        Ok(false)
    }

    pub(super) fn answers_at(&self, tool_use_id: &str) -> Vec<Interrupt> {
        self.run().interrupts_at(&Site::call(tool_use_id))
    }

    async fn ask(&self, tool_use: &ToolUse, record: Record) -> Result<(), Error> {
        self.commit(record.clone()).await?;
        if let Record::Interrupted { interrupts, .. } = record {
            self.announce_question(tool_use, interrupts);
        }
        Ok(())
    }

    pub(super) fn announce_question(&self, tool_use: &ToolUse, interrupts: Vec<Interrupt>) {
        self.sink
            .send(|| AgentEvent::ToolInterrupted { tool_use: Some(tool_use.clone()), interrupts });
    }
}

/// The use as it ran: with the tool and the arguments of its claim.
fn as_it_ran(tool_use: &ToolUse, claim: &Claim) -> ToolUse {
    let mut tool_use = tool_use.clone();
    tool_use.name.clone_from(&claim.tool);
    tool_use.input = claim.input.clone();
    tool_use
}
