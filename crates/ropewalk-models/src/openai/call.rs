//! One call of the model: from the request to the last chunk.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response};
use ropewalk_core::{Error, ErrorKind, Metrics, ModelChunk, ModelRequest};
use tokio::time::{Instant, timeout};

use super::config::Config;
use super::fault::{Fault, excerpt};
use super::request::body;
use super::translate::Translator;
use crate::http::{broken, refused};
use crate::sse::SseDecoder;

/// As much of a refusal is read; providers' reports are far shorter.
const MAX_REFUSAL: usize = 64 * 1024;

/// How long the end of a finished answer is waited for, so that its connection can serve again.
const LINGER: Duration = Duration::from_millis(20);

/// One call of the model. The state of the stream that [`OpenAiChat`](super::OpenAiChat) gives;
/// dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Call {
    config: Arc<Config>,
    client: Client,
    request: ModelRequest,
    state: State,
    translator: Translator,
    /// Chunks that are ready, and after them the error that ends the stream.
    ready: VecDeque<ModelChunk>,
    failure: Option<Error>,
    started: Instant,
    first_byte: Option<Duration>,
    /// How long the server has been waited for since it last sent something of the answer. The
    /// time that the caller takes between two chunks is its own.
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
    /// Not known yet: nothing but white space came.
    Unknown(Vec<u8>),
    Events(SseDecoder),
    /// One piece of JSON.
    Whole(Vec<u8>),
}

impl Call {
    pub(super) fn new(config: Arc<Config>, client: Client, request: ModelRequest) -> Self {
        Self {
            config,
            client,
            request,
            state: State::New,
            translator: Translator::default(),
            ready: VecDeque::new(),
            failure: None,
            started: Instant::now(),
            first_byte: None,
            waited: Duration::ZERO,
        }
    }

    /// The next item of the stream.
    pub(super) async fn next(mut self) -> Option<(Result<ModelChunk, Error>, Self)> {
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
        let config = Arc::clone(&self.config);
        let body = body(&self.request, &config)?;
        tracing::debug!(model = config.id, endpoint = config.shown, bytes = body.len(), "asking");
        let sending = self
            .client
            .post(config.endpoint.clone())
            .headers(config.headers.clone())
            .body(body)
            .send();
        let response = self
            .guard(sending)
            .await?
            .map_err(|error| refused(error, &config.shown).context(&config.id))?;
        if response.status().is_success() {
            self.state = State::Reading(response, Form::Unknown(Vec::new()));
            return Ok(());
        }
        Err(self.refusal(response).await?)
    }

    /// Reads why the server refuses.
    async fn refusal(&mut self, mut response: Response) -> Result<Error, Error> {
        let mut body = Vec::new();
        while body.len() < MAX_REFUSAL {
            match self.guard(response.chunk()).await {
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                Ok(Ok(None)) => break,
                Err(error) if error.is_cancelled() => return Err(error),
                // The status says enough; what there is of the words helps.
                Ok(Err(_)) | Err(_) => {
                    tracing::debug!(model = self.config.id, "the refusal broke off");
                    break;
                }
            }
        }
        let fault = Fault::of_text(&String::from_utf8_lossy(&body));
        Ok(fault.with_status(response.status(), response.headers(), &self.config))
    }

    async fn read(&mut self, mut response: Response, form: Form) -> Result<(), Error> {
        let config = Arc::clone(&self.config);
        let piece = self.guard(response.chunk()).await?;
        let piece = piece.map_err(|error| broken(error, &config.shown).context(&config.id))?;
        match piece {
            Some(bytes) => {
                let form = self.recognise(form, &bytes)?;
                if let Some(form) = self.take(form, &bytes)? {
                    self.state = State::Reading(response, form);
                } else {
                    self.state = State::Done(Some(response));
                }
                Ok(())
            }
            None => self.end(form),
        }
    }

    /// Tells the form by the first byte: what servers say in the content type is not reliable.
    fn recognise(&self, form: Form, bytes: &[u8]) -> Result<Form, Error> {
        let Form::Unknown(before) = form else { return Ok(form) };
        let limit = self.config.max_event_bytes;
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        Ok(match first {
            None if before.len() + bytes.len() > limit => return Err(self.too_long()),
            None => Form::Unknown(before),
            Some(b'{' | b'[') => Form::Whole(before),
            Some(b'<') => {
                let said =
                    excerpt(&self.config.secrets.hide(String::from_utf8_lossy(bytes).into()));
                let text = format!(
                    "{}: {} answered with a web page: check the base URL (`{said}`)",
                    self.config.id, self.config.shown
                );
                return Err(Error::new(ErrorKind::Malformed, text));
            }
            // What came before was white space: to the decoder, lines without a meaning.
            Some(_) => Form::Events(SseDecoder::with_limit(limit)),
        })
    }

    /// Takes bytes of the answer. None if that was the end of it.
    fn take(&mut self, form: Form, bytes: &[u8]) -> Result<Option<Form>, Error> {
        match form {
            Form::Unknown(mut before) => {
                before.extend_from_slice(bytes);
                Ok(Some(Form::Unknown(before)))
            }
            Form::Whole(mut before) => {
                self.waited = Duration::ZERO;
                if before.len() + bytes.len() > self.config.max_event_bytes {
                    return Err(self.too_long());
                }
                before.extend_from_slice(bytes);
                Ok(Some(Form::Whole(before)))
            }
            Form::Events(mut decoder) => {
                let pushed = decoder.push(bytes);
                while let Some(event) = decoder.next_event() {
                    let data = event.data.trim();
                    if data.is_empty() {
                        continue;
                    }
                    self.waited = Duration::ZERO;
                    if data == "[DONE]" {
                        self.finish(true)?;
                        return Ok(None);
                    }
                    self.translate(data, false)?;
                }
                pushed.map_err(|error| {
                    let text = format!("{}: {error}", self.config.id);
                    Error::new(ErrorKind::Malformed, text).with_source(error)
                })?;
                Ok(Some(Form::Events(decoder)))
            }
        }
    }

    /// The server closed the answer.
    fn end(&mut self, form: Form) -> Result<(), Error> {
        if let Form::Whole(body) = form {
            self.translate(&String::from_utf8_lossy(&body), true)?;
            return self.finish(true);
        }
        self.finish(false)
    }

    fn translate(&mut self, text: &str, whole: bool) -> Result<(), Error> {
        let before = self.ready.len();
        let (config, ready) = (&self.config, &mut self.ready);
        let taken = if whole {
            self.translator.take_whole(text, config, ready)
        } else {
            self.translator.take(text, config, ready)
        };
        if self.first_byte.is_none() && self.ready.iter().skip(before).any(is_content) {
            self.first_byte = Some(self.started.elapsed());
        }
        taken
    }

    fn finish(&mut self, said_so: bool) -> Result<(), Error> {
        let metrics = Metrics {
            latency_ms: millis(self.started.elapsed()),
            time_to_first_byte_ms: self.first_byte.map(millis),
        };
        self.translator.finish(said_so, metrics, &self.config, &mut self.ready)
    }

    /// Waits for the server: not when cancelled, and not for ever.
    async fn guard<T>(&mut self, waiting: impl Future<Output = T>) -> Result<T, Error> {
        let cancel = self.request.cancel.clone();
        let Some(limit) = self.config.data_timeout else {
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
                    "{}: {} sent nothing of the answer for {limit:?}: try again, or give it more \
                     time with `data_timeout`",
                    self.config.id, self.config.shown
                );
                Err(Error::new(ErrorKind::Timeout, text))
            }
        }
    }

    fn cancelled(&self) -> Error {
        let text = format!("{}: the call was cancelled", self.config.id);
        Error::new(ErrorKind::Cancelled, text)
    }

    fn too_long(&self) -> Error {
        let text = format!(
            "{}: the answer is longer than {} bytes: raise `max_event_bytes` if it is meant to be",
            self.config.id, self.config.max_event_bytes
        );
        Error::new(ErrorKind::Malformed, text)
    }
}

fn is_content(chunk: &ModelChunk) -> bool {
    matches!(chunk, ModelChunk::ContentBlockStart(_) | ModelChunk::ContentBlockDelta(_))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
