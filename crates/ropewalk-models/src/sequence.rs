//! Blocks one after the other, of answers in which tool calls come whole.

use std::collections::VecDeque;

use ropewalk_core::{
    BlockDelta, BlockStart, BlockStartChunk, Citation, Extra, ModelChunk, ReasoningDelta,
    ToolUseStart,
};
use serde_json::Value;

/// Makes blocks of the pieces of an answer. A block is open as long as pieces of its kind come.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    open: Open,
    has_calls: bool,
    /// Sources of the open text, or of the next one.
    citations: Vec<Citation>,
    /// Signatures that came with the open text.
    signatures: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    Text,
    Reasoning,
}

impl Sequence {
    /// Whether there was any tool call.
    pub(crate) fn has_calls(&self) -> bool {
        self.has_calls
    }

    /// Takes a piece of text.
    pub(crate) fn text(&mut self, piece: &str, out: &mut VecDeque<ModelChunk>) {
        if !piece.is_empty() {
            self.open(Open::Text, out);
            out.push_back(ModelChunk::text_delta(piece));
        }
    }

    /// Takes a piece of thoughts.
    pub(crate) fn reasoning(&mut self, piece: &str, out: &mut VecDeque<ModelChunk>) {
        if !piece.is_empty() {
            self.open(Open::Reasoning, out);
            out.push_back(ModelChunk::reasoning_delta(piece));
        }
    }

    /// Takes the signature over the thoughts so far. It does not cut the text that is open in two, but waits for its
    /// end.
    pub(crate) fn signature(&mut self, signature: String, out: &mut VecDeque<ModelChunk>) {
        if self.open == Open::Text {
            self.signatures.push(signature);
            return;
        }
        self.open(Open::Reasoning, out);
        let delta = ReasoningDelta { signature: Some(signature), ..ReasoningDelta::default() };
        out.push_back(ModelChunk::delta(BlockDelta::ReasoningContent(delta)));
        self.close(out);
    }

    /// Takes a source of the text that is open, or else of the one that comes next.
    pub(crate) fn citation(&mut self, citation: Citation) {
        self.citations.push(citation);
    }

    /// Takes a whole tool call. One without an id gets one of its own: two calls of a tool must not be mixed up.
    pub(crate) fn call(
        &mut self,
        mut start: ToolUseStart,
        arguments: Option<Value>,
        out: &mut VecDeque<ModelChunk>,
    ) {
        self.close(out);
        self.has_calls = true;
        if start.tool_use_id.is_empty() {
            start.tool_use_id = format!("call_{}", uuid::Uuid::new_v4().simple());
        }
        out.push_back(ModelChunk::ContentBlockStart(BlockStartChunk {
            content_block_index: None,
            start: BlockStart { tool_use: Some(start) },
        }));
        match arguments {
            None | Some(Value::Null) => {}
            // JSON in a string, as other interfaces have it: it goes on as it came.
            Some(Value::String(text)) => out.push_back(ModelChunk::input_delta(text)),
            Some(other) => out.push_back(ModelChunk::input_delta(other.to_string())),
        }
        out.push_back(ModelChunk::block_stop());
    }

    /// Takes a whole block of the provider's own.
    pub(crate) fn own(&mut self, block: Extra, out: &mut VecDeque<ModelChunk>) {
        self.close(out);
        let block = ModelChunk::delta(BlockDelta::Unknown(block));
        out.extend([ModelChunk::block_start(), block, ModelChunk::block_stop()]);
    }

    /// Closes the open block.
    pub(crate) fn close(&mut self, out: &mut VecDeque<ModelChunk>) {
        let closed = std::mem::take(&mut self.open);
        if closed == Open::None {
            return;
        }
        if closed == Open::Text {
            let sources =
                self.citations.drain(..).map(|source| BlockDelta::Citation(source.into()));
            out.extend(sources.map(ModelChunk::delta));
        }
        out.push_back(ModelChunk::block_stop());
        for signature in std::mem::take(&mut self.signatures) {
            self.signature(signature, out);
        }
    }

    fn open(&mut self, kind: Open, out: &mut VecDeque<ModelChunk>) {
        if self.open != kind {
            self.close(out);
            out.push_back(ModelChunk::block_start());
            self.open = kind;
        }
    }
}
