//! The decoder: a state machine over bytes that holds no more than one event.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::{SseError, SseEvent};

/// Enough for a whole answer with a picture in one event, little enough to be held in memory.
const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Decodes server-sent events as the WHATWG specification reads them. Bytes may be cut anywhere:
/// inside a character, between a carriage return and its line feed, inside the byte order mark.
///
/// An event that the stream breaks off in is never given out, as the specification says.
///
/// ```
/// use ropewalk_models::SseDecoder;
///
/// let mut decoder = SseDecoder::new();
/// decoder.push(b"event: greeting\r\ndata: Gr\xC3")?;
/// assert_eq!(decoder.next_event(), None);
/// decoder.push(b"\xBCezi\r\n\r\n")?;
/// let event = decoder.next_event().unwrap();
/// assert_eq!((event.event.as_str(), event.data.as_str()), ("greeting", "Grüezi"));
/// # Ok::<(), ropewalk_models::SseError>(())
/// ```
#[derive(Debug)]
pub struct SseDecoder {
    limit: usize,
    /// The line that is being read, without its end.
    line: Vec<u8>,
    /// The byte before was a carriage return: a line feed now belongs to it.
    after_cr: bool,
    /// No line has ended yet: a byte order mark may still stand in front of it.
    at_start: bool,
    name: String,
    data: String,
    id: String,
    retry: Option<Duration>,
    ready: VecDeque<SseEvent>,
    failed: Option<SseError>,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl SseDecoder {
    /// A decoder that takes events of up to 16 MiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder that takes events (field names and comments counted) of up to `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            name: String::new(),
            data: String::new(),
            id: String::new(),
            retry: None,
            ready: VecDeque::new(),
            failed: None,
        }
    }

    /// Takes the next bytes. The events that are whole now are waiting in
    /// [`next_event`](Self::next_event).
    ///
    /// # Errors
    /// [`SseError::TooLong`] if an event outgrows the limit. The events before it can still be
    /// taken; every later call gives the same error, because what follows can't be trusted.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.take(bytes).inspect_err(|error| {
            self.failed = Some(*error);
            self.line = Vec::new();
            self.data = String::new();
        })
    }

    /// The next event that is whole, in the order of the stream.
    pub fn next_event(&mut self) -> Option<SseEvent> {
        self.ready.pop_front()
    }

    /// How long the server asks to wait before connecting again, if it said so.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The last id that the server gave; empty if it gave none.
    pub fn last_event_id(&self) -> &str {
        &self.id
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), SseError> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes.first() == Some(&b'\n') {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
                return self.extend_line(bytes);
            };
            let (head, tail) = bytes.split_at(end);
            self.extend_line(head)?;
            self.after_cr = tail.first() == Some(&b'\r');
            self.end_line();
            bytes = tail.get(1..).unwrap_or_default();
        }
        Ok(())
    }

    /// Measures what is held after each growth, so that where the bytes are cut decides nothing:
    /// a line only grows, and its whole length is measured before it ends.
    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        let held = self.line.len() + self.data.len() + self.name.len();
        if held.saturating_add(bytes.len()) > self.limit {
            return Err(SseError::TooLong { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let start =
            if std::mem::take(&mut self.at_start) && line.starts_with(BOM) { BOM.len() } else { 0 };
        // A line end is never part of a longer character: each line can be decoded by itself.
        let text = String::from_utf8_lossy(line.get(start..).unwrap_or_default());
        if text.is_empty() {
            self.dispatch();
        } else {
            let (field, value) = match text.split_once(':') {
                Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
                None => (&*text, ""),
            };
            self.field(field, value);
        }
        // The line's memory serves the next line, unless it grew out of the ordinary.
        let mut line = line;
        line.clear();
        if line.capacity() <= 64 * 1024 {
            self.line = line;
        }
    }

    fn field(&mut self, field: &str, value: &str) {
        match field {
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => value.clone_into(&mut self.name),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                // More milliseconds than fit are as good as the most that fit.
                let wait = value.parse().unwrap_or(u64::MAX);
                self.retry = Some(Duration::from_millis(wait));
            }
            // A comment (nothing before the colon) or a field of the future: both are passed over.
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let mut data = std::mem::take(&mut self.data);
        let name = std::mem::take(&mut self.name);
        if data.is_empty() {
            return;
        }
        data.pop();
        let event = if name.is_empty() { "message".to_owned() } else { name };
        self.ready.push_back(SseEvent { event, data, id: self.id.clone() });
    }
}
