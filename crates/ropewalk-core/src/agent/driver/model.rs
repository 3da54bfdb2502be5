//! One model call, with its hooks.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{FutureExt as _, StreamExt as _};

use super::Driver;
use super::fire::{Fired, millis};
use crate::agent::{AgentEvent, CurrentToolUse};
use crate::error::{Error, ErrorKind};
use crate::hook::{AfterModelCallEvent, BeforeModelCallEvent, ModelStreamEvent, panic_error};
use crate::message::{Message, MessageMetadata, Metrics, Role, Transcript, Usage};
use crate::model::{
    BlockDelta, MessageAssembler, Model, ModelChunk, ModelRequest, ModelTurn, StopReason,
};
use crate::run::{DIRECT_CALL, HeldAnswer, Record, Site, Step};

/// How a model call ended.
pub(super) enum Called {
    Answered(Box<ModelTurn>),
    Failed(Error),
    Cancelled(String, Usage),
    /// A question was asked.
    Asked,
}

/// What the hooks before a model call made of it.
enum Before {
    Go,
    Denied(Box<ModelTurn>),
    Asked,
}

/// What the hooks after a model call made of it.
enum After {
    Counts,
    Again,
    Asked,
}

impl Driver<'_> {
    /// Asks the model until it has answered and no hook wants another answer.
    pub(super) async fn ask_model(&self) -> Result<(), Error> {
        self.sink.send(|| AgentEvent::Start);
        self.sink.send(|| AgentEvent::StartEventLoop);
        loop {
            let called = match self.before_model_call().await {
                Ok(Before::Go) => self.call_model().await,
                Ok(Before::Denied(turn)) => Called::Answered(turn),
                Ok(Before::Asked) => return Ok(()),
                Err(error) => Called::Failed(error),
            };
            let outcome = match called {
                Called::Answered(turn) => Ok(Arc::new(*turn)),
                Called::Failed(error) => Err(Arc::new(error)),
                Called::Asked => return Ok(()),
                Called::Cancelled(text, usage) => {
                    let error = Error::new(ErrorKind::Cancelled, "the invocation was cancelled");
                    // What was begun is announced as ended, also now.
                    let announced = self.announce_cancelled(error).await;
                    self.cancelled(Some((text, usage))).await?;
                    return announced;
                }
            };
            let goes_on = self.settle(outcome).await?;
            let asks_again = goes_on && matches!(self.run().next(), Step::Model);
            if !asks_again || self.cancel.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Fires the hooks after a model call that was cancelled: it ends, whatever they want.
    async fn announce_cancelled(&self, error: Error) -> Result<(), Error> {
        if !self.hooks.listens_to::<AfterModelCallEvent>() {
            return Ok(());
        }
        let site = Site::AfterModelCall;
        let place = self.place(&site);
        let make = |frame| AfterModelCallEvent::new(frame, Err(Arc::new(error)));
        let (_, asked) = self.dispatch(&site, place, make).await?;
        if asked.is_some() {
            tracing::warn!("a hook asked a question after a cancel: the cancel goes before it");
        }
        Ok(())
    }

    /// Goes on with an answer, or a failure, that a question kept from counting.
    pub(super) async fn settle_held(&self, held: HeldAnswer) -> Result<(), Error> {
        self.settle(held.into_outcome().map(Arc::new).map_err(Arc::new)).await.map(drop)
    }

    /// Lets an answer or a failure count, unless a hook throws it away or asks; true if it was thrown
    /// away.
    async fn settle(&self, outcome: Result<Arc<ModelTurn>, Arc<Error>>) -> Result<bool, Error> {
        match self.after_model_call(&outcome).await {
            Ok(After::Asked) => return Ok(false),
            Ok(After::Again) => return Ok(true),
            Ok(After::Counts) => {}
            Err(error) => {
                // The answer counts for nothing; its tokens are spent.
                let usage = outcome.map(|turn| turn.usage).unwrap_or_default();
                let held = matches!(self.run().next(), Step::Answer(_));
                if usage != Usage::default() && !held {
                    self.commit(Record::TokensSpent { usage }).await?;
                }
                return Err(error);
            }
        }
        match outcome {
            Ok(turn) => self.answered(Arc::unwrap_or_clone(turn)).await.map(|()| false),
            Err(error) => {
                let held = matches!(self.run().next(), Step::Answer(_));
                if held {
                    // The model can be asked again when somebody wants to go on.
                    self.commit(Record::AnswerDropped { usage: Usage::default() }).await?;
                }
                Err(unshare(error))
            }
        }
    }

    async fn answered(&self, mut turn: ModelTurn) -> Result<(), Error> {
        // That reason is the runtime's own: no model and no hook can take it.
        if turn.stop_reason.as_str() == DIRECT_CALL {
            turn.stop_reason = StopReason::ToolUse;
        }
        let message = Arc::new(turn.message.clone());
        let index = self.run().transcript().len();
        self.commit(Record::ModelAnswered { turn, discarded: Usage::default() }).await?;
        self.sink.send(|| AgentEvent::Message(message));
        self.announce_from(index).await
    }

    async fn before_model_call(&self) -> Result<Before, Error> {
        let projected = || projected_input_tokens(self.run().transcript());
        let make = |frame| BeforeModelCallEvent::new(frame, projected());
        let (cancel, guidance) = match self.fire(Site::BeforeModelCall, make).await? {
            Fired::Nobody => return Ok(Before::Go),
            Fired::Asked => return Ok(Before::Asked),
            Fired::Done(event) => event.into_parts(),
        };
        // The event fires again for another attempt, or after a question: what was said then stands.
        let guidance = guidance.into_iter().filter(|message| !self.was_said(message)).collect();
        if !self.guide(guidance).await? {
            return Ok(Before::Asked);
        }
        let Some(text) = cancel.text("model call denied by hook") else { return Ok(Before::Go) };
        Ok(Before::Denied(Box::new(ModelTurn {
            message: Message::assistant(text),
            stop_reason: StopReason::EndTurn,
            usage: Usage::default(),
            metrics: Metrics::default(),
            malformed: Vec::new(),
            redact_user: None,
        })))
    }

    /// True if this was said behind the last answer of the model.
    fn was_said(&self, message: &Message) -> bool {
        let run = self.run();
        let since = run.transcript().iter().rev().take_while(|said| said.role == Role::User);
        since.into_iter().any(|said| said.content == message.content)
    }

    /// Adds what hooks want the model to be told; false if that led to a question.
    async fn guide(&self, messages: Vec<Message>) -> Result<bool, Error> {
        if messages.is_empty() {
            return Ok(true);
        }
        let from = self.run().transcript().len();
        self.commit(Record::GuidanceAdded { messages }).await?;
        self.announce_new(from).await?;
        Ok(matches!(self.run().next(), Step::Model))
    }

    async fn after_model_call(
        &self,
        outcome: &Result<Arc<ModelTurn>, Arc<Error>>,
    ) -> Result<After, Error> {
        if !self.hooks.listens_to::<AfterModelCallEvent>() {
            return Ok(After::Counts);
        }
        let site = Site::AfterModelCall;
        let place = self.place(&site);
        let make = |frame| AfterModelCallEvent::new(frame, outcome.clone());
        let (event, asked) = self.dispatch(&site, place, make).await?;
        if let Some(asked) = asked {
            let held = matches!(self.run().next(), Step::Answer(_));
            if !held {
                let held = match outcome {
                    Ok(turn) => HeldAnswer::Answered(Box::new(ModelTurn::clone(turn))),
                    Err(error) => HeldAnswer::failed(error),
                };
                self.commit(Record::AnswerHeld { held }).await?;
            }
            self.ask(site, asked).await?;
            return Ok(After::Asked);
        }
        let Some(guidance) = event.into_retry() else { return Ok(After::Counts) };
        let usage = outcome.as_ref().map(|turn| turn.usage).unwrap_or_default();
        self.commit(Record::AnswerDropped { usage }).await?;
        self.guide(guidance).await?;
        Ok(After::Again)
    }

    /// What the model will be asked.
    pub(super) fn model_request(&self) -> ModelRequest {
        let mut request = ModelRequest::new(self.run().transcript().clone());
        request.system.clone_from(&self.agent.identity.system_prompt);
        request.tools = Arc::clone(&self.blueprint.specs);
        request.cancel = self.cancel.child_token();
        request
    }

    /// Asks a model, and sends on what it streams.
    pub(super) async fn stream_answer(&self, model: &dyn Model, request: ModelRequest) -> Called {
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
    pub(super) async fn announce_answer(&self, turn: &ModelTurn) {
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

/// About how many tokens the model will read: those of its last call, with an estimate for what was
/// added since. None if it does not say how many it took, or has not answered yet.
fn projected_input_tokens(transcript: &Transcript) -> Option<u64> {
    let mut added = 0;
    for message in transcript.iter().rev() {
        if let Some(usage) = message.metadata.as_ref().and_then(|metadata| metadata.usage) {
            let known = usage.total_tokens;
            return (known > 0).then(|| known + added);
        }
        let bytes = serde_json::to_string(&message.content).map_or(0, |json| json.len());
        added += u64::try_from(bytes / 4).unwrap_or(0);
    }
    None
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
