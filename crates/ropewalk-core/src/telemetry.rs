//! Spans of an agent's steps, named as OpenTelemetry's conventions for generative AI have them.
//!
//! They are `tracing` spans: who listens decides where they go. If nobody does, they cost a look at a
//! flag. What was said stands in them only where [`AgentBuilder::trace_content`] switched it on.
//!
//! [`AgentBuilder::trace_content`]: crate::AgentBuilder::trace_content

mod attribute;
mod span;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use attribute::TraceAttribute;
pub(crate) use span::{
    answered, chat, ended, execute_tool, failed, invoke_agent, tool_ended, tool_failed, used,
};

/// What the spans of an agent show besides what they always do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telemetry {
    /// True if they hold what was said.
    content: bool,
    /// The caller's own attributes, as a JSON object; none if there are none.
    attributes: Option<Arc<str>>,
}

impl Telemetry {
    pub(crate) fn new(content: bool, attributes: &BTreeMap<String, TraceAttribute>) -> Self {
        let attributes = (!attributes.is_empty()).then(|| span::json(attributes).into());
        Self { content, attributes }
    }
}
