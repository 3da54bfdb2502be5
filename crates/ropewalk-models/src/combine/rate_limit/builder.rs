//! How a limit is set.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind, Usage};

use super::{Bucket, Count, Line, RateLimit, Shared};

/// How a [`RateLimit`] is set.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_models::RateLimit;
///
/// let limit = RateLimit::builder()
///     .requests_per_minute(50)
///     .tokens_per_minute(40_000)
///     .longest_wait(Duration::from_secs(30))
///     .build()?;
/// assert!(RateLimit::builder().build().is_err());
/// # let _ = limit;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone)]
pub struct RateLimitBuilder {
    requests: Option<u32>,
    burst: Option<u32>,
    tokens: Option<u32>,
    longest_wait: Duration,
    expected_output: u64,
    count: Option<Count>,
}

impl RateLimitBuilder {
    /// How many requests a minute may have.
    #[must_use]
    pub fn requests_per_minute(mut self, requests: u32) -> Self {
        self.requests = Some(requests);
        self
    }

    /// How many requests may go at once after a quiet time: those of a minute unless set. With 1 they are spaced
    /// evenly.
    #[must_use]
    pub fn request_burst(mut self, requests: u32) -> Self {
        self.burst = Some(requests);
        self
    }

    /// How many tokens a minute may have.
    #[must_use]
    pub fn tokens_per_minute(mut self, tokens: u32) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// How long a call waits at most: a minute unless set. One that would wait for longer fails at once; with zero none
    /// waits at all.
    #[must_use]
    pub fn longest_wait(mut self, longest: Duration) -> Self {
        self.longest_wait = longest;
        self
    }

    /// How many tokens an answer is thought to have before it is there: 500 unless set.
    #[must_use]
    pub fn expected_output_tokens(mut self, tokens: u64) -> Self {
        self.expected_output = tokens;
        self
    }

    /// Says how many tokens of a usage count: all of them unless set.
    ///
    /// ```
    /// use ropewalk_core::Usage;
    /// use ropewalk_models::RateLimit;
    ///
    /// // Where those that came from the provider's cache don't.
    /// let limit = RateLimit::builder()
    ///     .tokens_per_minute(40_000)
    ///     .count(|usage: &Usage| usage.total_tokens - usage.cache_read_input_tokens.unwrap_or(0))
    ///     .build()?;
    /// # let _ = limit;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    #[must_use]
    pub fn count(mut self, count: impl Fn(&Usage) -> u64 + Send + Sync + 'static) -> Self {
        self.count = Some(Arc::new(count));
        self
    }

    /// The limit.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if neither requests nor tokens are limited, or one of the numbers is 0.
    pub fn build(self) -> Result<RateLimit, Error> {
        let requests = above_zero("requests_per_minute", self.requests)?;
        let burst = above_zero("request_burst", self.burst)?;
        let tokens = above_zero("tokens_per_minute", self.tokens)?;
        if requests.is_none() && tokens.is_none() {
            let text = "a rate limit needs `requests_per_minute`, `tokens_per_minute` or both";
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let shared = Shared {
            requests: requests.map(|requests| Bucket::new(requests, burst.unwrap_or(requests))),
            tokens: tokens.map(|tokens| Bucket::new(tokens, tokens)),
            line: Line::default(),
            held_until: Mutex::default(),
            longest_wait: self.longest_wait,
            expected_output: self.expected_output,
            count: self.count,
        };
        Ok(RateLimit { shared: Arc::new(shared) })
    }
}

fn above_zero(name: &str, number: Option<u32>) -> Result<Option<NonZeroU32>, Error> {
    let checked = number.map(|number| NonZeroU32::new(number).ok_or(name)).transpose();
    checked.map_err(|name| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("{name}=<0> | with 0 no call would ever be made"),
        )
    })
}

impl Default for RateLimitBuilder {
    fn default() -> Self {
        Self {
            requests: None,
            burst: None,
            tokens: None,
            longest_wait: Duration::from_secs(60),
            expected_output: 500,
            count: None,
        }
    }
}

impl fmt::Debug for RateLimitBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitBuilder")
            .field("requests_per_minute", &self.requests)
            .field("request_burst", &self.burst)
            .field("tokens_per_minute", &self.tokens)
            .field("longest_wait", &self.longest_wait)
            .field("expected_output_tokens", &self.expected_output)
            .finish_non_exhaustive()
    }
}
