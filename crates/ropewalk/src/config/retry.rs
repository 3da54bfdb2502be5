//! How often the model is asked again.

use std::time::Duration;

use ropewalk_core::RetryStrategy;
use serde::Deserialize;

/// How often the model is asked again when it fails, and how long is waited in between. What is not said
/// is as in [`RetryStrategy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryConfig {
    /// How often a call is made at most, the first time counted; 1 means that none is made again.
    pub max_attempts: Option<u32>,
    /// The same while nobody listens where the model's server should be.
    pub max_refused_attempts: Option<u32>,
    /// The wait after the first failure, in seconds.
    pub initial_delay_seconds: Option<u64>,
    /// The longest wait, in seconds.
    pub max_delay_seconds: Option<u64>,
    /// The longest wait that a provider may ask for, in seconds.
    pub max_retry_after_seconds: Option<u64>,
    /// Whether the waits are varied.
    pub jitter: Option<bool>,
}

impl RetryConfig {
    pub(super) fn strategy(self) -> RetryStrategy {
        let mut strategy = RetryStrategy::default();
        if let Some(attempts) = self.max_attempts {
            strategy = strategy.max_attempts(attempts);
        }
        if let Some(attempts) = self.max_refused_attempts {
            strategy = strategy.max_refused_attempts(attempts);
        }
        if let Some(seconds) = self.initial_delay_seconds {
            strategy = strategy.initial_delay(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.max_delay_seconds {
            strategy = strategy.max_delay(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.max_retry_after_seconds {
            strategy = strategy.max_retry_after(Duration::from_secs(seconds));
        }
        if self.jitter == Some(false) {
            strategy = strategy.without_jitter();
        }
        strategy
    }
}
