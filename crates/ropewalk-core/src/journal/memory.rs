//! Records kept in memory.

use std::sync::{Arc, Mutex, PoisonError};

use super::Journal;
use crate::error::Error;
use crate::id::new_run_id;
use crate::run::Record;
use crate::tool::BoxFuture;

/// Keeps records in memory: for tests, and for moving a run within one process. Clones share the
/// records.
///
/// ```
/// use ropewalk_core::{Journal, MemoryJournal, Message, Record};
///
/// # futures_executor::block_on(async {
/// let journal = MemoryJournal::new();
/// journal.append(&[Record::InvocationStarted { messages: vec![Message::user("hi")], state: Default::default() }]).await?;
/// assert_eq!(journal.load().await?.len(), 1);
/// # Ok::<(), ropewalk_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryJournal {
    run_id: Arc<str>,
    records: Arc<Mutex<Vec<Record>>>,
}

impl MemoryJournal {
    /// No records.
    pub fn new() -> Self {
        Self { run_id: new_run_id(), records: Arc::default() }
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal for MemoryJournal {
    fn run_id(&self) -> &str {
        &self.run_id
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(std::future::ready(Ok(records)))
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.records.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(records);
            Ok(())
        })
    }
}
