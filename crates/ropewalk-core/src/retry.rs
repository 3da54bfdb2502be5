//! What happens after a model call that failed.

mod jitter;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind};

pub(crate) use jitter::Jitter;

type Predicate = Arc<dyn Fn(&Error) -> bool + Send + Sync>;

/// Whether, how often and after what time a model call that failed is made again (Strands'
/// `ModelRetryStrategy`).
///
/// As in Strands a call is made six times at most, and the waits between are 4, 8, 16, 32 and 64
/// seconds, never more than 240. Three things are different: a wait is varied downwards by up to half,
/// so that many agents that were turned away together don't come back together; a provider's
/// `Retry-After` counts where it is longer; and it is not only throttling that is tried again, but
/// whatever [`Error::is_retryable`] says may succeed: a provider that can't be reached, a timeout, an
/// answer that broke off.
///
/// The hooks around a model call fire for each attempt. A cancel ends a wait.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::RetryStrategy;
///
/// let patient = RetryStrategy::default()
///     .max_attempts(10)
///     .initial_delay(Duration::from_secs(1))
///     .max_delay(Duration::from_secs(60));
/// # let _ = patient;
/// ```
#[derive(Clone)]
pub struct RetryStrategy {
    max_attempts: u32,
    max_refused: Option<u32>,
    initial_delay: Duration,
    max_delay: Duration,
    max_retry_after: Duration,
    jitter: Jitter,
    retries: Option<Predicate>,
}

impl RetryStrategy {
    /// Each call is made once.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// How often a call is made at most, the first time counted: 6 unless set. An agent with 0 can't
    /// be built.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How often a call is made at most while nobody listens where the model's server should be
    /// ([`Error::is_connection_refused`]), the first time counted: as often as any other unless set. A server
    /// that restarts is there again soon, so the waits are a second, then two, then four, where others are
    /// longer; one that was never started is reported within seconds.
    #[must_use]
    pub fn max_refused_attempts(mut self, attempts: u32) -> Self {
        self.max_refused = Some(attempts);
        self
    }

    /// The wait after the first failure: 4 seconds unless set. It doubles with each further one.
    #[must_use]
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// The longest wait: 240 seconds unless set. A provider's `Retry-After` may be longer.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The longest `Retry-After` that is waited for: 10 minutes unless set. A provider that wants more
    /// is not asked again: the error is given back at once, with what it wants
    /// ([`Error::retry_after`]).
    #[must_use]
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = longest;
        self
    }

    /// Waits exactly as long as is said: nothing is varied.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.jitter = Jitter::Off;
        self
    }

    /// Varies the waits in the same way each time, for tests.
    #[must_use]
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.jitter = Jitter::Seeded(seed);
        self
    }

    /// Says which errors are tried again, in place of [`Error::is_retryable`].
    #[must_use]
    pub fn retry_if(mut self, retries: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.retries = Some(Arc::new(retries));
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.max_attempts > 0 {
            return Ok(());
        }
        let text = "max_attempts=<0> | a model call is made once at least: `RetryStrategy::none()` makes no more";
        Err(Error::new(ErrorKind::InvalidInput, text))
    }

    /// How long to wait after the failure of an attempt, counted from 1; none if it was the last.
    pub(crate) fn wait(&self, attempt: u32, error: &Error) -> Option<Duration> {
        let retries = match &self.retries {
            Some(retries) => retries(error),
            None => error.is_retryable(),
        };
        let refused = self.max_refused.filter(|_| error.is_connection_refused());
        let most = refused.map_or(self.max_attempts, |most| most.min(self.max_attempts));
        if !retries || attempt >= most {
            return None;
        }
        let first = match refused {
            Some(_) => self.initial_delay.min(Duration::from_secs(1)),
            None => self.initial_delay,
        };
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let delay = first.saturating_mul(doubled).min(self.max_delay);
        let delay = self.jitter.vary(delay, attempt);
        match error.retry_after() {
            Some(wanted) if wanted > self.max_retry_after => None,
            Some(wanted) => Some(delay.max(wanted)),
            None => Some(delay),
        }
    }
}

impl Default for RetryStrategy {
    fn default() -> Self {
        Self {
            max_attempts: 6,
            max_refused: None,
            initial_delay: Duration::from_secs(4),
            max_delay: Duration::from_secs(240),
            max_retry_after: Duration::from_secs(600),
            jitter: Jitter::Random,
            retries: None,
        }
    }
}

impl fmt::Debug for RetryStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryStrategy")
            .field("max_attempts", &self.max_attempts)
            .field("max_refused_attempts", &self.max_refused)
            .field("initial_delay", &self.initial_delay)
            .field("max_delay", &self.max_delay)
            .field("max_retry_after", &self.max_retry_after)
            .field("jitter", &self.jitter)
            .finish_non_exhaustive()
    }
}
