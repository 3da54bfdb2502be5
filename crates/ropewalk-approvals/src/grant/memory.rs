//! Answers that are kept as long as the process lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ropewalk_core::{BoxFuture, Error};

use super::{Grant, GrantStore};

/// Keeps answers as long as the process lives. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryGrants {
    grants: Arc<Mutex<BTreeMap<String, Grant>>>,
}

impl MemoryGrants {
    /// No answers yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Grant>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GrantStore for MemoryGrants {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Grant>, Error>> {
        Box::pin(async move { Ok(self.lock().get(key).cloned()) })
    }

    fn add(&self, grant: Grant) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.lock().insert(grant.key.clone(), grant);
            Ok(())
        })
    }

    fn revoke<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move { Ok(self.lock().remove(key).is_some()) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Grant>, Error>> {
        Box::pin(async move { Ok(self.lock().values().cloned().collect()) })
    }
}
