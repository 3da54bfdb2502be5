//! What an open question asks.

use ropewalk_core::{Interrupt, Preview};
use serde::Deserialize as _;
use serde_json::Value;

/// What an open question asks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Question {
    /// Whether a tool may run with these arguments.
    MayRun { tool: String, input: Value, preview: Option<Preview> },
    /// Something else: its reason says what.
    Other,
}

impl Question {
    pub(crate) fn of(interrupt: &Interrupt) -> Self {
        let tool = interrupt.reason.get("tool").and_then(Value::as_str);
        let input = interrupt.reason.get("input");
        match (tool, input) {
            (Some(tool), Some(input)) if interrupt.name == super::NAME => {
                let preview = interrupt.reason.get("preview");
                let preview = preview.and_then(|preview| Preview::deserialize(preview).ok());
                Self::MayRun { tool: tool.to_owned(), input: input.clone(), preview }
            }
            _ => Self::Other,
        }
    }
}
