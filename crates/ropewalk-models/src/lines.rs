//! Lines of JSON, as some servers stream them.

use std::collections::VecDeque;

/// Cuts a stream of bytes into lines. Bytes may be cut anywhere; lines without anything but white space are passed
/// over.
#[derive(Debug)]
pub(crate) struct LineDecoder {
    limit: usize,
    line: Vec<u8>,
    ready: VecDeque<String>,
}

/// A line is longer than the decoder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a line of the stream is longer than {0} bytes: raise `max_event_bytes` if it is meant to be"
)]
pub(crate) struct LineTooLong(usize);

impl LineDecoder {
    /// A decoder that takes lines of up to `limit` bytes.
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self { limit, line: Vec::new(), ready: VecDeque::new() }
    }

    /// Takes the next bytes. The lines that are whole now are waiting in [`next_line`](Self::next_line).
    ///
    /// # Errors
    /// A line outgrows the limit; those before it can still be taken.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), LineTooLong> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len().saturating_add(piece.len()) > self.limit {
                return Err(LineTooLong(self.limit));
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n")
                && let Some(line) = self.rest()
            {
                self.ready.push_back(line);
            }
        }
        Ok(())
    }

    /// The next line that is whole.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    /// What came since the last line end.
    pub(crate) fn rest(&mut self) -> Option<String> {
        let text = String::from_utf8_lossy(self.line.trim_ascii()).into_owned();
        self.line.clear();
        Some(text).filter(|text| !text.is_empty())
    }
}
