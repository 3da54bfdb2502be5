//! What is said when no model answered.

use ropewalk_core::Error;

/// The models that failed, and why, in order.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<(String, Error)>);

impl Failures {
    pub(super) fn add(&mut self, id: &str, error: Error) {
        self.0.push((id.to_owned(), error));
    }

    /// One error for all of them. It tells each, its source is the first, and its kind is the last one's: unless
    /// that is one that nothing can be done about and an earlier one may pass by itself. A second model with a
    /// wrong key must not keep the first one, which was only throttled, from being asked again.
    pub(super) fn with_last(mut self, id: &str, error: Error) -> Error {
        if self.0.is_empty() {
            return error;
        }
        self.add(id, error);
        let texts: Vec<String> =
            self.0.iter().map(|(id, error)| format!("`{id}`: {}", error.report())).collect();
        let text = format!("none of {} models answered: {}", texts.len(), texts.join("; "));
        let is_final = |error: &Error| !error.is_retryable() && !error.is_context_overflow();
        let last = self.0.last().filter(|(_, error)| !is_final(error));
        let passing = self.0.iter().rev().find(|(_, error)| error.is_retryable());
        let standing = last.or(passing).or(self.0.last()).map(|(_, error)| error.kind());
        // The models are asked again together: after the shortest of the waits, if each asks for one.
        let retryable = self.0.iter().filter(|(_, error)| error.is_retryable());
        let waits: Option<Vec<_>> = retryable.map(|(_, error)| error.retry_after()).collect();
        let wait = waits.unwrap_or_default().into_iter().min();
        let (_, first) = self.0.swap_remove(0);
        let mut all = Error::new(standing.unwrap_or(first.kind()), text).with_source(first);
        if let Some(wait) = wait {
            all = all.with_retry_after(wait);
        }
        all
    }
}
