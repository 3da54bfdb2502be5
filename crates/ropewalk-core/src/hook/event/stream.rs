//! What a model streams.

use crate::model::{BlockDelta, ModelChunk};
use crate::view::AgentView;

/// A chunk came from the model; see [`HookRegistry::observe_stream`](crate::HookRegistry::observe_stream).
/// It can only be looked at: what has streamed has streamed.
#[derive(Debug)]
pub struct ModelStreamEvent {
    agent: AgentView,
    chunk: ModelChunk,
}

impl ModelStreamEvent {
    pub(crate) fn new(agent: AgentView, chunk: ModelChunk) -> Self {
        Self { agent, chunk }
    }

    /// The agent at this moment.
    pub fn agent(&self) -> &AgentView {
        &self.agent
    }

    /// The chunk, just as it came.
    pub fn chunk(&self) -> &ModelChunk {
        &self.chunk
    }

    /// The piece of a block in it, if it is one: text, thoughts, the arguments of a tool use.
    pub fn delta(&self) -> Option<&BlockDelta> {
        match &self.chunk {
            ModelChunk::ContentBlockDelta(block) => Some(&block.delta),
            _ => None,
        }
    }

    /// The piece of text in it, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self.delta() {
            Some(BlockDelta::Text(text)) => Some(text),
            _ => None,
        }
    }
}
