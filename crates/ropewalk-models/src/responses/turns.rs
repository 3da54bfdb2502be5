//! Output items one after the other, from pieces that may come mixed.

use std::collections::BTreeMap;

use ropewalk_core::{BlockDelta, ModelChunk};

use super::chain::Digest;
use super::kept::Phase;
use crate::http::Chunks;

/// Lets output items have their turn: the pieces of one go out as they come, those of the others wait until it is
/// whole.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Whose turn it is.
    current: Option<u64>,
    waiting: BTreeMap<u64, Waiting>,
    pub(super) let_out: LetOut,
}

#[derive(Debug, Default)]
struct Waiting {
    pieces: Vec<Piece>,
    is_whole: bool,
}

/// A piece of an item.
#[derive(Debug)]
pub(super) enum Piece {
    Chunk(ModelChunk),
    /// What the text that begins now is meant for.
    Phase(String),
}

/// What was let out.
#[derive(Debug, Default)]
pub(super) struct LetOut {
    blocks: usize,
    pub(super) has_calls: bool,
    pub(super) phases: Vec<Phase>,
    pub(super) said: Digest,
}

impl Turns {
    /// Takes a piece of the item with this number.
    pub(super) fn push(&mut self, item: u64, piece: Piece, out: &mut Chunks) {
        if *self.current.get_or_insert(item) == item {
            self.let_out.take(piece, out);
        } else {
            self.waiting.entry(item).or_default().pieces.push(piece);
        }
    }

    /// The item is whole: it is the next one's turn.
    pub(super) fn close(&mut self, item: u64, out: &mut Chunks) {
        if self.current != Some(item) {
            self.waiting.entry(item).or_default().is_whole = true;
            return;
        }
        self.current = None;
        while let Some((item, waiting)) = self.waiting.pop_first() {
            waiting.pieces.into_iter().for_each(|piece| self.let_out.take(piece, out));
            if !waiting.is_whole {
                self.current = Some(item);
                return;
            }
        }
    }
}

impl LetOut {
    fn take(&mut self, piece: Piece, out: &mut Chunks) {
        let at = self.blocks;
        match piece {
            Piece::Phase(phase) => self.phases.push(Phase { at, phase }),
            Piece::Chunk(chunk) => {
                self.note(&chunk);
                out.push_back(chunk);
            }
        }
    }

    fn note(&mut self, chunk: &ModelChunk) {
        match chunk {
            ModelChunk::ContentBlockStart(block) => {
                self.blocks += 1;
                if let Some(call) = &block.start.tool_use {
                    self.has_calls = true;
                    self.said.add_call(&call.tool_use_id, &call.name);
                }
            }
            ModelChunk::ContentBlockDelta(block) => {
                if let BlockDelta::Text(text) = &block.delta {
                    self.said.add_text(text);
                }
            }
            _ => {}
        }
    }
}
