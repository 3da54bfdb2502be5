//! What a minute may have of one thing.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::lock;

/// What a minute may have of one thing: it fills up evenly.
pub(super) struct Bucket {
    limiter: RateLimiter<NotKeyed, Level, Ticks, NoOpMiddleware<Nanos>>,
    level: Level,
    ticks: Ticks,
    /// The time that one of the things takes to come in.
    each: Duration,
    most: NonZeroU32,
}

impl Bucket {
    /// So many a minute, and so many at once.
    pub(super) fn new(per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        let (level, ticks) = (Level::default(), Ticks(Instant::now()));
        let limiter = RateLimiter::new(quota, level.clone(), ticks);
        Self { limiter, level, ticks, each: quota.replenish_interval(), most: burst }
    }

    /// The most there can be.
    pub(super) fn most(&self) -> u64 {
        self.most.get().into()
    }

    /// Takes so many if they are there; more than there can be never are.
    pub(super) fn take(&self, count: u64) -> bool {
        let Ok(count) = u32::try_from(count) else { return false };
        let Some(count) = NonZeroU32::new(count) else { return true };
        matches!(self.limiter.check_n(count), Ok(Ok(())))
    }

    /// How long it takes until so many could be taken. They may be more than there can be, if they are taken one
    /// after the other.
    pub(super) fn wait_for(&self, count: u64) -> Duration {
        let ticks = self.ticks.now();
        // It will be full then, and again after as many have come in as will have been taken.
        let full = lock(&self.level.0).unwrap_or(ticks).max(ticks);
        let full = Duration::from(full).saturating_add(self.time(count));
        full.saturating_sub(self.time(self.most())).saturating_sub(ticks.into())
    }

    /// So many were taken, and so many used: the bucket has more than was thought, or owes something.
    pub(super) fn put_right(&self, taken: u64, used: u64) {
        let ticks = self.ticks.now();
        let mut level = lock(&self.level.0);
        let full = Duration::from(level.unwrap_or(ticks).max(ticks));
        let full = match used.checked_sub(taken) {
            Some(more) => full.saturating_add(self.time(more)),
            None => full.saturating_sub(self.time(taken.saturating_sub(used))),
        };
        *level = Some(nanos(full));
    }

    fn time(&self, count: u64) -> Duration {
        let each = u64::try_from(self.each.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(each.saturating_mul(count))
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("one_each", &self.each)
            .field("most", &self.most)
            .field("full_in", &self.wait_for(self.most()))
            .finish_non_exhaustive()
    }
}

/// When the bucket will be full, counted from its first moment. It is ours, so that it can be put right.
#[derive(Clone, Debug, Default)]
struct Level(Arc<Mutex<Option<Nanos>>>);

impl StateStore for Level {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut level = lock(&self.0);
        let (outcome, next) = measure(*level)?;
        *level = Some(next);
        Ok(outcome)
    }
}

/// Tokio's clock, which tests can wind forward.
#[derive(Clone, Copy, Debug)]
struct Ticks(Instant);

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        nanos(self.0.elapsed())
    }
}

/// A time as the limiter counts it: it must not be more than that can hold, some centuries.
fn nanos(time: Duration) -> Nanos {
    Nanos::new(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
