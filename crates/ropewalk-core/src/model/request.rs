//! What a model is asked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::ToolSpec;
use crate::message::{SystemPrompt, Transcript};

/// What a model is asked: the conversation, what it was told, and the tools it may ask for.
/// Making and cloning one copies no message.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ModelRequest {
    /// The conversation so far.
    pub messages: Transcript,
    /// What the model is told before the conversation.
    pub system: Option<SystemPrompt>,
    /// The tools it may ask for.
    pub tools: Arc<[Arc<ToolSpec>]>,
    /// Whether it may, must, or which one. None: it may.
    pub tool_choice: Option<ToolChoice>,
    /// The JSON Schema that the answer's text must follow, where the model can hold to one.
    pub output_schema: Option<Arc<Value>>,
    /// How many tokens the answer may have at most, where a limit says so
    /// ([`Limits::output_tokens`](crate::Limits::output_tokens)): what is left of it. A model that can be
    /// told so ends there, with [`StopReason::MaxTokens`](super::StopReason::MaxTokens).
    pub max_output_tokens: Option<u64>,
    /// Cancelled when the answer is not wanted any more. A model that runs apart from its stream
    /// (on a thread, in a process) watches it.
    pub cancel: CancellationToken,
}

impl ModelRequest {
    /// A request with a conversation and nothing else.
    pub fn new(messages: Transcript) -> Self {
        Self { messages, ..Self::default() }
    }

    /// Sets what the model is told before the conversation.
    #[must_use]
    pub fn with_system(mut self, system: impl Into<SystemPrompt>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// Sets the tools that the model may ask for.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = ToolSpec>) -> Self {
        self.tools = tools.into_iter().map(Arc::new).collect();
        self
    }
}

/// Whether the model may, must, or which tool it must ask for; JSON as in Strands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolChoice {
    /// It may: `{"auto": {}}`.
    Auto {},
    /// It must ask for one: `{"any": {}}`.
    Any {},
    /// It must ask for this one: `{"tool": {"name": …}}`.
    Tool {
        /// The tool's name.
        name: String,
    },
}
