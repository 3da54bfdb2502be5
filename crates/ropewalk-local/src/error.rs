//! What can go wrong, in the words of the person who has to mend it.

use std::path::PathBuf;

use ropewalk_core::{Error, ErrorKind};

pub(crate) type Result<T, E = LocalError> = std::result::Result<T, E>;

/// A failure of the embedded model; becomes the core's error at the crate's edge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    /// The file cannot be read at all.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// The file is not a sound GGUF model.
    #[error("{} is not a usable GGUF model: {what}", path.display())]
    Gguf { path: PathBuf, what: String },
    /// The file is sound, but this crate doesn't know its kind of model.
    #[error("{what}")]
    Unsupported { what: String },
    /// Weights could not be fetched; another time may be better.
    #[error("{0}")]
    Weights(String),
    /// Something on this machine, or in what was fetched, keeps the weights from being used; trying again doesn't help.
    #[error("{0}")]
    Obstacle(String),
    /// The caller's model string or options make no sense.
    #[error("{0}")]
    Config(String),
    /// The prompt does not fit the window.
    #[error(
        "the prompt has {needed} tokens but the window of {model} holds {limit}; \
         shorten the conversation or choose a model with a longer window"
    )]
    Overflow { model: String, needed: usize, limit: usize },
    /// A JSON schema could not be turned into a grammar.
    #[error("the JSON schema of {of} cannot be turned into a grammar: {what}")]
    Schema { of: String, what: String },
    /// The chat template of the model failed.
    #[error("the chat template of {model} failed: {what}")]
    Template { model: String, what: String },
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Arithmetic failed inside the engine.
    #[error("the inference engine failed: {0}")]
    Engine(String),
}

impl From<candle_core::Error> for LocalError {
    fn from(error: candle_core::Error) -> Self {
        Self::Engine(error.to_string())
    }
}

impl From<LocalError> for Error {
    fn from(error: LocalError) -> Self {
        let kind = match &error {
            LocalError::Read { .. } | LocalError::Gguf { .. } | LocalError::Config(_) => {
                ErrorKind::InvalidInput
            }
            LocalError::Unsupported { .. } => ErrorKind::Unsupported,
            LocalError::Weights(_) => ErrorKind::Unavailable,
            LocalError::Overflow { .. } => ErrorKind::ContextOverflow,
            LocalError::Schema { .. } | LocalError::Template { .. } => ErrorKind::InvalidRequest,
            LocalError::Cancelled => ErrorKind::Cancelled,
            LocalError::Obstacle(_) | LocalError::Engine(_) => ErrorKind::Other,
        };
        let text = error.to_string();
        Self::new(kind, text).with_source(error)
    }
}
