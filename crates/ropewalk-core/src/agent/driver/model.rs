//! One model call, with its hooks.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{FutureExt as _, StreamExt as _};

use super::Driver;
use crate::agent::{AgentEvent, CurrentToolUse};
use crate::error::{Error, ErrorKind};
use crate::hook::{AfterModelCallEvent, BeforeModelCallEvent, panic_error};
use crate::message::{Message, MessageMetadata, Metrics, Usage};
use crate::model::{BlockDelta, MessageAssembler, ModelChunk, ModelRequest, ModelTurn, StopReason};
use crate::run::Record;

/// How a model call ended.
enum Asked {
    Answered(Box<ModelTurn>),
    Failed(Error),
    Cancelled(String, Usage),
}

impl Driver<'_> {
    /// Asks the model until it has answered and no hook wants another answer.
    pub(super) async fn ask_model(&self) -> Result<(), Error> {
        self.sink.send(|| AgentEvent::Start);
        self.sink.send(|| AgentEvent::StartEventLoop);
        let mut discarded = Usage::default();
        let turn = loop {
            let asked = match self.before_model_call().await {
                Ok(None) => self.stream_answer().await,
                Ok(Some(denied)) => Asked::Answered(Box::new(denied)),
                Err(error) => Asked::Failed(error),
            };
            let outcome = match asked {
                Asked::Answered(turn) => Ok(Arc::new(*turn)),
                Asked::Failed(error) => Err(Arc::new(error)),
                Asked::Cancelled(text, mut usage) => {
                    let error = Error::new(ErrorKind::Cancelled, "the invocation was cancelled");
                    // What was begun is announced as ended, also now.
                    self.after_model_call(&Err(Arc::new(error))).await?;
                    usage += discarded;
                    return self.cancelled(Some((text, usage))).await;
                }
            };
            let retry = self.after_model_call(&outcome).await?;
            match outcome {
                Ok(turn) if retry => discarded += turn.usage,
                Err(_) if retry && !self.cancel.is_cancelled() => {}
                Ok(turn) => break turn,
                Err(error) => return Err(unshare(error)),
            }
        };
        let message = Arc::new(turn.message.clone());
        let turn = Arc::unwrap_or_clone(turn);
        self.commit(Record::ModelAnswered { turn, discarded }).await?;
        self.sink.send(|| AgentEvent::Message(Arc::clone(&message)));
        self.message_added(message).await
    }

    /// The answer that stands in place of the model's, if a hook cancels the call.
    async fn before_model_call(&self) -> Result<Option<ModelTurn>, Error> {
        let hooks = &self.blueprint.hooks;
        if !hooks.listens_to::<BeforeModelCallEvent>() {
            return Ok(None);
        }
        let event = BeforeModelCallEvent::new(self.view());
        let (event, _) = hooks.invoke_callbacks_async(event).await?;
        let denied = event.cancelled().text("model call denied by hook");
        Ok(denied.map(|text| ModelTurn {
            message: Message::assistant(text),
            stop_reason: StopReason::EndTurn,
            usage: Usage::default(),
            metrics: Metrics::default(),
            malformed: Vec::new(),
            redact_user: None,
        }))
    }

    /// Says whether a hook wants the model to be asked again.
    async fn after_model_call(
        &self,
        outcome: &Result<Arc<ModelTurn>, Arc<Error>>,
    ) -> Result<bool, Error> {
        let hooks = &self.blueprint.hooks;
        if !hooks.listens_to::<AfterModelCallEvent>() {
            return Ok(false);
        }
        let event = AfterModelCallEvent::new(self.view(), outcome.clone());
        let (event, _) = hooks.invoke_callbacks_async(event).await?;
        Ok(event.retry())
    }

    async fn stream_answer(&self) -> Asked {
        let mut request = ModelRequest::new(self.run().transcript().clone());
        request.system.clone_from(&self.blueprint.identity.system_prompt);
        request.tools = Arc::clone(&self.blueprint.specs);
        request.cancel = self.cancel.child_token();
        // Whatever runs apart from the stream ends with it.
        let _stop = request.cancel.clone().drop_guard();

        let started = Instant::now();
        let mut first_content = None;
        let mut assembler = MessageAssembler::new();
        // Polled within the guard: what makes a stream may panic as well as the stream.
        let model = &self.blueprint.model;
        let stream = futures_util::stream::once(async move { model.stream(request) }).flatten();
        let mut stream = pin!(stream);
        loop {
            let next = AssertUnwindSafe(stream.next()).catch_unwind();
            let chunk = tokio::select! {
                biased;
                () = self.cancel.cancelled() => {
                    return Asked::Cancelled(assembler.partial_text(), assembler.usage());
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
                    self.announce(chunk, &assembler);
                }
                Ok(Some(Err(error))) if error.is_cancelled() && self.cancel.is_cancelled() => {
                    return Asked::Cancelled(assembler.partial_text(), assembler.usage());
                }
                Ok(Some(Err(error))) => return Asked::Failed(error),
                Ok(None) => break,
                Err(panic) => {
                    let error = panic_error(&*panic);
                    let text = format!("the model `{}` {error}", self.blueprint.model.id());
                    return Asked::Failed(Error::new(ErrorKind::Other, text));
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
                Asked::Answered(Box::new(turn))
            }
            Err(error) => Asked::Failed(error),
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
        self.sink.send(|| AgentEvent::Chunk(chunk));
        // What this version does not know is in the raw chunk, and means nothing more here.
        let Some(delta) = delta.filter(|delta| !matches!(delta, BlockDelta::Unknown(_))) else {
            return;
        };
        self.sink.send(|| match delta {
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
            BlockDelta::ReasoningContent(_) | BlockDelta::Unknown(_) => {
                AgentEvent::Reasoning(delta)
            }
        });
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The error itself, if no hook kept it; else one that stands for it.
fn unshare(error: Arc<Error>) -> Error {
    Arc::try_unwrap(error).unwrap_or_else(|shared| {
        let error = Error::new(shared.kind(), shared.to_string());
        match shared.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
        .with_source(shared)
    })
}
