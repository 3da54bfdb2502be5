//! The answers that are kept.

use std::fmt;

use lru::LruCache;
use tokio::time::Instant;

use super::record::Answer;

type Key = [u8; 32];

/// The answers that are kept, within bounds.
pub(super) struct Kept {
    entries: LruCache<Key, Entry>,
    bytes: usize,
}

struct Entry {
    answer: Answer,
    /// None: longer than clocks go.
    until: Option<Instant>,
}

impl Kept {
    /// The answer under a key, if it is still good. It counts as asked for.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<Answer> {
        let entry = self.entries.get(key)?;
        if entry.until.is_none_or(|until| now < until) {
            return Some(entry.answer.clone());
        }
        self.remove(key);
        None
    }

    /// Keeps an answer; as many of those that were not asked for the longest go as must.
    pub(super) fn insert(
        &mut self,
        key: Key,
        answer: Answer,
        until: Option<Instant>,
        max_entries: usize,
        max_bytes: usize,
    ) {
        self.remove(&key);
        if max_entries == 0 || answer.bytes > max_bytes {
            return;
        }
        while self.entries.len() >= max_entries || self.bytes > max_bytes - answer.bytes {
            let Some((_, gone)) = self.entries.pop_lru() else { break };
            self.bytes -= gone.answer.bytes;
        }
        self.bytes += answer.bytes;
        self.entries.put(key, Entry { answer, until });
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    fn remove(&mut self, key: &Key) {
        if let Some(gone) = self.entries.pop(key) {
            self.bytes -= gone.answer.bytes;
        }
    }
}

impl Default for Kept {
    fn default() -> Self {
        // Its bounds are kept to here: there are two of them.
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("entries", &self.entries.len())
            .field("bytes", &self.bytes)
            .finish()
    }
}
