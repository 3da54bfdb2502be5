//! What is going on while weights are fetched.

use std::sync::Arc;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Another process is fetching; this one waits for it.
    Waiting,
    /// Bytes are coming over the network.
    Downloading,
    /// What came is unpacked and its checksum compared.
    Verifying,
    /// The weights are converted to a form that runs faster; done once.
    Converting,
    /// The weights are read into memory.
    Loading,
}

impl Stage {
    /// What to show a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for another process that fetches the model",
            Self::Downloading => "fetching the model",
            Self::Verifying => "checking the model",
            Self::Converting => "preparing the model",
            Self::Loading => "loading the model",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
}

impl Progress {
    pub(crate) fn new(stage: Stage, done: u64, total: Option<u64>) -> Self {
        Self { stage, done, total }
    }
}

/// Is told how far it is, from whatever thread does the work.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;
