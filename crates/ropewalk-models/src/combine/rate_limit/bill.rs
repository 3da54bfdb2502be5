//! What one call takes of a limit.

use ropewalk_core::{Error, ModelChunk, Usage};

use super::RateLimit;
use crate::combine::CACHED;
use crate::combine::given::gives_something;

/// What one call takes of a limit: an estimate, until the model says what it was.
#[derive(Debug)]
pub(in crate::combine) struct Bill {
    limit: RateLimit,
    tokens: u64,
    has_given: bool,
}

impl Bill {
    pub(super) fn new(limit: RateLimit, tokens: u64) -> Self {
        Self { limit, tokens, has_given: false }
    }

    /// Looks at what the model says.
    pub(in crate::combine) fn see(&mut self, item: &Result<ModelChunk, Error>) {
        match item {
            // One that does not say what it used is none that used nothing, unless nobody was asked.
            Ok(ModelChunk::Metadata(told))
                if told.usage != Usage::default() || told.extra.contains_key(CACHED) =>
            {
                self.is(self.limit.count(&told.usage));
            }
            Ok(chunk) => self.has_given |= gives_something(chunk),
            Err(error) => {
                if let Some(wait) = error.retry_after() {
                    self.limit.hold(wait);
                }
                // A call that was refused used nothing. What one that broke off used, nobody knows.
                if !self.has_given {
                    self.is(0);
                }
            }
        }
    }

    fn is(&mut self, tokens: u64) {
        self.limit.put_right(self.tokens, tokens);
        self.tokens = tokens;
    }
}
