//! An error that tells the model less than the operator.

use std::error::Error as StdError;
use std::fmt;

use crate::error::BoxError;

/// A tool's error whose text is for the model, and whose source is for the operator alone.
///
/// The model reads `Error: <text>` and nothing else. The source is seen by hooks
/// ([`AfterToolCallEvent::exception`](crate::AfterToolCallEvent::exception)) and stands in the log. Of
/// every other error the model reads the text and those of its causes.
///
/// ```
/// use ropewalk_core::ToolFailure;
///
/// fn connect() -> Result<(), ToolFailure> {
///     let refused = std::io::Error::other("db7.internal refused user `svc_bot`");
///     Err(ToolFailure::new("the order database can't be reached now").with_source(refused))
/// }
///
/// assert_eq!(connect().unwrap_err().to_string(), "the order database can't be reached now");
/// ```
#[derive(Debug)]
pub struct ToolFailure {
    text: String,
    source: Option<BoxError>,
}

impl ToolFailure {
    /// A failure with what the model is told.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), source: None }
    }

    /// Adds what the operator is told besides.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for ToolFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for ToolFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
