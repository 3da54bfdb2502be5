//! The stream of one model call: its chunks put together, and sent on.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;

use futures_util::FutureExt as _;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Called;
use super::watchdog::{Watchdog, stalled};
use crate::agent::driver::Driver;
use crate::agent::driver::fire::millis;
use crate::agent::{AgentEvent, CurrentToolUse, RollbackReason};
use crate::clock::has_clock;
use crate::error::{Error, ErrorKind};
use crate::hook::{ModelStreamEvent, panic_error};
use crate::message::{Metrics, Usage};
use crate::model::{
    BlockDelta, BoxStream, MessageAssembler, Model, ModelChunk, ModelRequest, ModelTurn,
};
use crate::telemetry;

/// So many chunks are sent on at once, where a server has sent more: then whoever listens gets them first.
const MOST_UNHEARD: usize = 64;

impl Driver<'_> {
    /// Asks a model, sends on what it streams, and counts what that cost.
    pub(in crate::agent::driver) async fn stream_answer(
        &self,
        model: &dyn Model,
        request: ModelRequest,
    ) -> Called {
        // Something else may have been said before, by an attempt that a wrap hook replaces.
        self.roll_back(RollbackReason::Hook);
        let (has_cost, is_idle) = {
            let run = self.run();
            (run.limits().has_cost(), run.is_idle())
        };
        // Beside the conversation, the run has no limits of its own.
        let has_cost = has_cost || is_idle && self.limits().has_cost();
        let priced = match has_cost {
            true => self.blueprint.price_of(model).map(drop),
            false => Ok(()),
        };
        if let Err(error) = priced {
            return Called::Failed(error, Usage::default());
        }
        let telemetry = &self.blueprint.telemetry;
        let span = telemetry::chat(telemetry, model.id(), &request.messages);
        let stream = Box::pin(self.stream(model, request));
        let called = stream.instrument(span.clone()).await;
        match &called {
            Called::Answered(turn) => {
                self.recorder.answer(&turn.metrics, turn.usage);
                telemetry::answered(telemetry, &span, turn);
            }
            Called::Failed(error, usage) => {
                telemetry::used(&span, *usage);
                telemetry::failed(telemetry, &span, error);
            }
            Called::Cancelled(_, usage) => telemetry::used(&span, *usage),
            Called::Asked => {}
        }
        match self.charge(model, called.usage()).await {
            Ok(()) => called,
            Err(error) => Called::Failed(error, called.usage()),
        }
    }

    async fn stream(&self, model: &dyn Model, request: ModelRequest) -> Called {
        // Whatever runs apart from the stream ends with it.
        let _stop = request.cancel.clone().drop_guard();

        let started = Instant::now();
        let mut first_content = None;
        let mut assembler = MessageAssembler::new();
        let mut request = Some(request);
        let mut stream: Option<BoxStream<'_, _>> = None;
        let mut stopping = pin!(self.stopping());
        let mut watchdog = Watchdog::new(self.blueprint.timeouts, has_clock());
        let mut chunks = 0_usize;
        loop {
            // Looked at before each chunk, and waited for only where no chunk is there: to set up a wait costs
            // more than to take a chunk.
            if self.is_stopping() {
                return Called::Cancelled(assembler.partial_text(), assembler.usage());
            }
            // Made within the guard: what makes a stream may panic as well as the stream.
            let next = poll_fn(|context| match &mut stream {
                Some(stream) => stream.as_mut().poll_next(context),
                None => match request.take() {
                    Some(request) => {
                        stream.insert(model.stream(request)).as_mut().poll_next(context)
                    }
                    None => Poll::Ready(None),
                },
            });
            let next = AssertUnwindSafe(next).catch_unwind();
            let chunk = tokio::select! {
                biased;
                chunk = next => chunk,
                () = &mut stopping => {
                    return Called::Cancelled(assembler.partial_text(), assembler.usage());
                }
                limit = watchdog.starved() => {
                    return Called::Failed(stalled(model.id(), limit), assembler.usage());
                }
            };
            match chunk {
                Ok(Some(Ok(chunk))) => {
                    if matches!(
                        chunk,
                        ModelChunk::ContentBlockStart(_) | ModelChunk::ContentBlockDelta(_)
                    ) {
                        first_content.get_or_insert_with(|| started.elapsed());
                    }
                    let is_data = chunk.is_data();
                    let is_shown = self.hooks.watches_stream() || self.sink.is_heard();
                    // What those who look on take is no time of the model's.
                    let idle_since = (!is_data && is_shown).then(Instant::now);
                    if self.hooks.watches_stream() {
                        self.show(&chunk).await;
                    }
                    self.take(chunk, &mut assembler);
                    if is_data {
                        watchdog.fed();
                    }
                    if let Some(since) = idle_since {
                        watchdog.excuse(since.elapsed());
                    }
                    chunks += 1;
                    if chunks.is_multiple_of(MOST_UNHEARD) && self.sink.is_streamed() {
                        turn().await;
                    }
                }
                Ok(Some(Err(error))) if error.is_cancelled() && self.is_stopping() => {
                    return Called::Cancelled(assembler.partial_text(), assembler.usage());
                }
                Ok(Some(Err(error))) => return Called::Failed(error, assembler.usage()),
                Ok(None) => break,
                Err(panic) => {
                    let error = panic_error(&*panic);
                    let text = format!("the model `{}` {error}", model.id());
                    let error = Error::new(ErrorKind::Other, text);
                    return Called::Failed(error, assembler.usage());
                }
            }
        }
        let spent = assembler.usage();
        match assembler.finish() {
            Ok(mut turn) => {
                if turn.metrics == Metrics::default() {
                    turn.metrics = Metrics {
                        latency_ms: millis(started.elapsed()),
                        time_to_first_byte_ms: first_content.map(millis),
                    };
                }
                let metadata = turn.message.metadata.get_or_insert_default();
                metadata.usage = Some(turn.usage);
                metadata.metrics = Some(turn.metrics);
                Called::Answered(Box::new(turn))
            }
            Err(error) => Called::Failed(error, spent),
        }
    }

    /// Shows a chunk to the hooks that look at the stream.
    async fn show(&self, chunk: &ModelChunk) {
        let event = ModelStreamEvent::new(self.view(), chunk.clone());
        self.hooks.show_stream(event).await;
    }

    /// Sends an answer that no model streamed.
    pub(in crate::agent::driver) async fn announce_answer(&self, turn: &ModelTurn) {
        let mut assembler = MessageAssembler::new();
        let (reason, usage) = (turn.stop_reason.clone(), turn.usage);
        for chunk in ModelChunk::from_message(&turn.message, reason, usage) {
            if self.hooks.watches_stream() {
                self.show(&chunk).await;
            }
            self.take(chunk, &mut assembler);
        }
    }

    /// Puts a chunk to the others, and sends it to whoever listens.
    fn take(&self, chunk: ModelChunk, assembler: &mut MessageAssembler) {
        if chunk.is_data() {
            self.shown.store(true, Ordering::Release);
        }
        match self.sink.is_heard() {
            false => assembler.push_owned(chunk),
            true => {
                assembler.push(&chunk);
                self.announce(chunk, assembler);
            }
        }
    }

    /// Sends the raw chunk, then what it means.
    fn announce(&self, chunk: ModelChunk, assembler: &MessageAssembler) {
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

/// Lets whoever polls have a turn.
async fn turn() {
    let mut had = false;
    poll_fn(|context| {
        if std::mem::replace(&mut had, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
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
            AgentEvent::ToolUseStream { delta, current: Box::new(current) }
        }
        BlockDelta::Citation(_) => AgentEvent::Citation(delta),
        BlockDelta::ReasoningContent(_) | BlockDelta::Unknown(_) => AgentEvent::Reasoning(delta),
    }
}
