//! Calls that began and did not come to run: what is announced as begun is announced as ended.

use std::sync::Arc;

use super::Driver;
use super::call::Ended;
use crate::error::{BoxError, Error};
use crate::hook::{AfterToolCallEvent, CallReport};
use crate::message::{ToolResult, ToolUse};
use crate::run::{CANCELLED, CallState, RAN_BEFORE, Site};
use crate::tool::Tool;

impl Driver<'_> {
    /// A call whose hooks saw it begin, and that a cancel kept from running: they see it end.
    pub(super) fn kept_back(&self, tool_use: &Arc<ToolUse>) -> Option<Ended> {
        let id = &tool_use.tool_use_id;
        let run = self.run();
        let call = run.calls().iter().find(|call| call.tool_use.tool_use_id == *id)?;
        let asks = run
            .questions()
            .iter()
            .any(|asked| asked.is_open() && asked.site.tool_use_id() == Some(id.as_str()));
        if !self.cancel.is_cancelled() || asks || call.state != CallState::Pending {
            return None;
        }
        let text = if call.returns() > 0 { RAN_BEFORE } else { CANCELLED };
        let report = CallReport { cancel_message: Some(text.to_owned()), ..CallReport::default() };
        Some(Ended::not_run(Arc::clone(tool_use), text, report))
    }

    /// Shows the hooks after a call that it did not come to run, because of what failed behind its first
    /// hooks. It is to be made when somebody goes on: what they change counts for nothing.
    pub(super) async fn announce_failed(
        &self,
        (tool, tool_use): (Arc<dyn Tool>, Arc<ToolUse>),
        error: &Error,
    ) {
        let id = tool_use.tool_use_id.clone();
        let has_run = {
            let run = self.run();
            let call = run.calls().iter().find(|call| call.tool_use.tool_use_id == id);
            call.is_none_or(|call| call.state != CallState::Pending)
        };
        if has_run || !self.hooks.listens_to::<AfterToolCallEvent>() {
            return;
        }
        let text = error.report();
        let result = ToolResult::error(&id, format!("Error: {text}"));
        let exception = Some(Arc::new(BoxError::from(text)));
        let report = CallReport { exception, ..CallReport::default() };
        let site = Site::after_call(&id);
        let place = self.place(&site);
        let make = |frame| AfterToolCallEvent::new(frame, Some(tool), tool_use, result, report);
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
