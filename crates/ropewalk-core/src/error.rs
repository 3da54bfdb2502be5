//! The one error type of the core.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Any error at all: what callbacks and tool bodies may return.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// An error of an agent, a model, a hook or a journal: what was wrong, with what value, and what
/// to do about it.
///
/// The kind is for code ([`Error::kind`] and the predicates), the text for people, the
/// [source](StdError::source) for the log.
///
/// ```
/// use ropewalk_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Throttled, "the provider asks to slow down")
///     .with_retry_after(std::time::Duration::from_secs(2));
/// assert!(error.is_throttled() && error.is_retryable());
/// assert_eq!(error.to_string(), "the provider asks to slow down");
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The model's provider asks to slow down (HTTP 429 and its like).
    Throttled,
    /// The conversation does not fit the model's window.
    ContextOverflow,
    /// The provider refuses the credentials, or there are none.
    Authentication,
    /// The provider, or the model, refuses the request as it is.
    InvalidRequest,
    /// The provider can't be reached or failed on its side.
    Unavailable,
    /// Something took longer than it may.
    Timeout,
    /// The answer of a model or of a file can't be understood.
    Malformed,
    /// A hook callback failed: its step was stopped.
    Hook,
    /// The answer does not have the form that was asked for.
    StructuredOutput,
    /// An answer to an interrupt, or the lack of one, is wrong.
    Interrupt,
    /// What the caller gave is wrong: a prompt, a name, a setting.
    InvalidInput,
    /// The journal or the session store could not read or write.
    Journal,
    /// A record does not fit the state of the run it was applied to.
    IllegalRecord,
    /// The work was cancelled.
    Cancelled,
    /// Not offered by this part, on this system, or in this build.
    Unsupported,
    /// Anything else.
    Other,
}

impl Error {
    /// An error of a kind, with the text that people will read.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner { kind, message: message.into(), retry_after: None, source: None };
        Self { inner: Box::new(inner) }
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Adds how long the provider asks to wait before the next try.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner.retry_after = Some(wait);
        self
    }

    /// Puts what was being done in front of the text: `context: text`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.inner.message = format!("{context}: {}", self.inner.message);
        self
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// How long the provider asks to wait before the next try, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// True if the provider asks to slow down.
    pub fn is_throttled(&self) -> bool {
        self.kind() == ErrorKind::Throttled
    }

    /// True if the conversation does not fit the model's window.
    pub fn is_context_overflow(&self) -> bool {
        self.kind() == ErrorKind::ContextOverflow
    }

    /// True if the work was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// True if nobody listens where a server was expected: it refused the connection, as one does that is
    /// not started.
    pub fn is_connection_refused(&self) -> bool {
        let mut cause = self.source();
        while let Some(error) = cause {
            let io = error.downcast_ref::<std::io::Error>();
            if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// True if the same request may succeed when it is sent again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout)
    }

    /// The text with the texts of all causes behind it, for a log or a terminal.
    pub fn report(&self) -> String {
        with_causes(self)
    }
}

/// The text of an error with those of its causes behind it.
pub(crate) fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, retry_after, source } = &*self.inner;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", kind).field("message", message);
        if let Some(wait) = retry_after {
            debug.field("retry_after", wait);
        }
        if let Some(source) = source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
