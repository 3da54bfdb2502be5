//! Keys and values of positions already evaluated.
//!
//! They live in blocks of a few positions behind `Arc`s: cloning a cache is cheap, and two caches with the same
//! beginning share it. Writing into a shared block copies that block only.

use std::sync::Arc;

use super::Config;

/// Positions per block.
pub(crate) const BLOCK: usize = 32;

/// The evaluated beginning of a text.
#[derive(Debug, Clone)]
pub(crate) struct KvCache {
    blocks: Vec<Arc<Vec<f32>>>,
    length: usize,
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    layers: usize,
    heads: usize,
    dim: usize,
}

impl KvCache {
    pub(crate) fn new(config: &Config) -> Self {
        let shape = Shape { layers: config.layers, heads: config.kv_heads, dim: config.head_dim };
        Self { blocks: Vec::new(), length: 0, shape }
    }

    /// Positions held.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Bytes held, shared blocks counted in full.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() * self.block_len() * size_of::<f32>()
    }

    fn block_len(&self) -> usize {
        self.shape.layers * 2 * self.shape.heads * BLOCK * self.shape.dim
    }

    /// Forgets every position from `length` on.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.length {
            self.length = length;
            self.blocks.truncate(length.div_ceil(BLOCK));
        }
    }

    /// Makes room for `count` more positions; [`commit`](Self::commit) makes them count.
    pub(super) fn reserve(&mut self, count: usize) {
        let needed = (self.length + count).div_ceil(BLOCK);
        let size = self.block_len();
        if let Some(last) = self.blocks.get_mut(self.length / BLOCK) {
            Arc::make_mut(last);
        }
        while self.blocks.len() < needed {
            self.blocks.push(Arc::new(vec![0.0; size]));
        }
    }

    pub(super) fn commit(&mut self, count: usize) {
        self.length += count;
    }

    fn offset(&self, layer: usize, side: usize, head: usize) -> usize {
        ((layer * 2 + side) * self.shape.heads + head) * BLOCK * self.shape.dim
    }

    /// Stores the keys (side 0) or values (side 1) of one position, all heads behind one another.
    pub(super) fn store(&mut self, layer: usize, side: usize, position: usize, numbers: &[f32]) {
        let dim = self.shape.dim;
        for (head, part) in numbers.chunks_exact(dim).enumerate() {
            let start = self.offset(layer, side, head) + (position % BLOCK) * dim;
            if let Some(block) = self.blocks.get_mut(position / BLOCK) {
                Arc::make_mut(block)[start..start + dim].copy_from_slice(part);
            }
        }
    }

    /// One head's keys or values in block `block`, [`BLOCK`] rows.
    pub(super) fn rows(&self, layer: usize, side: usize, head: usize, block: usize) -> &[f32] {
        let start = self.offset(layer, side, head);
        &self.blocks[block][start..start + BLOCK * self.shape.dim]
    }
}
