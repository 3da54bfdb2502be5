//! A typed value with the result it came with.

use std::ops::Deref;

use crate::view::AgentResult;

/// A typed value with the result it came with. It derefs to the value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Output<T> {
    /// The value.
    pub value: T,
    /// What the invocation came to: its message, usage, stop reason.
    pub result: AgentResult,
}

impl<T> Output<T> {
    pub(crate) fn new(value: T, result: AgentResult) -> Self {
        Self { value, result }
    }
}

impl<T> Deref for Output<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
