//! An answer that is written down while it is streamed.

use std::io;
use std::sync::Arc;

use ropewalk_core::{MessageAssembler, Metrics, ModelChunk, StopReason, Usage};
use serde_json::Value;

use crate::combine::CACHED;

/// A whole, good answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    chunks: Arc<[ModelChunk]>,
    pub(super) bytes: usize,
}

/// What came of an answer so far.
#[derive(Debug)]
pub(super) struct Record {
    chunks: Vec<ModelChunk>,
    bytes: usize,
    max_bytes: usize,
}

impl Record {
    /// A record of an answer that has no more than so many bytes. One that has more is not kept.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { chunks: Vec::new(), bytes: 0, max_bytes }
    }

    pub(super) fn push(&mut self, chunk: &ModelChunk) {
        if self.bytes > self.max_bytes {
            return;
        }
        self.bytes = self.bytes.saturating_add(size(chunk));
        match self.bytes > self.max_bytes {
            true => self.chunks = Vec::new(),
            false => self.chunks.push(chunk.clone()),
        }
    }

    /// The answer, if it is whole and good.
    pub(super) fn finish(self) -> Option<Answer> {
        let mut assembler = MessageAssembler::new();
        self.chunks.iter().for_each(|chunk| assembler.push(chunk));
        let is_redacted =
            self.chunks.iter().any(|chunk| matches!(chunk, ModelChunk::RedactContent(_)));
        // An answer that outgrew the limit has no chunks, and with them no end.
        let turn = assembler.finish().ok()?;
        let ended_itself = matches!(
            turn.stop_reason,
            StopReason::EndTurn | StopReason::ToolUse | StopReason::StopSequence
        );
        let is_good = ended_itself
            && !is_redacted
            && turn.malformed.is_empty()
            && !turn.message.content.is_empty();
        is_good.then(|| Answer { chunks: self.chunks.into(), bytes: self.bytes })
    }
}

impl Answer {
    /// The chunks, as those of an answer for which nobody was asked.
    pub(super) fn replayed(self) -> impl Iterator<Item = ModelChunk> + Send + 'static {
        let has_metadata = self.chunks.iter().any(|chunk| matches!(chunk, ModelChunk::Metadata(_)));
        let own =
            (!has_metadata).then(|| ModelChunk::metadata(Usage::default(), Metrics::default()));
        let count = self.chunks.len();
        (0..count).map(move |at| self.chunks[at].clone()).chain(own).map(|mut chunk| {
            if let ModelChunk::Metadata(metadata) = &mut chunk {
                metadata.usage = Usage::default();
                metadata.metrics = Metrics::default();
                metadata.extra.insert(CACHED.to_owned(), Value::Bool(true));
            }
            chunk
        })
    }
}

/// About how much memory a chunk takes.
fn size(chunk: &ModelChunk) -> usize {
    let mut length = Length(0);
    // Neither the counter nor a chunk can fail; what was counted until then would stand.
    let _ = serde_json::to_writer(&mut length, chunk);
    length.0.max(size_of::<ModelChunk>())
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
