//! Beginnings of prompts that were evaluated before.

use crate::decoder::KvCache;

/// A bounded collection of evaluated beginnings; the one unused for longest goes first.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    entries: Vec<Entry>,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    tokens: Vec<u32>,
    cache: KvCache,
    used: u64,
}

const MOST_ENTRIES: usize = 64;
const MOST_BYTES: usize = 512 << 20;

impl Prefixes {
    /// The cache for as much of `tokens` as is known.
    pub(super) fn find(&mut self, tokens: &[u32]) -> Option<KvCache> {
        self.clock += 1;
        let clock = self.clock;
        let best = self.entries.iter_mut().max_by_key(|entry| entry.common(tokens))?;
        let common = best.common(tokens);
        if common == 0 {
            return None;
        }
        best.used = clock;
        let mut cache = best.cache.clone();
        cache.truncate(common);
        Some(cache)
    }

    /// Keeps the cache of `tokens`. An entry that this one continues is replaced.
    pub(super) fn keep(&mut self, tokens: &[u32], cache: &KvCache) {
        self.clock += 1;
        if self.entries.iter().any(|e| e.tokens.starts_with(tokens)) {
            return;
        }
        self.entries.retain(|e| !tokens.starts_with(&e.tokens));
        self.entries.push(Entry {
            tokens: tokens.to_vec(),
            cache: cache.clone(),
            used: self.clock,
        });
        while self.entries.len() > 1 && (self.entries.len() > MOST_ENTRIES || self.too_large()) {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, e)| e.used);
            if let Some((index, _)) = oldest {
                self.entries.swap_remove(index);
            }
        }
    }

    fn too_large(&self) -> bool {
        self.entries.iter().map(|e| e.cache.bytes()).sum::<usize>() > MOST_BYTES
    }
}

impl Entry {
    fn common(&self, tokens: &[u32]) -> usize {
        let known = &self.tokens[..self.cache.len().min(self.tokens.len())];
        known.iter().zip(tokens).take_while(|(a, b)| a == b).count()
    }
}
