//! Lines of JSON, as some servers stream them.

use crate::cut::{KEPT, head};

/// Enough for a whole answer with a picture in one line, little enough to be held in memory.
const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

/// Cuts a stream of bytes into lines, as they are in a stream of JSON values with a line each. Bytes may be cut
/// anywhere; lines without anything but white space are passed over, and white space around a line is taken off.
///
/// Nothing is copied of a line that lies whole in the bytes at hand. Of others the decoder holds one, and no more of it
/// than the limit.
///
/// ```
/// use ropewalk_models::LineDecoder;
///
/// let mut decoder = LineDecoder::new();
/// let pieces: [&[u8]; 2] = [b"{\"a\":1}\n\n{\"b\"", b":2}\r\n{\"c\":3}"];
/// let mut lines = Vec::new();
/// for mut piece in pieces {
///     while let Some(line) = decoder.next_line(&mut piece)? {
///         lines.push(line.to_owned());
///     }
/// }
/// assert_eq!(lines, [r#"{"a":1}"#, r#"{"b":2}"#]);
/// assert_eq!(decoder.rest(), Some(r#"{"c":3}"#));
/// # Ok::<(), ropewalk_models::LineTooLong>(())
/// ```
#[derive(Debug)]
pub struct LineDecoder {
    limit: usize,
    /// The beginning of a line that was cut.
    line: Vec<u8>,
    /// The line that was given out last, if it was not lent out of the caller's bytes.
    text: String,
    failed: Option<LineTooLong>,
}

/// A line is longer than the decoder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a line of the stream is longer than {limit} bytes: raise the limit if the server is right to \
     send so much in one line"
)]
#[non_exhaustive]
pub struct LineTooLong {
    /// The limit.
    pub limit: usize,
}

impl Default for LineDecoder {
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl LineDecoder {
    /// A decoder that takes lines of up to 16 MiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder that takes lines of up to `limit` bytes, without the line end.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit, line: Vec::new(), text: String::new(), failed: None }
    }

    /// Reads on, up to the end of a line, and takes what it read off the front of `bytes`. If no line ends in them, all
    /// are read and there is none: it goes on with the next bytes of the stream.
    ///
    /// # Errors
    /// A line outgrows the limit; every later call gives the same error, because what follows can't be trusted.
    pub fn next_line<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<&'a str>, LineTooLong> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        loop {
            let end = memchr::memchr(b'\n', bytes);
            let (line, end) = head(bytes, end);
            if self.line.len().saturating_add(line.len()) > self.limit {
                let error = LineTooLong { limit: self.limit };
                self.failed = Some(error);
                self.line = Vec::new();
                return Err(error);
            }
            if end.is_none() {
                self.line.extend_from_slice(line);
                return Ok(None);
            }
            if self.line.is_empty() {
                match std::str::from_utf8(line.trim_ascii()) {
                    Ok("") => continue,
                    Ok(text) => return Ok(Some(text)),
                    // What is no text is replaced in a copy.
                    Err(_) => {}
                }
            }
            self.line.extend_from_slice(line);
            if !self.line.trim_ascii().is_empty() {
                break;
            }
            self.line.clear();
        }
        Ok(self.rest())
    }

    /// What came since the last line end: a stream may end without one.
    pub fn rest(&mut self) -> Option<&str> {
        self.text.clear();
        self.text.push_str(&String::from_utf8_lossy(self.line.trim_ascii()));
        self.text.shrink_to(KEPT);
        self.line.clear();
        self.line.shrink_to(KEPT);
        Some(self.text.as_str()).filter(|text| !text.is_empty())
    }
}
