//! Turns that the provider pauses, and that go on.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use ropewalk_core::{
    BoxStream, ContentBlock, Error, Message, MessageAssembler, Metrics, ModelChunk, ModelRequest,
    Role, Usage,
};

use super::dialect::Anthropic;
use crate::http;

/// How often a turn goes on before it ends all the same.
const MOST: usize = 10;

type Answer = BoxStream<'static, Result<ModelChunk, Error>>;

/// Asks, and asks on where the provider paused: to the caller it is one answer.
pub(super) fn stream(model: &Arc<Anthropic>, request: ModelRequest) -> Answer {
    let first = http::stream(model, request.clone());
    if !model.may_pause() {
        return first;
    }
    let turn = Turn {
        model: Arc::clone(model),
        request,
        answer: first,
        assembler: MessageAssembler::new(),
        said: Vec::new(),
        has_calls: false,
        is_paused: false,
        calls_before: 0,
        usage: Usage::default(),
        metrics: Metrics::default(),
    };
    Box::pin(stream::unfold(turn, Turn::next).fuse())
}

/// A turn of several calls.
struct Turn {
    model: Arc<Anthropic>,
    /// What was asked first.
    request: ModelRequest,
    /// What comes from the call under way.
    answer: Answer,
    assembler: MessageAssembler,
    /// What the calls before it said.
    said: Vec<ContentBlock>,
    has_calls: bool,
    /// The provider paused: after this call comes another.
    is_paused: bool,
    calls_before: usize,
    /// What all of them used.
    usage: Usage,
    metrics: Metrics,
}

impl Turn {
    async fn next(mut self) -> Option<(Result<ModelChunk, Error>, Self)> {
        loop {
            let mut chunk = match self.answer.next().await? {
                Ok(chunk) => chunk,
                Err(error) => return Some((Err(error), self)),
            };
            self.assembler.push(&chunk);
            match &mut chunk {
                ModelChunk::MessageStart(_) if self.calls_before > 0 => continue,
                ModelChunk::ContentBlockStart(block) => {
                    self.has_calls |= block.start.tool_use.is_some();
                }
                ModelChunk::MessageStop(stop) if stop.stop_reason.as_str() == "pause_turn" => {
                    self.is_paused = self.can_go_on();
                    if self.is_paused {
                        continue;
                    }
                }
                ModelChunk::Metadata(metadata) => {
                    self.usage += metadata.usage;
                    self.metrics.latency_ms += metadata.metrics.latency_ms;
                    let first = &mut self.metrics.time_to_first_byte_ms;
                    *first = first.or(metadata.metrics.time_to_first_byte_ms);
                    if self.is_paused {
                        self.go_on();
                        continue;
                    }
                    (metadata.usage, metadata.metrics) = (self.usage, self.metrics);
                }
                _ => {}
            }
            return Some((Ok(chunk), self));
        }
    }

    /// Whether the turn can go on; what was said is taken over then.
    fn can_go_on(&mut self) -> bool {
        // A call of ours waits for its result: the turn is not the provider's.
        if self.has_calls || self.calls_before >= MOST {
            return false;
        }
        let before = self.said.len();
        if let Ok(turn) = std::mem::take(&mut self.assembler).finish() {
            self.said.extend(turn.message.content);
        }
        // A turn that says nothing would be paused for ever.
        self.said.len() > before
    }

    fn go_on(&mut self) {
        self.is_paused = false;
        self.calls_before += 1;
        tracing::debug!(model = self.model.endpoint.id, "the provider paused, the turn goes on");
        let mut request = self.request.clone();
        let said = Message::new(Role::Assistant, self.said.clone());
        // It holds no calls, so it can follow anything.
        if let Err(error) = request.messages.push(said) {
            tracing::warn!(%error, "what was said before the pause is asked for again");
        }
        if let Some(left) = &mut request.max_output_tokens {
            *left = left.saturating_sub(self.usage.output_tokens);
        }
        self.answer = http::stream(&self.model, request);
    }
}
