//! Attention over the cache.

use super::cache::BLOCK;
use super::math::{add_scaled, dot, softmax, vectorised};
use super::{Config, KvCache};

/// Mixes the values for each row of `query`, whose keys and values are in the cache already, right after the
/// positions that count.
pub(super) fn attend(config: &Config, layer: usize, query: &[f32], cache: &KvCache) -> Vec<f32> {
    vectorised(
        #[inline(always)]
        || mix(config, layer, query, cache),
    )
}

#[inline(always)]
fn mix(config: &Config, layer: usize, query: &[f32], cache: &KvCache) -> Vec<f32> {
    let dim = config.head_dim;
    let group = config.heads / config.kv_heads;
    let scale = 1.0 / (dim as f32).sqrt();
    let window = config.reach(layer).2;
    let mut mixed = vec![0.0; query.len()];
    let mut scores = Vec::new();
    for (index, (q, out)) in query.chunks_exact(dim).zip(mixed.chunks_exact_mut(dim)).enumerate() {
        let (row, head) = (index / config.heads, index % config.heads / group);
        let end = cache.len() + row + 1;
        let start = window.map_or(0, |w| end.saturating_sub(w));
        scores.clear();
        for block in start / BLOCK..end.div_ceil(BLOCK) {
            let keys = cache.rows(layer, 0, head, block);
            for position in span(block, start, end) {
                scores.push(dot(q, &keys[position * dim..][..dim]) * scale);
            }
        }
        softmax(&mut scores);
        let mut weights = scores.iter();
        for block in start / BLOCK..end.div_ceil(BLOCK) {
            let values = cache.rows(layer, 1, head, block);
            for position in span(block, start, end) {
                let weight = weights.next().copied().unwrap_or(0.0);
                add_scaled(out, &values[position * dim..][..dim], weight);
            }
        }
    }
    mixed
}

/// The positions from `start` to `end` inside one block.
#[inline(always)]
fn span(block: usize, start: usize, end: usize) -> std::ops::Range<usize> {
    let first = block * BLOCK;
    start.saturating_sub(first).min(BLOCK)..(end - first).min(BLOCK)
}
