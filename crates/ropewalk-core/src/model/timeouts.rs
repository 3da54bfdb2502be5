//! How long a model may say nothing.

use std::time::Duration;

use super::chunk::{BlockDelta, ModelChunk};

/// How long a model may take to say something, before its call is given up as one that hangs.
///
/// Only what an answer is made of counts: chunks of kinds that this version does not know, empty
/// pieces and whatever else keeps a connection open don't. A call that is given up fails with
/// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout), and is made again as the
/// [`RetryStrategy`](crate::RetryStrategy) says. Without a Tokio runtime that
/// keeps the time there is no limit.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::ModelTimeouts;
///
/// let impatient = ModelTimeouts::default()
///     .first_data(Duration::from_secs(30))
///     .between_data(Duration::from_secs(10));
/// # let _ = impatient;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelTimeouts {
    first_data: Option<Duration>,
    between_data: Option<Duration>,
}

impl ModelTimeouts {
    /// A model may take as long as it likes.
    pub fn none() -> Self {
        Self { first_data: None, between_data: None }
    }

    /// Until the first piece of an answer: 10 minutes unless set. Long prompts are read, and thoughts
    /// that nobody is shown are thought, before it comes.
    #[must_use]
    pub fn first_data(mut self, longest: Duration) -> Self {
        self.first_data = Some(longest);
        self
    }

    /// From one piece to the next, and from the last one to the end: 5 minutes unless set.
    #[must_use]
    pub fn between_data(mut self, longest: Duration) -> Self {
        self.between_data = Some(longest);
        self
    }

    /// How long the next piece may take.
    pub(crate) fn limit(&self, has_begun: bool) -> Option<Duration> {
        if has_begun { self.between_data } else { self.first_data }
    }
}

impl Default for ModelTimeouts {
    fn default() -> Self {
        Self {
            first_data: Some(Duration::from_secs(600)),
            between_data: Some(Duration::from_secs(300)),
        }
    }
}

impl ModelChunk {
    /// True if it is a part of an answer, and not only a sign that somebody is there.
    pub(crate) fn is_data(&self) -> bool {
        match self {
            Self::ContentBlockDelta(block) => match &block.delta {
                BlockDelta::Text(text) => !text.is_empty(),
                BlockDelta::ToolUse(piece) => {
                    !piece.input.is_empty() || piece.tool_use_id.is_some() || piece.name.is_some()
                }
                BlockDelta::ReasoningContent(piece) => {
                    let said = |text: &Option<String>| !text.as_deref().unwrap_or("").is_empty();
                    said(&piece.text)
                        || said(&piece.signature)
                        || piece
                            .redacted_content
                            .as_deref()
                            .is_some_and(|sealed| !sealed.is_empty())
                }
                BlockDelta::Citation(_) => true,
                BlockDelta::Unknown(_) => false,
            },
            Self::ContentBlockStart(_)
            | Self::ContentBlockStop(_)
            | Self::MessageStop(_)
            | Self::RedactContent(_) => true,
            // A message that is only announced is nothing yet, and usage may be told with every beat.
            Self::MessageStart(_) | Self::Metadata(_) | Self::Unknown(_) => false,
        }
    }
}
