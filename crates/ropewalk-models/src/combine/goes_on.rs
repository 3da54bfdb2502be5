//! After which errors another model is asked.

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{Error, ErrorKind};

/// After which errors another model is asked.
#[derive(Clone)]
pub(super) enum GoesOn {
    /// Those that another try may mend.
    Retryable,
    Kinds(Vec<ErrorKind>),
    If(Arc<dyn Fn(&Error) -> bool + Send + Sync>),
}

impl GoesOn {
    /// Nothing helps against a cancel, whatever was set.
    pub(super) fn after(&self, error: &Error) -> bool {
        !error.is_cancelled()
            && match self {
                Self::Retryable => error.is_retryable(),
                Self::Kinds(kinds) => kinds.contains(&error.kind()),
                Self::If(says) => says(error),
            }
    }
}

impl fmt::Debug for GoesOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retryable => f.write_str("Retryable"),
            Self::Kinds(kinds) => f.debug_tuple("Kinds").field(kinds).finish(),
            Self::If(_) => f.write_str("If(..)"),
        }
    }
}
