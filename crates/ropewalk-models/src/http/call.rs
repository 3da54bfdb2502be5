//! One call of a model: from the request to the last chunk.

mod chunk_stream;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::poll;
use http::Method;
use ropewalk_core::{BoxStream, Error, ErrorKind, Metrics, ModelChunk, ModelRequest};
use tokio::time::{Instant, timeout};

use super::dialect::{Chunks, Dialect, Flow, Post, Reader as _};
use super::failure::{broken, refused};
use super::fault::{Fault, excerpt};
use super::{Endpoint, Framing, Response};
use crate::lines::LineDecoder;
use crate::sse::SseDecoder;

use chunk_stream::ChunkStream;

/// As much of a refusal is read; providers' reports are far shorter.
const MAX_REFUSAL: usize = 64 * 1024;

/// As many chunks are made of what has come before they are handed on.
const AT_ONCE: usize = 32;

/// An answer that is one tool call has no more chunks, as a rule: then the queue of them does not grow.
const MOST_OF_A_CALL: usize = 8;

/// How long the end of a finished answer is waited for, so that its connection can serve again.
const LINGER: Duration = Duration::from_millis(20);

/// Asks, and streams the answer. Nothing happens before the stream is polled; dropping it closes the connection.
pub(crate) fn stream<D: Dialect>(
    dialect: &Arc<D>,
    request: ModelRequest,
) -> BoxStream<'static, Result<ModelChunk, Error>> {
    // Boxed: it is handed on with each piece that comes.
    let call = Box::new(Call {
        reader: dialect.reader(&request),
        dialect: Arc::clone(dialect),
        request,
        state: State::New,
        ready: Chunks::new(),
        failure: None,
        started: Instant::now(),
        first_byte: None,
        waited: Duration::ZERO,
    });
    Box::pin(ChunkStream::new(call))
}

/// One call of a model.
#[derive(Debug)]
struct Call<D: Dialect> {
    dialect: Arc<D>,
    request: ModelRequest,
    state: State,
    reader: D::Reader,
    /// Chunks that are ready, and after them the error that ends the stream.
    ready: Chunks,
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
    /// Both stand on the heap, since they are handed on with each piece.
    Reading(Box<Response>, Form),
    /// All chunks are made.
    Done(Option<Box<Response>>),
}

/// The form that the answer comes in.
#[derive(Debug)]
enum Form {
    /// Not known yet: nothing but white space came.
    Unknown(Vec<u8>),
    Events(Box<SseDecoder>),
    Lines(Box<LineDecoder>),
    /// One piece of JSON.
    Whole(Vec<u8>),
}

impl<D: Dialect> Call<D> {
    fn endpoint(&self) -> &Endpoint {
        self.dialect.endpoint()
    }

    /// The next item of the stream, if it is there; pending while there is something left to do for it.
    fn ready(&mut self) -> Poll<Option<Result<ModelChunk, Error>>> {
        let ended = matches!(self.state, State::Done(_)) && self.ready.is_empty();
        if !(ended && self.failure.is_none()) && self.request.cancel.is_cancelled() {
            // What waits is not wanted any more.
            self.ready.clear();
            self.failure = Some(self.cancelled());
        }
        if let Some(chunk) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        if let Some(error) = self.failure.take() {
            self.state = State::Done(None);
            return Poll::Ready(Some(Err(error)));
        }
        match self.state {
            State::Done(None) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }

    /// Does what is next: asks, reads, or waits for the end.
    async fn step(mut self: Box<Self>) -> Box<Self> {
        let step = match std::mem::replace(&mut self.state, State::Done(None)) {
            // Boxed: the step is moved to where it waits, and to ask takes much more room than to read.
            State::New => Box::pin(self.send()).await,
            State::Reading(response, form) => self.read(response, form).await,
            State::Done(response) => {
                if let Some(mut response) = response {
                    // Whatever comes of it changes nothing: the answer is whole.
                    let _ = timeout(LINGER, response.chunk()).await;
                }
                Ok(())
            }
        };
        self.failure = step.err();
        self
    }

    async fn send(&mut self) -> Result<(), Error> {
        self.started = Instant::now();
        let mut post = self.dialect.post(&self.request)?;
        let mut is_first = true;
        loop {
            let response = self.ask(post).await?;
            if response.status().is_success() {
                self.state = State::Reading(Box::new(response), Form::Unknown(Vec::new()));
                return Ok(());
            }
            let (status, headers) = (response.status(), response.headers().clone());
            let fault = self.refusal(response).await?;
            match self.dialect.instead(&self.request, &fault) {
                Some(other) if std::mem::take(&mut is_first) => post = other?,
                _ => return Err(fault.with_status(status, &headers, self.endpoint())),
            }
        }
    }

    async fn ask(&mut self, post: Post) -> Result<Response, Error> {
        let endpoint = self.endpoint();
        let bytes = post.body.len();
        tracing::debug!(model = endpoint.id, server = endpoint.shown(), bytes, "asking");
        let mut headers = endpoint.headers.clone();
        headers.extend(post.headers);
        let connections = endpoint.connections.clone();
        let sending =
            async move { connections.send(Method::POST, post.url, headers, post.body).await };
        let sent = self.guard(sending).await?;
        let endpoint = self.endpoint();
        sent.map_err(|error| refused(error, &endpoint.shown()).context(&endpoint.id))
    }

    /// Reads why the server refuses.
    async fn refusal(&mut self, mut response: Response) -> Result<Fault, Error> {
        let mut body = Vec::new();
        while body.len() < MAX_REFUSAL {
            match self.guard(response.chunk()).await {
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                Ok(Ok(None)) => break,
                Err(error) if error.is_cancelled() => return Err(error),
                // The status says enough; what there is of the words helps.
                Ok(Err(_)) | Err(_) => {
                    tracing::debug!(model = self.endpoint().id, "the refusal broke off");
                    break;
                }
            }
        }
        Ok(Fault::of_text(&String::from_utf8_lossy(&body)))
    }

    /// Reads what comes next, and what has come behind it: as a rule a server sends each event as a piece of its own.
    async fn read(&mut self, mut response: Box<Response>, mut form: Form) -> Result<(), Error> {
        let mut piece = self.guard(response.chunk()).await?;
        loop {
            let bytes = piece.map_err(|error| {
                let endpoint = self.endpoint();
                broken(error, &endpoint.shown()).context(&endpoint.id)
            })?;
            let Some(bytes) = bytes else { return self.end(form) };
            form = self.recognise(form, &bytes)?;
            form = match self.take(form, &bytes)? {
                Some(form) => form,
                None => {
                    self.state = State::Done(Some(response));
                    return Ok(());
                }
            };
            if self.ready.len() >= AT_ONCE {
                break;
            }
            match poll!(pin!(response.chunk())) {
                Poll::Ready(next) => piece = next,
                Poll::Pending => break,
            }
        }
        self.state = State::Reading(response, form);
        Ok(())
    }

    /// Tells the form by the first byte: what servers say in the content type is not reliable.
    fn recognise(&self, form: Form, bytes: &[u8]) -> Result<Form, Error> {
        let Form::Unknown(before) = form else { return Ok(form) };
        let endpoint = self.endpoint();
        let limit = endpoint.max_event_bytes;
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        Ok(match first {
            None if before.len() + bytes.len() > limit => return Err(self.too_long()),
            None => Form::Unknown(before),
            Some(b'<') => {
                let said = excerpt(&endpoint.secrets.hide(String::from_utf8_lossy(bytes).into()));
                let text = format!(
                    "{} answered with a web page: check the base URL (`{said}`)",
                    endpoint.shown()
                );
                return Err(endpoint.error(ErrorKind::Malformed, text));
            }
            // What came before was white space: to the decoders, lines without a meaning.
            Some(_) if self.dialect.framing() == Framing::Lines => {
                Form::Lines(Box::new(LineDecoder::with_limit(limit)))
            }
            Some(b'{' | b'[') => Form::Whole(before),
            Some(_) => Form::Events(Box::new(SseDecoder::with_limit(limit))),
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
                if before.len() + bytes.len() > self.endpoint().max_event_bytes {
                    return Err(self.too_long());
                }
                before.extend_from_slice(bytes);
                Ok(Some(Form::Whole(before)))
            }
            Form::Lines(mut decoder) => {
                let mut rest = bytes;
                while let Some(line) =
                    decoder.next_line(&mut rest).map_err(|error| self.unreadable(error))?
                {
                    if self.event("message", line)? == Flow::Done {
                        self.finish(true)?;
                        return Ok(None);
                    }
                }
                Ok(Some(Form::Lines(decoder)))
            }
            Form::Events(mut decoder) => {
                let mut rest = bytes;
                while let Some(event) =
                    decoder.next_event(&mut rest).map_err(|error| self.unreadable(error))?
                {
                    if self.event(event.event, event.data.trim())? == Flow::Done {
                        self.finish(true)?;
                        return Ok(None);
                    }
                }
                Ok(Some(Form::Events(decoder)))
            }
        }
    }

    /// The server closed the answer.
    fn end(&mut self, form: Form) -> Result<(), Error> {
        let mut marked = false;
        match form {
            Form::Whole(body) => {
                self.read_with(|reader, endpoint, out| {
                    reader.whole(&String::from_utf8_lossy(&body), endpoint, out)
                })?;
                marked = true;
            }
            Form::Lines(mut decoder) => {
                if let Some(line) = decoder.rest() {
                    marked = self.event("message", line)? == Flow::Done;
                }
            }
            Form::Unknown(_) | Form::Events(_) => {}
        }
        self.finish(marked)
    }

    /// Takes one event, or one line. Those that say nothing are passed over, and count as silence.
    fn event(&mut self, name: &str, data: &str) -> Result<Flow, Error> {
        if data.is_empty() {
            return Ok(Flow::More);
        }
        let flow =
            self.read_with(|reader, endpoint, out| reader.event(name, data, endpoint, out))?;
        if flow != Flow::Idle {
            self.waited = Duration::ZERO;
        }
        Ok(flow)
    }

    fn read_with<T>(
        &mut self,
        read: impl FnOnce(&mut D::Reader, &Endpoint, &mut Chunks) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.ready.capacity() == 0 {
            self.ready.reserve(MOST_OF_A_CALL);
        }
        let before = self.ready.len();
        let taken = read(&mut self.reader, self.dialect.endpoint(), &mut self.ready);
        if self.first_byte.is_none() && self.ready.iter().skip(before).any(is_content) {
            self.first_byte = Some(self.started.elapsed());
        }
        taken
    }

    fn finish(&mut self, marked: bool) -> Result<(), Error> {
        let metrics = Metrics {
            latency_ms: millis(self.started.elapsed()),
            time_to_first_byte_ms: self.first_byte.map(millis),
        };
        self.reader.finish(marked, metrics, self.dialect.endpoint(), &mut self.ready)
    }

    /// Waits for the server: not when cancelled, and not for ever.
    async fn guard<T>(&mut self, waiting: impl Future<Output = T>) -> Result<T, Error> {
        let mut waiting = pin!(waiting);
        // As a rule something is there while an answer is streamed: then nothing has to be set up for the wait.
        if let Poll::Ready(value) = poll!(waiting.as_mut()) {
            return Ok(value);
        }
        let cancel = self.request.cancel.clone();
        let endpoint = self.endpoint();
        let (limit, set_with) = match self.first_byte {
            None => (endpoint.first_data_timeout, "first_data_timeout"),
            Some(_) => (endpoint.data_timeout, "data_timeout"),
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
                    "{} sent nothing of the answer for {limit:?}: try again, or give it more time with \
                     `{set_with}`",
                    self.endpoint().shown()
                );
                Err(self.endpoint().error(ErrorKind::Timeout, text))
            }
        }
    }

    fn cancelled(&self) -> Error {
        self.endpoint().error(ErrorKind::Cancelled, "the call was cancelled")
    }

    fn too_long(&self) -> Error {
        let limit = self.endpoint().max_event_bytes;
        let text = format!(
            "the answer is longer than {limit} bytes: raise `max_event_bytes` if it is meant to be"
        );
        self.endpoint().error(ErrorKind::Malformed, text)
    }

    fn unreadable(&self, error: impl std::error::Error + Send + Sync + 'static) -> Error {
        self.endpoint().error(ErrorKind::Malformed, &error).with_source(error)
    }
}

fn is_content(chunk: &ModelChunk) -> bool {
    matches!(chunk, ModelChunk::ContentBlockStart(_) | ModelChunk::ContentBlockDelta(_))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
