//! An invocation that gave no value of the type asked for.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::interrupt::Interrupt;
use crate::model::StopReason;
use crate::view::AgentResult;

/// An invocation gave no value of the type asked for. What it did give is not lost: the
/// [result](Self::result) has the text, the usage, and the questions that are open.
///
/// It becomes an [`Error`] through `?`, which keeps this one as its source.
///
/// ```
/// # use ropewalk_core::{Agent, Error, OutputError};
/// # use schemars::JsonSchema;
/// # use serde::Deserialize;
/// #[derive(Deserialize, JsonSchema)]
/// struct City {
///     name: String,
/// }
///
/// async fn capital(agent: &mut Agent) -> Result<Option<City>, Error> {
///     match agent.invoke_as::<City>("What is the capital of France?").await {
///         Ok(city) => Ok(Some(city)),
///         Err(error) if error.is_interrupt() => {
///             let answers = error.interrupts().iter().map(|asked| asked.answer(true));
///             Ok(Some(agent.resume_as(answers).await?))
///         }
///         Err(error) => match error.result() {
///             Some(result) => {
///                 println!("no city, but this: {}", result.text());
///                 Ok(None)
///             }
///             None => Err(error.into()),
///         },
///     }
/// }
/// ```
pub struct OutputError {
    inner: Box<Inner>,
}

struct Inner {
    error: Error,
    result: Option<AgentResult>,
}

impl OutputError {
    /// An invocation that ended without a value.
    pub(crate) fn without_value(result: AgentResult) -> Self {
        let (kind, text) = match &result.stop_reason {
            StopReason::Interrupt => {
                let names: Vec<&str> =
                    result.interrupts.iter().map(|asked| asked.name.as_str()).collect();
                let text = format!(
                    "the invocation waits for answers ({}): `resume_as` with them goes on",
                    names.join(", ")
                );
                (ErrorKind::Interrupt, text)
            }
            StopReason::Cancelled => {
                (ErrorKind::Cancelled, "the invocation was cancelled before it gave a value".into())
            }
            other => {
                let text = match &result.structured_output_error {
                    Some(problem) => {
                        format!("the invocation gave no value of the form asked for: {problem}")
                    }
                    None => format!(
                        "the invocation ended with `{}` before it gave a value of the form asked for",
                        other.as_str()
                    ),
                };
                (ErrorKind::StructuredOutput, text)
            }
        };
        Self { inner: Box::new(Inner { error: Error::new(kind, text), result: Some(result) }) }
    }

    /// A value that was taken and does not become the type after all.
    pub(crate) fn unfit(error: Error, result: AgentResult) -> Self {
        Self { inner: Box::new(Inner { error, result: Some(result) }) }
    }

    /// What kind of thing went wrong: [`ErrorKind::Interrupt`] if questions are open,
    /// [`ErrorKind::Cancelled`], [`ErrorKind::StructuredOutput`] if the invocation ended otherwise
    /// without a value, and the kind of the error if it failed.
    pub fn kind(&self) -> ErrorKind {
        self.inner.error.kind()
    }

    /// What the invocation came to; none if it failed with an error.
    pub fn result(&self) -> Option<&AgentResult> {
        self.inner.result.as_ref()
    }

    /// What the invocation came to; none if it failed with an error.
    pub fn into_result(self) -> Option<AgentResult> {
        self.inner.result
    }

    /// True if questions are open: [`Agent::resume_as`](crate::Agent::resume_as) with answers goes on.
    pub fn is_interrupt(&self) -> bool {
        !self.interrupts().is_empty()
    }

    /// The questions that are open.
    pub fn interrupts(&self) -> &[Interrupt] {
        self.result().map_or(&[], |result| &result.interrupts)
    }

    /// The error without the result.
    pub fn error(&self) -> &Error {
        &self.inner.error
    }
}

impl From<Error> for OutputError {
    fn from(error: Error) -> Self {
        Self { inner: Box::new(Inner { error, result: None }) }
    }
}

impl From<OutputError> for Error {
    fn from(error: OutputError) -> Self {
        match error.inner.result {
            None => error.inner.error,
            Some(_) => Self::new(error.kind(), error.to_string()).with_source(error),
        }
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner.error, f)
    }
}

impl fmt::Debug for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputError")
            .field("error", &self.inner.error)
            .field("result", &self.inner.result)
            .finish()
    }
}

impl StdError for OutputError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.error.source()
    }
}
