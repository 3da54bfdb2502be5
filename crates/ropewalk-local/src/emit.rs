//! Chunks of an answer, on their way to whoever listens.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Instant;

use ropewalk_core::{Error, Metrics, ModelChunk, StopReason, Usage};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

/// Sends the chunks of one message in their order.
#[derive(Debug)]
pub(crate) struct Emitter {
    to: UnboundedSender<Result<ModelChunk, Error>>,
    started: Instant,
    first: Option<u64>,
    in_text: bool,
    calls: usize,
    pub(crate) usage: Usage,
}

impl Emitter {
    pub(crate) fn new(to: UnboundedSender<Result<ModelChunk, Error>>) -> Self {
        let emitter = Self {
            to,
            started: Instant::now(),
            first: None,
            in_text: false,
            calls: 0,
            usage: Usage::default(),
        };
        emitter.send(ModelChunk::message_start());
        emitter
    }

    fn send(&self, chunk: ModelChunk) {
        // Nobody listens any more: the stream's end has cancelled the work already.
        let _ = self.to.send(Ok(chunk));
    }

    /// Sends text; says whether somebody still listens.
    pub(crate) fn text(&mut self, text: &str) -> bool {
        if !text.is_empty() {
            self.mark();
            if !self.in_text {
                self.send(ModelChunk::block_start());
                self.in_text = true;
            }
            self.send(ModelChunk::text_delta(text));
        }
        !self.to.is_closed()
    }

    /// Sends a whole text word by word.
    pub(crate) fn words(&mut self, text: &str) {
        for word in text.split_inclusive(' ') {
            self.text(word);
        }
    }

    /// Sends a tool call.
    pub(crate) fn call(&mut self, name: &str, input: &Value) {
        self.close();
        self.mark();
        self.calls += 1;
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_usize(self.calls);
        let id = format!("call_{:016x}", hasher.finish());
        self.send(ModelChunk::tool_use_start(id, name));
        self.send(ModelChunk::input_delta(input.to_string()));
        self.send(ModelChunk::block_stop());
    }

    /// How many calls were sent.
    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// Counts what a session read and wrote.
    pub(crate) fn count(&mut self, (read, cached, written): (usize, usize, usize)) {
        let mut usage = Usage::new(read as u64, written as u64);
        usage.cache_read_input_tokens = Some(cached as u64);
        self.usage += usage;
    }

    fn mark(&mut self) {
        let elapsed = self.started.elapsed().as_millis() as u64;
        self.first.get_or_insert(elapsed);
    }

    fn close(&mut self) {
        if self.in_text {
            self.send(ModelChunk::block_stop());
            self.in_text = false;
        }
    }

    /// The message is whole.
    pub(crate) fn finish(mut self, reason: StopReason) {
        self.close();
        let reason = if self.calls > 0 { StopReason::ToolUse } else { reason };
        self.send(ModelChunk::message_stop(reason));
        let metrics = Metrics {
            latency_ms: self.started.elapsed().as_millis() as u64,
            time_to_first_byte_ms: self.first,
        };
        self.send(ModelChunk::metadata(self.usage, metrics));
    }

    /// The answer broke off.
    pub(crate) fn fail(self, error: Error) {
        let _ = self.to.send(Err(error));
    }
}
