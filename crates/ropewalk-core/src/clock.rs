//! Whether somebody keeps the time.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::time::Duration;

use tokio::runtime::{Handle, Id};

thread_local! {
    /// What is known of the runtime that was asked about last.
    static KNOWN: Cell<Option<(Id, bool)>> = const { Cell::new(None) };
}

/// True if there is a runtime that keeps the time.
pub(crate) fn has_clock() -> bool {
    let Ok(runtime) = Handle::try_current() else { return false };
    match KNOWN.get() {
        Some((id, has)) if id == runtime.id() => has,
        _ => {
            // One that was built without its time driver does not say so: it panics.
            let has = catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
            KNOWN.set(Some((runtime.id(), has)));
            has
        }
    }
}
