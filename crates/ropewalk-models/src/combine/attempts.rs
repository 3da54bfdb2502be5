//! One call that may be answered by one of several models.

mod failures;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use ropewalk_core::{BoxStream, Error, ErrorKind, Metrics, Model, ModelChunk, ModelRequest, Usage};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::DropGuard;

use super::answered_by::note;
use super::given::gives_something;
use failures::Failures;

/// Models that may answer, who is asked next, and what is learned of them.
pub(super) trait Candidates: fmt::Debug + Send + Sync {
    /// Who is asked next, where these were asked already. It counts as that one's turn.
    fn next(&self, asked: &[usize]) -> Option<usize>;

    fn model(&self, at: usize) -> &Arc<dyn Model>;

    /// Whether another one is asked after this error.
    fn goes_on_after(&self, error: &Error) -> bool;

    /// The model began to answer a call that was made then.
    fn answers(&self, at: usize, asked: Instant);

    /// The model failed, at any point, with an error after which another one is asked.
    fn failed(&self, at: usize, error: &Error);

    /// How long the last of those that were asked may take to say something.
    fn patience(&self, _asked: &[usize]) -> Option<Duration> {
        None
    }
}

/// Asks one model after the other until one says something; from there on the answer is that one's, however it ends.
pub(super) fn stream<'a, C: Candidates>(
    candidates: &'a C,
    request: ModelRequest,
) -> BoxStream<'a, Result<ModelChunk, Error>> {
    let call = Call {
        candidates,
        request,
        asked: Vec::new(),
        failures: Failures::default(),
        attempt: None,
        ready: VecDeque::new(),
        spent: Usage::default(),
        is_over: false,
    };
    // Fused: a caller that asks on after the end must not bring the process down.
    Box::pin(stream::unfold(call, Call::next).fuse())
}

struct Call<'a, C> {
    candidates: &'a C,
    request: ModelRequest,
    asked: Vec<usize>,
    failures: Failures,
    attempt: Option<Attempt<'a>>,
    /// What can be given out.
    ready: VecDeque<Result<ModelChunk, Error>>,
    /// What the models that failed said that they used.
    spent: Usage,
    is_over: bool,
}

/// A model that is being asked.
struct Attempt<'a> {
    at: usize,
    began: Instant,
    /// When it is given up if it has said nothing.
    deadline: Option<Instant>,
    stream: BoxStream<'a, Result<ModelChunk, Error>>,
    /// What runs apart from the stream ends with it.
    _stop: DropGuard,
    /// What came before anything of the answer did: thrown away if nothing does.
    held: Vec<ModelChunk>,
    has_given: bool,
    has_stopped: bool,
    has_told_usage: bool,
}

impl<'a, C: Candidates> Call<'a, C> {
    /// The next item of the stream.
    async fn next(mut self) -> Option<(Result<ModelChunk, Error>, Self)> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some((item, self));
            }
            if self.is_over {
                return None;
            }
            let Some(attempt) = &mut self.attempt else {
                self.begin();
                continue;
            };
            let deadline = attempt.deadline.filter(|_| !attempt.has_given);
            let item = match deadline {
                None => attempt.stream.next().await,
                Some(deadline) => match timeout_at(deadline, attempt.stream.next()).await {
                    Ok(item) => item,
                    Err(_) => Some(Err(attempt.overdue(self.candidates))),
                },
            };
            match item {
                Some(Ok(chunk)) => self.take(chunk),
                Some(Err(error)) => self.fail(error),
                None => self.end(),
            }
        }
    }

    fn begin(&mut self) {
        match self.candidates.next(&self.asked) {
            Some(first) => self.ask(first),
            None => self.give_up(Error::new(ErrorKind::InvalidInput, "there is no model to ask")),
        }
    }

    fn ask(&mut self, at: usize) {
        self.asked.push(at);
        let began = Instant::now();
        // Without a runtime there is no clock to wait by.
        let has_clock = tokio::runtime::Handle::try_current().is_ok();
        let patience = self.candidates.patience(&self.asked).filter(|_| has_clock);
        let mut request = self.request.clone();
        request.cancel = request.cancel.child_token();
        self.attempt = Some(Attempt {
            at,
            began,
            deadline: patience.and_then(|patience| began.checked_add(patience)),
            _stop: request.cancel.clone().drop_guard(),
            stream: self.candidates.model(at).stream(request),
            held: Vec::new(),
            has_given: false,
            has_stopped: false,
            has_told_usage: false,
        });
    }

    fn take(&mut self, chunk: ModelChunk) {
        let Some(attempt) = &mut self.attempt else { return };
        attempt.has_stopped |= matches!(chunk, ModelChunk::MessageStop(_));
        if !attempt.has_given && !gives_something(&chunk) {
            attempt.held.push(chunk);
            return;
        }
        let mut chunks = std::mem::take(&mut attempt.held);
        if !attempt.has_given {
            attempt.has_given = true;
            self.candidates.answers(attempt.at, attempt.began);
        }
        chunks.push(chunk);
        for mut chunk in chunks {
            if let ModelChunk::Metadata(metadata) = &mut chunk {
                attempt.has_told_usage = true;
                // Whoever reads several takes the last.
                metadata.usage += self.spent;
                note(metadata, self.candidates.model(attempt.at).id());
            }
            self.ready.push_back(Ok(chunk));
        }
    }

    /// The model failed: another one is asked, unless something was given out or the error is none of those.
    fn fail(&mut self, error: Error) {
        let Some(attempt) = self.attempt.take() else { return };
        let goes_on = self.candidates.goes_on_after(&error) && !self.request.cancel.is_cancelled();
        if goes_on {
            self.candidates.failed(attempt.at, &error);
        }
        if attempt.has_given {
            self.is_over = true;
            self.ready.push_back(Err(error));
            return;
        }
        self.spent += attempt.used();
        let id = self.candidates.model(attempt.at).id();
        if let Some(next) = goes_on.then(|| self.candidates.next(&self.asked)).flatten() {
            let takes_over = self.candidates.model(next).id();
            tracing::warn!(model = id, "`{takes_over}` takes over: {}", error.report());
            self.failures.add(id, error);
            self.ask(next);
        } else if error.is_cancelled() {
            self.give_up(error);
        } else {
            let failures = std::mem::take(&mut self.failures);
            self.give_up(failures.with_last(id, error));
        }
    }

    fn end(&mut self) {
        let Some(attempt) = &self.attempt else { return };
        if !attempt.has_stopped {
            let id = self.candidates.model(attempt.at).id();
            let text = format!("the stream of `{id}` ended before its answer did");
            return self.fail(Error::new(ErrorKind::Unavailable, text));
        }
        if !attempt.has_told_usage {
            self.tell_spent();
        }
        self.attempt = None;
        self.is_over = true;
    }

    /// There is no answer.
    fn give_up(&mut self, error: Error) {
        self.tell_spent();
        self.ready.push_back(Err(error));
        self.is_over = true;
    }

    /// What was used counts, whoever used it.
    fn tell_spent(&mut self) {
        if self.spent != Usage::default() {
            self.ready.push_back(Ok(ModelChunk::metadata(self.spent, Metrics::default())));
        }
    }
}

impl Attempt<'_> {
    /// What the model said that it used before it failed.
    fn used(&self) -> Usage {
        let mut usages = self.held.iter().filter_map(|chunk| match chunk {
            ModelChunk::Metadata(metadata) => Some(metadata.usage),
            _ => None,
        });
        usages.next_back().unwrap_or_default()
    }

    fn overdue(&self, candidates: &impl Candidates) -> Error {
        let id = candidates.model(self.at).id();
        let text = format!("`{id}` said nothing for {:?}", self.began.elapsed());
        Error::new(ErrorKind::Timeout, text)
    }
}
