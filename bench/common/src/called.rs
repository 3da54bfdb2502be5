//! What the tool notes when it is called.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::cpu_time;

/// How many calls a section has of whose cost something is said.
const SECTION: usize = 100;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static MARKS: Mutex<Vec<Mark>> = Mutex::new(Vec::new());

/// When one call of the tool was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Which call, from 1.
    pub(crate) call: usize,
    pub(crate) wall: Instant,
    pub(crate) cpu: Duration,
}

/// Counts a call of the tool, and notes the time at the first and the last one of each hundred.
pub fn called() {
    let call = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    if call % SECTION <= 1 {
        let mark = Mark { call, wall: Instant::now(), cpu: cpu_time() };
        MARKS.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
    }
}

/// How often the tool was called since [`forget`]. A scripted model in the process goes by it.
pub fn calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

/// Begins anew.
pub(crate) fn forget() {
    CALLS.store(0, Ordering::Relaxed);
    MARKS.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The times that were noted.
pub(crate) fn marks() -> Vec<Mark> {
    MARKS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
