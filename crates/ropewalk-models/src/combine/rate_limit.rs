//! How much may be asked in a minute.

mod bill;
mod bucket;
mod builder;
mod estimate;
mod line;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind, Usage};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::lock;
use bill::Bill;
use bucket::Bucket;
pub use builder::RateLimitBuilder;
pub(super) use estimate::estimated_input;
use line::Line;

type Count = Arc<dyn Fn(&Usage) -> u64 + Send + Sync>;

/// How many requests and tokens a minute may have, for one model or for all that one account pays for: see
/// [`RateLimitedModel`](crate::RateLimitedModel).
///
/// A limit is a bucket that holds what a minute may have and fills up evenly. After a quiet time as much may go at
/// once; from then on as much as comes in. (So the first minute may have up to twice as much. Where a provider counts
/// minutes strictly, set half.)
///
/// Tokens are estimated before a call ([`Message::estimated_tokens`](ropewalk_core::Message::estimated_tokens), or what
/// the last call of the conversation said it read), with those of the answer
/// ([`expected_output_tokens`](RateLimitBuilder::expected_output_tokens)), and put right when the model says what it
/// used. What turns out to have been too little is owed: the next calls wait for it. A call that is larger than a
/// minute's tokens waits until the bucket is full.
///
/// Cheap to clone; clones are the same limit.
#[derive(Clone)]
pub struct RateLimit {
    shared: Arc<Shared>,
}

struct Shared {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    line: Line,
    /// Nobody goes before then: a provider said so.
    held_until: Mutex<Option<Instant>>,
    longest_wait: Duration,
    expected_output: u64,
    count: Option<Count>,
}

impl RateLimit {
    /// Starts to describe a limit.
    pub fn builder() -> RateLimitBuilder {
        RateLimitBuilder::default()
    }

    /// Waits until a call that reads so many tokens may be made.
    ///
    /// # Errors
    /// The wait would be too long, or was cancelled.
    pub(super) async fn admit(
        &self,
        input: u64,
        cancel: &CancellationToken,
    ) -> Result<Bill, Error> {
        let shared = &*self.shared;
        let tokens = input.saturating_add(shared.expected_output);
        // What is more than there can be has to do with all there can be.
        let most = shared.tokens.as_ref().map_or(u64::MAX, Bucket::most);
        let tokens = tokens.min(most);
        let admitted = cancel.run_until_cancelled(shared.wait(tokens)).await;
        admitted.unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Cancelled,
                "the call was cancelled while it waited for its turn",
            ))
        })?;
        Ok(Bill::new(self.clone(), tokens))
    }

    /// What of a usage counts.
    fn count(&self, usage: &Usage) -> u64 {
        match &self.shared.count {
            Some(count) => count(usage),
            None => usage.total_tokens.max(usage.input_tokens.saturating_add(usage.output_tokens)),
        }
    }

    /// So many tokens were taken, and so many used.
    fn put_right(&self, taken: u64, used: u64) {
        if let Some(tokens) = &self.shared.tokens {
            tokens.put_right(taken, used);
        }
    }

    /// Nobody goes for so long.
    fn hold(&self, time: Duration) {
        let until = Instant::now().checked_add(time);
        let mut held = lock(&self.shared.held_until);
        *held = until.max(*held);
    }
}

impl Shared {
    async fn wait(&self, tokens: u64) -> Result<(), Error> {
        let came = Instant::now();
        let place = self.line.join(tokens);
        let wait = self.wait_for(place.requests_so_far(), place.tokens_so_far());
        self.check(wait)?;
        let _turn = place.turn().await;
        loop {
            let wait = self.wait_for(1, tokens);
            if wait.is_zero() && self.take(tokens) {
                return Ok(());
            }
            // What was used meanwhile, or a provider, may have made it longer.
            self.check(came.elapsed().saturating_add(wait))?;
            tracing::debug!(?wait, "a model call waits for its turn");
            // A bucket that was emptied since it was looked at is looked at again.
            sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    /// How long it takes until so much may go.
    fn wait_for(&self, requests: u64, tokens: u64) -> Duration {
        let held = *lock(&self.held_until);
        let held = held.map(|until| until.saturating_duration_since(Instant::now()));
        let of = |bucket: &Option<Bucket>, count| bucket.as_ref().map(|it| it.wait_for(count));
        let waits = [held, of(&self.requests, requests), of(&self.tokens, tokens)];
        waits.into_iter().flatten().max().unwrap_or_default()
    }

    /// Takes what a call needs, if it is there.
    fn take(&self, tokens: u64) -> bool {
        let of = |bucket: &Option<Bucket>, count| bucket.as_ref().is_none_or(|it| it.take(count));
        // The tokens first: what others used may have taken them away since they were looked at. Requests can't be.
        of(&self.tokens, tokens) && of(&self.requests, 1)
    }

    fn check(&self, wait: Duration) -> Result<(), Error> {
        // Without a runtime there is no clock to wait by.
        let has_clock = tokio::runtime::Handle::try_current().is_ok();
        if wait.is_zero() || has_clock && wait <= self.longest_wait {
            return Ok(());
        }
        let longest = if has_clock { self.longest_wait } else { Duration::ZERO };
        let text = format!(
            "the rate limit lets this call go in {wait:.1?}, and no call waits for longer than {longest:?}"
        );
        Err(Error::new(ErrorKind::Throttled, text).with_retry_after(wait))
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { requests, tokens, line, longest_wait, expected_output, .. } = &*self.shared;
        f.debug_struct("RateLimit")
            .field("requests", requests)
            .field("tokens", tokens)
            .field("line", line)
            .field("longest_wait", longest_wait)
            .field("expected_output_tokens", expected_output)
            .finish_non_exhaustive()
    }
}
