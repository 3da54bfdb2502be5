//! One call of a model: from the request to the last chunk.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use futures_util::{StreamExt as _, stream};
use reqwest::Response;
use ropewalk_core::{BoxStream, Error, ErrorKind, Metrics, ModelChunk, ModelRequest};
use tokio::time::{Instant, timeout};

use super::access::Connected;
use super::fault;
use super::frames::{BadFrame, FrameDecoder};
use super::request::body;
use super::settings::Bedrock;
use super::translate::Translator;
use super::wire::Slot;
use crate::http::{Chunks, Flow};

/// How long the end of a finished answer is waited for, so that its connection can serve again.
const LINGER: Duration = Duration::from_millis(20);

/// Asks, and streams the answer. Nothing happens before the stream is polled; dropping it closes the connection.
pub(super) fn stream(
    bedrock: &Arc<Bedrock>,
    request: ModelRequest,
) -> BoxStream<'static, Result<ModelChunk, Error>> {
    let call = Call {
        bedrock: Arc::clone(bedrock),
        request,
        state: State::New,
        translator: Translator::default(),
        ready: Chunks::new(),
        failure: None,
        started: Instant::now(),
        first_byte: None,
        waited: Duration::ZERO,
    };
    // Fused: a caller that asks on after the end must not bring the process down.
    Box::pin(stream::unfold(call, Call::next).fuse())
}

/// One call of a model.
#[derive(Debug)]
struct Call {
    bedrock: Arc<Bedrock>,
    request: ModelRequest,
    state: State,
    translator: Translator,
    /// Chunks that are ready, and after them the error that ends the stream.
    ready: Chunks,
    failure: Option<Error>,
    started: Instant,
    first_byte: Option<Duration>,
    /// How long Bedrock has been waited for since it last sent something of the answer. The time that the caller
    /// takes between two chunks is its own.
    waited: Duration,
}

#[derive(Debug)]
enum State {
    New,
    Reading(Response, Form),
    /// All chunks are made.
    Done(Option<Response>),
}

/// The form that the answer comes in.
#[derive(Debug)]
enum Form {
    /// Not known yet: nothing came.
    Unknown,
    Frames(FrameDecoder),
    /// One piece of JSON.
    Whole(Vec<u8>),
}

impl Call {
    /// The next item of the stream.
    async fn next(mut self) -> Option<(Result<ModelChunk, Error>, Self)> {
        loop {
            let ended = matches!(self.state, State::Done(_)) && self.ready.is_empty();
            if !(ended && self.failure.is_none()) && self.request.cancel.is_cancelled() {
                // What waits is not wanted any more.
                self.ready.clear();
                self.failure = Some(self.cancelled());
                self.state = State::Done(None);
            }
            if let Some(chunk) = self.ready.pop_front() {
                return Some((Ok(chunk), self));
            }
            if let Some(error) = self.failure.take() {
                self.state = State::Done(None);
                return Some((Err(error), self));
            }
            let step = match std::mem::replace(&mut self.state, State::Done(None)) {
                State::New => self.send().await,
                State::Reading(response, form) => self.read(response, form).await,
                State::Done(response) => {
                    if let Some(mut response) = response {
                        // Whatever comes of it changes nothing: the answer is whole.
                        let _ = timeout(LINGER, response.chunk()).await;
                    }
                    return None;
                }
            };
            self.failure = step.err();
        }
    }

    async fn send(&mut self) -> Result<(), Error> {
        self.started = Instant::now();
        let bedrock = Arc::clone(&self.bedrock);
        let connected = self.guard(bedrock.access.connect()).await?;
        let body = body(&self.request, &bedrock)?;
        let (model, region) = (&bedrock.id, &connected.region);
        tracing::debug!(model, region, bytes = body.len(), "asking");
        let slot = Slot::default();
        let asking = ask(connected, &bedrock, body, slot.clone());
        let refused = self.guard(asking).await?;
        let response = slot.take().ok_or_else(|| match refused {
            Err(error) => error,
            Ok(()) => bedrock.broke_off(false),
        })?;
        self.state = State::Reading(response, Form::Unknown);
        Ok(())
    }

    async fn read(&mut self, mut response: Response, form: Form) -> Result<(), Error> {
        let piece = self.guard(response.chunk()).await?.map_err(|error| {
            let error = error.without_url();
            let text = format!("the answer broke off ({})", fault::innermost(&error));
            self.bedrock.error(ErrorKind::Unavailable, text).with_source(error)
        })?;
        let Some(bytes) = piece else { return self.end(form) };
        let limit = self.bedrock.max_event_bytes;
        let form = match (form, bytes.first()) {
            // No frame begins so: it would be far too long.
            (Form::Unknown, Some(b'{' | b' ' | b'\t' | b'\r' | b'\n')) => Form::Whole(Vec::new()),
            (Form::Unknown, Some(b'<')) => {
                let problem = "what came is a web page: check the endpoint's URL";
                return Err(self.bedrock.malformed(problem, &bytes));
            }
            (Form::Unknown, Some(_)) => Form::Frames(FrameDecoder::with_limit(limit)),
            (form, _) => form,
        };
        let form = match form {
            Form::Frames(mut decoder) => {
                if self.frames(&mut decoder, &bytes)? == Flow::Done {
                    self.state = State::Done(Some(response));
                    return Ok(());
                }
                Form::Frames(decoder)
            }
            Form::Whole(mut before) => {
                self.waited = Duration::ZERO;
                if before.len() + bytes.len() > limit {
                    return Err(self.unreadable(BadFrame::TooLong(limit)));
                }
                before.extend_from_slice(&bytes);
                Form::Whole(before)
            }
            Form::Unknown => Form::Unknown,
        };
        self.state = State::Reading(response, form);
        Ok(())
    }

    /// Takes the frames that are whole now.
    fn frames(&mut self, decoder: &mut FrameDecoder, mut bytes: &[u8]) -> Result<Flow, Error> {
        loop {
            let frame = match decoder.next_frame(&mut bytes) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(Flow::More),
                Err(error) => return Err(self.unreadable(error)),
            };
            if frame.is_failure() {
                return Err(fault::in_stream(frame.name(), &frame.payload(), &self.bedrock));
            }
            let flow = self.take(|translator, bedrock, out| {
                translator.event(frame.name(), &frame.payload(), bedrock, out)
            })?;
            if flow != Flow::Idle {
                self.waited = Duration::ZERO;
            }
            if flow == Flow::Done {
                self.finish()?;
                return Ok(Flow::Done);
            }
        }
    }

    /// Bedrock closed the answer.
    fn end(&mut self, form: Form) -> Result<(), Error> {
        if let Form::Whole(body) = form {
            self.take(|translator, bedrock, out| translator.whole(&body, bedrock, out))?;
        }
        self.finish()
    }

    fn take<T>(
        &mut self,
        take: impl FnOnce(&mut Translator, &Bedrock, &mut Chunks) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let before = self.ready.len();
        let taken = take(&mut self.translator, &self.bedrock, &mut self.ready);
        if self.first_byte.is_none() && self.ready.iter().skip(before).any(is_content) {
            self.first_byte = Some(self.started.elapsed());
        }
        taken
    }

    fn finish(&mut self) -> Result<(), Error> {
        let metrics = Metrics {
            latency_ms: millis(self.started.elapsed()),
            time_to_first_byte_ms: self.first_byte.map(millis),
        };
        self.translator.finish(metrics, &self.bedrock, &mut self.ready)
    }

    /// Waits for Bedrock: not when cancelled, and not for ever.
    async fn guard<T>(&mut self, waiting: impl Future<Output = T>) -> Result<T, Error> {
        let cancel = self.request.cancel.clone();
        let (limit, set_with) = match self.first_byte {
            None => (self.bedrock.first_data_timeout, "first_data_timeout"),
            Some(_) => (self.bedrock.data_timeout, "data_timeout"),
        };
        let Some(limit) = limit else {
            return cancel.run_until_cancelled(waiting).await.ok_or_else(|| self.cancelled());
        };
        let began = Instant::now();
        let waiting = timeout(limit.saturating_sub(self.waited), waiting);
        let outcome = cancel.run_until_cancelled(waiting).await;
        self.waited = self.waited.saturating_add(began.elapsed());
        match outcome {
            None => Err(self.cancelled()),
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) => {
                let text = format!(
                    "Bedrock sent nothing of the answer for {limit:?}: try again, or give it more time with \
                     `{set_with}`"
                );
                Err(self.bedrock.error(ErrorKind::Timeout, text))
            }
        }
    }

    fn cancelled(&self) -> Error {
        self.bedrock.error(ErrorKind::Cancelled, "the call was cancelled")
    }

    fn unreadable(&self, error: BadFrame) -> Error {
        self.bedrock.error(ErrorKind::Malformed, &error).with_source(error)
    }
}

/// Lets the SDK sign and send the body. A good answer is in the slot then.
async fn ask(
    connected: &Connected,
    bedrock: &Bedrock,
    body: Vec<u8>,
    slot: Slot,
) -> Result<(), Error> {
    let length = body.len().to_string();
    let body = bytes::Bytes::from(body);
    let put = move |request: &mut aws_smithy_runtime_api::client::orchestrator::HttpRequest| {
        request.headers_mut().insert("content-length", length.clone());
        *request.body_mut() = SdkBody::from(body.clone());
        request.add_extension(slot.clone());
    };
    let (client, model) = (&connected.client, &bedrock.model);
    if bedrock.is_streaming {
        let asked = client.converse_stream().model_id(model).customize().mutate_request(put);
        outcome(asked.send().await, connected, bedrock)
    } else {
        let asked = client.converse().model_id(model).customize().mutate_request(put);
        outcome(asked.send().await, connected, bedrock)
    }
}

fn outcome<T, E>(
    outcome: Result<T, SdkError<E, HttpResponse>>,
    connected: &Connected,
    bedrock: &Bedrock,
) -> Result<(), Error>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    outcome.map(|_| ()).map_err(|error| fault::refused(error, &connected.region, bedrock))
}

fn is_content(chunk: &ModelChunk) -> bool {
    matches!(chunk, ModelChunk::ContentBlockStart(_) | ModelChunk::ContentBlockDelta(_))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
