//! What a scripted model says in one call.

use std::time::Duration;

use ropewalk_core::{
    ContentBlock, ErrorKind, Message, Metrics, ModelChunk, Role, StopReason, ToolUse, Usage,
};
use serde_json::Value;

/// What a scripted model says in one call.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) chunks: Vec<ModelChunk>,
    pub(super) ending: Ending,
}

#[derive(Clone, Debug)]
pub(super) enum Ending {
    Done,
    Error(ErrorKind, String, Option<Duration>),
    Silence,
}

impl Reply {
    /// A text, streamed word by word. It counts as one token in for nothing and one out a word.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        let words = text.split_inclusive(' ').map(ModelChunk::text_delta);
        let mut chunks = vec![ModelChunk::message_start(), ModelChunk::block_start()];
        chunks.extend(words);
        let usage = Usage::new(10, text.split_whitespace().count() as u64);
        chunks.extend([
            ModelChunk::block_stop(),
            ModelChunk::message_stop(StopReason::EndTurn),
            ModelChunk::metadata(usage, Metrics::default()),
        ]);
        Self::chunks(chunks)
    }

    /// A request for one tool, under the id `t1`.
    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        Self::tools([("t1".to_owned(), name.into(), input)])
    }

    /// A request for one tool, under the id `t1`, with arguments just as they are written here: they
    /// need not be JSON.
    pub fn raw_tool(name: impl Into<String>, input: impl Into<String>) -> Self {
        Self::chunks([
            ModelChunk::message_start(),
            ModelChunk::tool_use_start("t1", name),
            ModelChunk::input_delta(input),
            ModelChunk::block_stop(),
            ModelChunk::message_stop(StopReason::ToolUse),
            ModelChunk::metadata(Usage::new(10, 5), Metrics::default()),
        ])
    }

    /// A request for several tools at once: id, name, input of each.
    pub fn tools<I: Into<String>, N: Into<String>>(
        calls: impl IntoIterator<Item = (I, N, Value)>,
    ) -> Self {
        let uses = calls
            .into_iter()
            .map(|(id, name, input)| ContentBlock::from(ToolUse::new(id, name, input)));
        Self::message(Message::new(Role::Assistant, uses.collect()))
    }

    /// A whole message; it ends for tools if it asks for any.
    pub fn message(message: Message) -> Self {
        let reason = match message.tool_uses().next() {
            Some(_) => StopReason::ToolUse,
            None => StopReason::EndTurn,
        };
        Self::chunks(ModelChunk::from_message(&message, reason, Usage::new(10, 5)))
    }

    /// Exactly these chunks.
    pub fn chunks(chunks: impl IntoIterator<Item = ModelChunk>) -> Self {
        Self { chunks: chunks.into_iter().collect(), ending: Ending::Done }
    }

    /// An error, before anything was said.
    pub fn error(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { chunks: Vec::new(), ending: Ending::Error(kind, text.into(), None) }
    }

    /// Says only the first `count` chunks and then fails.
    #[must_use]
    pub fn failing_after(mut self, count: usize, kind: ErrorKind, text: impl Into<String>) -> Self {
        self.chunks.truncate(count);
        self.ending = Ending::Error(kind, text.into(), None);
        self
    }

    /// With the error, asks to wait so long before the next try.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        if let Ending::Error(.., retry_after) = &mut self.ending {
            *retry_after = Some(wait);
        }
        self
    }

    /// Says only the first `count` chunks; the stream ends then, as if all had been said.
    #[must_use]
    pub fn breaking_off_after(mut self, count: usize) -> Self {
        self.chunks.truncate(count);
        self
    }

    /// Gives another reason for its end.
    #[must_use]
    pub fn stopping_with(mut self, reason: StopReason) -> Self {
        for chunk in &mut self.chunks {
            if let ModelChunk::MessageStop(stop) = chunk {
                stop.stop_reason = reason.clone();
            }
        }
        self
    }

    /// Says that it used so many tokens.
    #[must_use]
    pub fn using(mut self, usage: Usage) -> Self {
        for chunk in &mut self.chunks {
            if let ModelChunk::Metadata(metadata) = chunk {
                metadata.usage = usage;
            }
        }
        self
    }

    /// Says only the first `count` chunks and then nothing more, for ever: until it is cancelled.
    #[must_use]
    pub fn silent_after(mut self, count: usize) -> Self {
        self.chunks.truncate(count);
        self.ending = Ending::Silence;
        self
    }
}
