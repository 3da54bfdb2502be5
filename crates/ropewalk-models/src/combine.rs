//! Models made of models: they know the `Model` trait and no provider.

#[cfg(any(feature = "fallback", feature = "router"))]
mod answered_by;
#[cfg(any(feature = "fallback", feature = "router"))]
mod attempts;
#[cfg(feature = "cache")]
mod cached;
#[cfg(feature = "fallback")]
mod fallback;
#[cfg(any(feature = "fallback", feature = "rate-limit", feature = "router"))]
mod given;
#[cfg(any(feature = "fallback", feature = "router"))]
mod goes_on;
#[cfg(any(feature = "fallback", feature = "router"))]
mod members;
#[cfg(feature = "rate-limit")]
mod rate_limit;
#[cfg(feature = "rate-limit")]
mod rate_limited;
#[cfg(feature = "router")]
mod round_robin;
#[cfg(feature = "router")]
mod router;

use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "cache")]
pub use cached::CachedModel;
#[cfg(feature = "fallback")]
pub use fallback::FallbackModel;
#[cfg(feature = "rate-limit")]
pub use rate_limit::{RateLimit, RateLimitBuilder};
#[cfg(feature = "rate-limit")]
pub use rate_limited::RateLimitedModel;
#[cfg(feature = "router")]
pub use round_robin::RoundRobinModel;
#[cfg(feature = "router")]
pub use router::RouterModel;

/// The key of the metadata that marks an answer from a cache: nobody was asked for it.
#[cfg(any(feature = "cache", feature = "rate-limit"))]
const CACHED: &str = "cached";

/// Locks what is whole at any time, so that a panic of another thread changes nothing about it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
