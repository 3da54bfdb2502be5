//! What counts as a part of an answer.

use ropewalk_core::{BlockDelta, ModelChunk};

/// True if who reads the stream has something of the answer with this chunk: a text, a call, a thought, or its end.
/// What only announces such a thing, and signs of life, are nothing yet.
pub(super) fn gives_something(chunk: &ModelChunk) -> bool {
    match chunk {
        ModelChunk::ContentBlockStart(block) => block.start.tool_use.is_some(),
        ModelChunk::ContentBlockDelta(block) => match &block.delta {
            BlockDelta::Text(text) => !text.is_empty(),
            BlockDelta::ToolUse(piece) => {
                !piece.input.is_empty() || piece.tool_use_id.is_some() || piece.name.is_some()
            }
            BlockDelta::ReasoningContent(piece) => {
                let is_there =
                    |text: &Option<String>| text.as_ref().is_some_and(|it| !it.is_empty());
                is_there(&piece.text)
                    || is_there(&piece.signature)
                    || piece.redacted_content.as_deref().is_some_and(|sealed| !sealed.is_empty())
            }
            // Also what this version does not know: a tool, say, that runs at the provider.
            _ => true,
        },
        ModelChunk::MessageStop(_) | ModelChunk::RedactContent(_) => true,
        _ => false,
    }
}
