//! What the hooks of the full shape do.

use std::sync::atomic::{AtomicUsize, Ordering};

static NOTED: AtomicUsize = AtomicUsize::new(0);

/// Looks at something and counts it.
pub fn note(seen: &str) {
    NOTED.fetch_add(seen.len(), Ordering::Relaxed);
}
