//! Around one tool call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Cancel;
use super::frame::{Frame, agent_event};
use crate::error::{BoxError, Error, ErrorKind};
use crate::message::{ToolResult, ToolUse};
use crate::tool::{Tool, ToolRegistry};

/// A tool is about to run. May change: `selected_tool`, `tool_use`, `cancel_tool`. What will run in
/// the end, after all of these, is seen by [`ToolCallGuardEvent`](super::ToolCallGuardEvent).
pub struct BeforeToolCallEvent {
    frame: Frame,
    selected_tool: Option<Arc<dyn Tool>>,
    /// A hook has selected it.
    selected: bool,
    tool_use: Arc<ToolUse>,
    cancel: Cancel,
    tools: Arc<ToolRegistry>,
}

impl BeforeToolCallEvent {
    pub(crate) fn new(frame: Frame, tool_use: Arc<ToolUse>, tools: Arc<ToolRegistry>) -> Self {
        let selected_tool = tools.get(&tool_use.name).cloned();
        Self { frame, selected_tool, selected: false, tool_use, cancel: Cancel::No, tools }
    }

    /// The tool that will run; none if there is no tool of that name.
    pub fn selected_tool(&self) -> Option<&Arc<dyn Tool>> {
        self.selected_tool.as_ref()
    }

    /// Lets another tool run in its place, or none (the model is told that the tool is unknown).
    pub fn set_selected_tool(&mut self, tool: Option<Arc<dyn Tool>>) {
        self.selected_tool = tool;
        self.selected = true;
    }

    /// What the model asked for, with the changes of callbacks before this one.
    pub fn tool_use(&self) -> &ToolUse {
        &self.tool_use
    }

    /// Changes the arguments. The history keeps what the model asked for; the tool gets these.
    pub fn set_input(&mut self, input: Value) {
        Arc::make_mut(&mut self.tool_use).input = input;
    }

    /// Puts another use in its place. With another name, the tool of that name is selected, unless a
    /// hook has selected one already.
    ///
    /// # Errors
    /// The id was changed: the result could not be tied to the model's request any more. Nothing
    /// was changed then.
    pub fn set_tool_use(&mut self, tool_use: ToolUse) -> Result<(), Error> {
        if tool_use.tool_use_id != self.tool_use.tool_use_id {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "a hook can't change the id of a tool use (`{}` to `{}`): keep it, and change name or input",
                    self.tool_use.tool_use_id, tool_use.tool_use_id
                ),
            ));
        }
        if tool_use.name != self.tool_use.name && !self.selected {
            self.selected_tool = self.tools.get(&tool_use.name).cloned();
        }
        self.tool_use = Arc::new(tool_use);
        Ok(())
    }

    /// Whether the call is cancelled.
    pub fn cancelled(&self) -> &Cancel {
        &self.cancel
    }

    /// The tool does not run: the model gets an error result with the text (or
    /// `tool cancelled by user`).
    pub fn cancel_tool(&mut self, cancel: impl Into<Cancel>) {
        self.cancel.set(cancel.into());
    }

    /// The same as [`cancel_tool`](Self::cancel_tool).
    pub fn cancel(&mut self, cancel: impl Into<Cancel>) {
        self.cancel_tool(cancel);
    }

    pub(crate) fn into_parts(self) -> (Option<Arc<dyn Tool>>, Arc<ToolUse>, Cancel) {
        (self.selected_tool, self.tool_use, self.cancel)
    }
}

impl fmt::Debug for BeforeToolCallEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeToolCallEvent")
            .field("selected_tool", &self.selected_tool.as_ref().map(|tool| &tool.spec().name))
            .field("tool_use", &self.tool_use)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}

agent_event!(BeforeToolCallEvent, writable = ["selected_tool", "tool_use", "cancel_tool"]);

/// A tool has run, or was kept from it. Called in reverse order. May change: `result`, `retry`; neither
/// counts where a guard or a wrap hook failed before the tool ran, which stops the step.
pub struct AfterToolCallEvent {
    frame: Frame,
    selected_tool: Option<Arc<dyn Tool>>,
    tool_use: Arc<ToolUse>,
    result: ToolResult,
    exception: Option<Arc<BoxError>>,
    cancel_message: Option<String>,
    duration: Option<Duration>,
    retry: bool,
}

/// How a call went, for [`AfterToolCallEvent`].
#[derive(Clone, Default)]
pub(crate) struct CallReport {
    pub(crate) exception: Option<Arc<BoxError>>,
    pub(crate) cancel_message: Option<String>,
    pub(crate) duration: Option<Duration>,
}

impl AfterToolCallEvent {
    pub(crate) fn new(
        frame: Frame,
        selected_tool: Option<Arc<dyn Tool>>,
        tool_use: Arc<ToolUse>,
        result: ToolResult,
        report: CallReport,
    ) -> Self {
        let CallReport { exception, cancel_message, duration } = report;
        Self {
            frame,
            selected_tool,
            tool_use,
            result,
            exception,
            cancel_message,
            duration,
            retry: false,
        }
    }

    /// The tool that ran; none if it was unknown or cancelled.
    pub fn selected_tool(&self) -> Option<&Arc<dyn Tool>> {
        self.selected_tool.as_ref()
    }

    /// What it was asked, as it ran.
    pub fn tool_use(&self) -> &ToolUse {
        &self.tool_use
    }

    /// What it gave.
    pub fn result(&self) -> &ToolResult {
        &self.result
    }

    /// Puts another result in its place.
    ///
    /// # Errors
    /// The result belongs to another use. Nothing was changed then.
    pub fn set_result(&mut self, result: ToolResult) -> Result<(), Error> {
        if result.tool_use_id != self.tool_use.tool_use_id {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "a hook can't give tool use `{}` the result of `{}`: keep the id",
                    self.tool_use.tool_use_id, result.tool_use_id
                ),
            ));
        }
        self.result = result;
        Ok(())
    }

    /// What went wrong in the tool, if something did.
    pub fn exception(&self) -> Option<&BoxError> {
        self.exception.as_deref()
    }

    /// Why the call was cancelled, if it was.
    pub fn cancel_message(&self) -> Option<&str> {
        self.cancel_message.as_deref()
    }

    /// How long the tool ran; none if it did not, or if that was in another process.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Whether the call will be made again.
    pub fn retry(&self) -> bool {
        self.retry
    }

    /// Makes the call again, `BeforeToolCall` hooks included. There is no bound: the hook must know
    /// when to stop. Not done after a cancel, nor if nobody knows whether the call ran.
    pub fn set_retry(&mut self, retry: bool) {
        self.retry = retry;
    }

    pub(crate) fn into_result(self) -> ToolResult {
        self.result
    }
}

impl fmt::Debug for AfterToolCallEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterToolCallEvent")
            .field("selected_tool", &self.selected_tool.as_ref().map(|tool| &tool.spec().name))
            .field("tool_use", &self.tool_use)
            .field("result", &self.result)
            .field("exception", &self.exception)
            .finish_non_exhaustive()
    }
}

agent_event!(AfterToolCallEvent, reverse = true, writable = ["result", "retry"]);
