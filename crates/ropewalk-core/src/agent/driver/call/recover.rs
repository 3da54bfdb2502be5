//! A call that somebody began before: in this process or another, before a question or a crash.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Before, Ended, as_it_ran};
use crate::agent::driver::Driver;
use crate::agent::driver::wraps::Earlier;
use crate::error::{BoxError, Error};
use crate::hook::CallReport;
use crate::message::{ToolResult, ToolUse};
use crate::model::ToolSpec;
use crate::run::{Claim, Finish, HeldReport, UNKNOWN_OUTCOME};
use crate::tool::{BoxFuture, Replay, Tool, ToolContext, ToolOutput};

impl Driver<'_> {
    /// A call that was claimed, and of which nobody knows whether it ran. Where the tool allows it,
    /// it is made again: through the hooks, and only if they let the very same call through.
    pub(super) async fn recover(
        &self,
        tool_use: &Arc<ToolUse>,
        claim: Claim,
    ) -> Result<Option<Ended>, Error> {
        let may_repeat = matches!(claim.replay(), Replay::Idempotent | Replay::Pure);
        if !may_repeat || self.cancel.is_cancelled() {
            return Ok(Some(self.unknown_outcome(tool_use, &claim)));
        }
        let failed = match self.before_call(tool_use).await {
            Ok(Before::Refused(_)) => return Ok(Some(self.unknown_outcome(tool_use, &claim))),
            Ok(Before::Run(tool, changed)) if !self.cancel.is_cancelled() => {
                let again = Earlier::Claimed(claim.clone());
                match self.wrapped(tool, changed, again).await {
                    Ok(Some(ended)) => return Ok(Some(ended)),
                    Ok(None) => None,
                    Err(error) => Some(error),
                }
            }
            Ok(Before::Run(..) | Before::Asked) => None,
            Err(error) => Some(error),
        };
        // A question that is open, or what may have run, is told of when it has come to its end.
        let is_over =
            failed.is_some() || self.cancel.is_cancelled() && !self.is_asked_about(tool_use);
        if is_over && !self.has_begun_again(tool_use) {
            Box::pin(self.announce_not_taken_up(tool_use, &claim, failed.as_ref())).await;
        }
        failed.map_or(Ok(None), Err)
    }

    pub(in crate::agent::driver) fn unknown_outcome(
        &self,
        tool_use: &Arc<ToolUse>,
        claim: &Claim,
    ) -> Ended {
        let tool = self.callable_tools().get(claim.tool()).cloned();
        let tool_use = as_it_ran(tool_use, claim);
        self.note_unknown(&tool_use);
        let result = ToolResult::error(&tool_use.tool_use_id, UNKNOWN_OUTCOME);
        Ended { tool, tool_use, result, finish: Finish::Unknown, report: CallReport::default() }
    }

    /// A call that has run, in this process or another; what comes after it has not been done.
    pub(super) async fn take_up(
        &self,
        tool_use: &Arc<ToolUse>,
        claim: Claim,
        result: ToolResult,
    ) -> Result<Option<Ended>, Error> {
        let tool_use = as_it_ran(tool_use, &claim);
        let known = self.callable_tools().get(claim.tool()).cloned();
        // A hook may have selected a tool that this agent does not list: what stands around the call
        // does so all the same.
        let tool = known.clone().unwrap_or_else(|| Arc::new(Unlisted::new(claim.tool())));
        let ended = self.wrapped(tool, tool_use, Earlier::Returned(claim, result)).await?;
        Ok(ended.map(|ended| Ended { tool: known, ..ended }))
    }

    /// A call that has ended, and whose hooks waited for an answer.
    pub(super) fn held(
        &self,
        tool_use: &Arc<ToolUse>,
        result: ToolResult,
        finish: Finish,
        held: HeldReport,
    ) -> Ended {
        let tool = held.tool.and_then(|name| self.callable_tools().get(&name).cloned());
        let mut tool_use = ToolUse::clone(tool_use);
        (tool_use.name, tool_use.input) = (held.name, held.input);
        let tool_use = Arc::new(tool_use);
        let report = CallReport {
            exception: held.exception.map(|text| Arc::new(BoxError::from(text))),
            cancel_message: held.cancel_message,
            duration: held.duration_ms.map(Duration::from_millis),
        };
        Ended { tool, tool_use, result, finish, report }
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
