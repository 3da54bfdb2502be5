//! Calls that must not run at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::tool::Lease;

/// The keys that calls of tools hold while they run; one for all agents of a blueprint.
#[derive(Default)]
pub(super) struct Exclusive(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Exclusive {
    /// Waits until nobody holds this key, and holds it as long as the lease lives. Who came first is
    /// served first.
    pub(super) async fn hold(&self, key: &str) -> Arc<Lease> {
        let lock = self.lock_of(key);
        Arc::new(Lease::new(lock.lock_owned().await))
    }

    fn lock_of(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        // Keys may be made of arguments: those that nobody uses any more are forgotten.
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(key.to_owned(), Arc::downgrade(&lock));
        lock
    }
}
