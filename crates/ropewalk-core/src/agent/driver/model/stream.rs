//! The stream of one model call: its chunks put together, and sent on.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Instant;

use futures_util::{FutureExt as _, StreamExt as _};

use super::Called;
use crate::agent::driver::Driver;
use crate::agent::driver::fire::millis;
use crate::agent::{AgentEvent, CurrentToolUse};
use crate::error::{Error, ErrorKind};
use crate::hook::{ModelStreamEvent, panic_error};
use crate::message::{MessageMetadata, Metrics};
use crate::model::{BlockDelta, MessageAssembler, Model, ModelChunk, ModelRequest, ModelTurn};

impl Driver<'_> {
    /// Asks a model, and sends on what it streams.
    pub(in crate::agent::driver) async fn stream_answer(
        &self,
        model: &dyn Model,
        request: ModelRequest,
    ) -> Called {
        // Whatever runs apart from the stream ends with it.
        let _stop = request.cancel.clone().drop_guard();

        let started = Instant::now();
        let mut first_content = None;
        let mut assembler = MessageAssembler::new();
        // Polled within the guard: what makes a stream may panic as well as the stream.
        let stream = futures_util::stream::once(async move { model.stream(request) }).flatten();
        let mut stream = pin!(stream);
        loop {
            let next = AssertUnwindSafe(stream.next()).catch_unwind();
            let chunk = tokio::select! {
                biased;
                () = self.cancel.cancelled() => {
                    return Called::Cancelled(assembler.partial_text(), assembler.usage());
                }
                chunk = next => chunk,
            };
            match chunk {
                Ok(Some(Ok(chunk))) => {
                    if matches!(
                        chunk,
                        ModelChunk::ContentBlockStart(_) | ModelChunk::ContentBlockDelta(_)
                    ) {
                        first_content.get_or_insert_with(|| started.elapsed());
                    }
                    assembler.push(&chunk);
                    self.show(&chunk).await;
                    self.announce(chunk, &assembler);
                }
                Ok(Some(Err(error))) if error.is_cancelled() && self.cancel.is_cancelled() => {
                    return Called::Cancelled(assembler.partial_text(), assembler.usage());
                }
                Ok(Some(Err(error))) => return Called::Failed(error),
                Ok(None) => break,
                Err(panic) => {
                    let error = panic_error(&*panic);
                    let text = format!("the model `{}` {error}", model.id());
                    return Called::Failed(Error::new(ErrorKind::Other, text));
                }
            }
        }
        match assembler.finish() {
            Ok(mut turn) => {
                if turn.metrics == Metrics::default() {
                    turn.metrics = Metrics {
                        latency_ms: millis(started.elapsed()),
                        time_to_first_byte_ms: first_content.map(millis),
                    };
                }
                turn.message.metadata = Some(MessageMetadata {
                    usage: Some(turn.usage),
                    metrics: Some(turn.metrics),
                    ..MessageMetadata::default()
                });
                Called::Answered(Box::new(turn))
            }
            Err(error) => Called::Failed(error),
        }
    }

    /// Shows a chunk to the hooks that look at the stream.
    async fn show(&self, chunk: &ModelChunk) {
        if self.hooks.watches_stream() {
            let event = ModelStreamEvent::new(self.view(), chunk.clone());
            self.hooks.show_stream(event).await;
        }
    }

    /// Sends an answer that no model streamed.
    pub(in crate::agent::driver) async fn announce_answer(&self, turn: &ModelTurn) {
        let mut assembler = MessageAssembler::new();
        let (reason, usage) = (turn.stop_reason.clone(), turn.usage);
        for chunk in ModelChunk::from_message(&turn.message, reason, usage) {
            assembler.push(&chunk);
            self.show(&chunk).await;
            self.announce(chunk, &assembler);
        }
    }

    /// Sends the raw chunk, then what it means.
    fn announce(&self, chunk: ModelChunk, assembler: &MessageAssembler) {
        if !self.sink.is_heard() {
            return;
        }
        let delta = match &chunk {
            ModelChunk::ContentBlockDelta(block) => Some(block.delta.clone()),
            _ => None,
        };
        let so_far = self.output_so_far(&chunk, assembler);
        self.sink.send(|| AgentEvent::Chunk(chunk));
        // What this version does not know is in the raw chunk, and means nothing more here.
        if let Some(delta) = delta.filter(|delta| !matches!(delta, BlockDelta::Unknown(_))) {
            self.sink.send(|| meaning(delta, assembler));
        }
        if let Some(partial) = so_far {
            self.sink.send(|| AgentEvent::StructuredOutputStream { partial });
        }
    }
}

/// What a piece of an answer means.
fn meaning(delta: BlockDelta, assembler: &MessageAssembler) -> AgentEvent {
    match delta {
        BlockDelta::Text(text) => AgentEvent::Text(text),
        BlockDelta::ToolUse(_) => {
            let (id, name, input) = assembler.current_tool_use().unwrap_or_default();
            let current = CurrentToolUse {
                tool_use_id: id.to_owned(),
                name: name.to_owned(),
                input: input.to_owned(),
            };
            AgentEvent::ToolUseStream { delta, current }
        }
        BlockDelta::Citation(_) => AgentEvent::Citation(delta),
        BlockDelta::ReasoningContent(_) | BlockDelta::Unknown(_) => AgentEvent::Reasoning(delta),
    }
}
