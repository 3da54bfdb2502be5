//! Those who wait for their turn.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use super::lock;

/// Those who wait for their turn. Who came first goes first.
#[derive(Default)]
pub(super) struct Line {
    /// Tokio's lock is fair: it is given in the order in which it was asked for.
    turn: tokio::sync::Mutex<()>,
    waiting: Mutex<Waiting>,
}

/// What those who wait will take.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    requests: u64,
    tokens: u64,
}

/// A place in the line. Who drops it, leaves the line.
#[derive(Debug)]
pub(super) struct Place<'a> {
    line: &'a Line,
    tokens: u64,
    /// With those before it.
    so_far: Waiting,
}

impl Line {
    /// Takes the place behind all others, for a call with so many tokens.
    pub(super) fn join(&self, tokens: u64) -> Place<'_> {
        let mut waiting = lock(&self.waiting);
        waiting.requests = waiting.requests.saturating_add(1);
        waiting.tokens = waiting.tokens.saturating_add(tokens);
        Place { line: self, tokens, so_far: *waiting }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

impl<'a> Place<'a> {
    pub(super) fn requests_so_far(&self) -> u64 {
        self.so_far.requests
    }

    pub(super) fn tokens_so_far(&self) -> u64 {
        self.so_far.tokens
    }

    /// Waits until those before it are gone. The turn is over when what it gives is dropped.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'a, ()> {
        self.line.turn.lock().await
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.line.waiting();
        waiting.requests = waiting.requests.saturating_sub(1);
        waiting.tokens = waiting.tokens.saturating_sub(self.tokens);
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("waiting", &*self.waiting()).finish_non_exhaustive()
    }
}
