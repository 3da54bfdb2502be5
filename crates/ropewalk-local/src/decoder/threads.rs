//! How many threads the arithmetic runs on.
//!
//! candle hands its products to a pool of spinning threads, one per core. That collapses as soon as something else
//! wants the cores, and its size cannot be set from inside a program. But the pool runs work *inline* when it is
//! asked from one of its own threads. So one thread is had by working inside the pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

use candle_core::utils::barrier_pool;

use crate::error::{LocalError, Result};

/// How many threads the model computes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Threads {
    /// One: steady on a machine with other work, and the default.
    #[default]
    One,
    /// All physical cores (or as many as the environment variable `CANDLE_NUM_THREADS` says). Faster on an idle
    /// machine, far slower on a busy one.
    All,
}

impl Threads {
    /// Runs arithmetic; a panic inside it becomes an error.
    pub(crate) fn run<R: Send>(self, work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
        let guarded = || {
            catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|panic| Err(LocalError::Engine(panic_text(panic.as_ref()))))
        };
        match self {
            Self::All => guarded(),
            Self::One => inside_pool(guarded),
        }
    }
}

fn inside_pool<R: Send>(work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    let pool = barrier_pool();
    let caller = pool.n_workers();
    if caller == 0 {
        return work();
    }
    let work = Mutex::new(Some(work));
    let outcome = Mutex::new(None);
    let finished = Condvar::new();
    pool.execute(|thread| {
        if thread == 0 {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
            let result = work.map(|work| work());
            *outcome.lock().unwrap_or_else(PoisonError::into_inner) = result;
            finished.notify_all();
        } else if thread == caller {
            // Sleep instead of spinning until the worker is done.
            let mut waiting = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            while waiting.is_none() {
                waiting = finished.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
        }
    });
    let outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome.unwrap_or_else(|| Err(LocalError::Engine("the worker thread gave no result".into())))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}
