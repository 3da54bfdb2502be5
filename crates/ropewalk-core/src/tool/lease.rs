//! What a call holds while it runs alone.

use tokio::sync::OwnedMutexGuard;

/// Keeps others with the same [exclusive key](super::Tool::exclusive_key) from running. It is held by
/// who waits for the call and by the thread of a blocking tool: that goes on when nobody waits any more.
pub(crate) struct Lease {
    _guard: OwnedMutexGuard<()>,
}

impl Lease {
    pub(crate) fn new(guard: OwnedMutexGuard<()>) -> Self {
        Self { _guard: guard }
    }
}
