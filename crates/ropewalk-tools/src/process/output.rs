//! What a program prints, as much of it as a model should see.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is kept of the beginning, and how much of the end, in bytes.
const HALF: usize = 12 * 1024;

/// The beginning and the end of what was printed: errors stand at either.
#[derive(Default)]
pub(crate) struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
    /// All of it, where that is wanted and not too much.
    whole: Option<Vec<u8>>,
    most: usize,
}

impl Output {
    /// Keeps all of it too, up to so many bytes.
    pub(crate) fn whole_up_to(most: usize) -> Self {
        Self { whole: Some(Vec::new()), most, ..Self::default() }
    }

    /// As much of a text as a model should see.
    pub(crate) fn of(text: &str) -> Self {
        let mut output = Self::default();
        output.push(text.as_bytes());
        output
    }

    /// Takes all that comes, until there is no more.
    pub(super) async fn read(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut buffer = vec![0; 8192];
        // A pipe that can't be read has ended, as far as the program is concerned.
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            self.push(&buffer[..count]);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(HALF - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(HALF);
        self.tail.drain(..over);
        self.left_out += over as u64;
        match &mut self.whole {
            Some(whole) if whole.len() + bytes.len() <= self.most => whole.extend(bytes),
            whole => *whole = None,
        }
    }

    /// All of it; none if it was too much, or not wanted.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        self.whole.as_deref()
    }

    /// The text; bytes that are none become `\u{fffd}`.
    pub(crate) fn text(&self) -> String {
        let mut bytes = self.head.clone();
        if self.left_out > 0 {
            let note = format!("\n[… {} bytes are left out here …]\n", self.left_out);
            bytes.extend_from_slice(note.as_bytes());
        }
        bytes.extend(&self.tail);
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}
