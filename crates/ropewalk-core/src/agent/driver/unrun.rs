//! Calls that began and did not come to run: what is announced as begun is announced as ended.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::Driver;
use super::call::{Ended, as_it_ran};
use crate::error::{BoxError, Error};
use crate::hook::{AfterToolCallEvent, CallReport};
use crate::message::{ToolResult, ToolUse};
use crate::run::{CANCELLED, CallState, Claim, RAN_BEFORE, Site, UNKNOWN_OUTCOME};
use crate::tool::Tool;

impl Driver<'_> {
    /// A call whose hooks saw it begin, and that a cancel kept from running: they see it end.
    pub(super) fn kept_back(&self, tool_use: &Arc<ToolUse>) -> Option<Ended> {
        if !self.cancel.is_cancelled() || self.is_asked_about(tool_use) {
            return None;
        }
        let id = &tool_use.tool_use_id;
        let run = self.run();
        let call = run.calls().iter().find(|call| call.tool_use.tool_use_id == *id)?;
        if call.state != CallState::Pending {
            return None;
        }
        let text = if call.returns() > 0 { RAN_BEFORE } else { CANCELLED };
        let report = CallReport { cancel_message: Some(text.to_owned()), ..CallReport::default() };
        Some(Ended::not_run(Arc::clone(tool_use), text, report))
    }

    /// True if there is a question about a call that waits for its answer.
    pub(super) fn is_asked_about(&self, tool_use: &ToolUse) -> bool {
        let id = Some(tool_use.tool_use_id.as_str());
        let run = self.run();
        run.questions().iter().any(|asked| asked.is_open() && asked.site.tool_use_id() == id)
    }

    /// Shows the hooks after a call that it did not come to run, because of what failed at its first hooks or
    /// behind them. It is to be made when somebody goes on: what they change counts for nothing.
    pub(super) async fn announce_failed(
        &self,
        tool: Option<Arc<dyn Tool>>,
        tool_use: &Arc<ToolUse>,
        error: &Error,
    ) {
        if self.is_in(tool_use, |state| *state == CallState::Pending) {
            let tool = tool.or_else(|| self.callable_tools().get(&tool_use.name).cloned());
            let text = error.report();
            self.announce_end(tool, tool_use, format!("Error: {text}"), Some(text)).await;
        }
    }

    /// Shows the hooks after a call that was cut off that it was not taken up, because of a failure or a cancel: nobody
    /// knows what came of it. What they change counts for nothing.
    pub(super) async fn announce_not_taken_up(
        &self,
        tool_use: &Arc<ToolUse>,
        claim: &Claim,
        failed: Option<&Error>,
    ) {
        if !self.is_in(tool_use, |state| matches!(state, CallState::Claimed(_))) {
            return;
        }
        let tool = self.callable_tools().get(claim.tool()).cloned();
        let tool_use = as_it_ran(tool_use, claim);
        let text = match failed {
            Some(error) => format!("Error: {}. {UNKNOWN_OUTCOME}", error.report()),
            None => UNKNOWN_OUTCOME.to_owned(),
        };
        self.announce_end(tool, &tool_use, text, failed.map(Error::report)).await;
    }

    /// Notes that a call which was cut off is made again.
    pub(super) fn note_begun_again(&self, tool_use_id: &str) {
        self.lock_begun_again().insert(tool_use_id.to_owned());
    }

    /// Whether a call that was cut off was made again, be it that it was cut off once more.
    pub(super) fn has_begun_again(&self, tool_use: &ToolUse) -> bool {
        self.lock_begun_again().contains(&tool_use.tool_use_id)
    }

    fn lock_begun_again(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.begun_again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_in(&self, tool_use: &ToolUse, state: impl Fn(&CallState) -> bool) -> bool {
        let run = self.run();
        let mut calls = run.calls().iter();
        calls.any(|call| call.tool_use.tool_use_id == tool_use.tool_use_id && state(&call.state))
    }

    async fn announce_end(
        &self,
        tool: Option<Arc<dyn Tool>>,
        tool_use: &Arc<ToolUse>,
        text: String,
        error: Option<String>,
    ) {
        if !self.hooks.listens_to::<AfterToolCallEvent>() {
            return;
        }
        let id = &tool_use.tool_use_id;
        let result = ToolResult::error(id, text);
        let exception = error.map(|text| Arc::new(BoxError::from(text)));
        let report = CallReport { exception, ..CallReport::default() };
        let (site, tool_use) = (Site::after_call(id), Arc::clone(tool_use));
        let place = self.place(&site);
        let make = |frame| AfterToolCallEvent::new(frame, tool, tool_use, result, report);
        match self.dispatch(&site, place, make).await {
            Ok((_, None)) => {}
            Ok((_, Some(_))) => {
                tracing::warn!(id, "a hook asked about a call that failed before it ran: not put");
            }
            Err(later) => {
                tracing::error!("after a tool call failed, so did its end: {}", later.report());
            }
        }
    }
}
