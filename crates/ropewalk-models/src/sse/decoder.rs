//! The decoder: a state machine over bytes that holds no more than one event.

use std::borrow::Cow;
use std::time::Duration;

use super::event::{SseError, SseEvent};
use crate::cut::{KEPT, head};

/// Enough for a whole answer with a picture in one event, little enough to be held in memory.
const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Decodes server-sent events as the WHATWG specification reads them. Bytes may be cut anywhere:
/// inside a character, between a carriage return and its line feed, inside the byte order mark.
///
/// Nothing is copied of an event whose name and data lie whole in the bytes at hand, one line each, as providers send
/// them. Others are put together in the decoder, which holds no more than one event, and no more of it than the limit.
///
/// An event that the stream breaks off in is never given out, as the specification says.
///
/// ```
/// use ropewalk_models::SseDecoder;
///
/// let mut decoder = SseDecoder::new();
/// let pieces: [&[u8]; 2] = [b"event: greeting\r\ndata: Gr\xC3", b"\xBCezi\r\n\r\ndata: Tsch\xC3\xBCss\n\n"];
/// let mut said = Vec::new();
/// for mut piece in pieces {
///     while let Some(event) = decoder.next_event(&mut piece)? {
///         said.push(format!("{} {}", event.event, event.data));
///     }
/// }
/// assert_eq!(said, ["greeting Grüezi", "message Tschüss"]);
/// # Ok::<(), ropewalk_models::SseError>(())
/// ```
#[derive(Debug)]
pub struct SseDecoder {
    limit: usize,
    /// The beginning of a line that was cut.
    line: Vec<u8>,
    /// The byte before was a carriage return: a line feed now belongs to it.
    after_cr: bool,
    /// No line has ended yet: a byte order mark may still stand in front of it.
    at_start: bool,
    name: String,
    /// Each line of it with a line feed behind it.
    data: String,
    /// Name and data were given out: they are not those of the next event.
    given: bool,
    id: String,
    retry: Option<Duration>,
    failed: Option<SseError>,
}

/// What the event under way has in the bytes that are being read.
#[derive(Default)]
struct Lent<'b> {
    name: Option<&'b str>,
    /// The only line of data so far.
    data: Option<&'b str>,
}

/// What a line was.
enum Line {
    Empty,
    Field,
    /// It goes on in the next bytes.
    Cut,
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
            given: false,
            id: String::new(),
            retry: None,
            failed: None,
        }
    }

    /// Reads on, up to the end of an event, and takes what it read off the front of `bytes`. If no event ends in
    /// them, all are read and there is none: it goes on with the next bytes of the stream.
    ///
    /// # Errors
    /// [`SseError::TooLong`] if an event outgrows the limit; every later call gives the same error, because what
    /// follows can't be trusted.
    pub fn next_event<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<SseEvent<'a>>, SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if std::mem::take(&mut self.given) {
            self.forget();
        }
        let mut lent = Lent::default();
        loop {
            let line = self.next_line(bytes, &mut lent).inspect_err(|error| {
                self.failed = Some(*error);
                self.line = Vec::new();
                self.data = String::new();
            })?;
            match line {
                Line::Cut => {
                    self.keep(&mut lent);
                    return Ok(None);
                }
                Line::Field => {}
                // It ends an event, if there is one.
                Line::Empty if lent.data.is_some() || !self.data.is_empty() => break,
                Line::Empty => {
                    lent = Lent::default();
                    self.forget();
                }
            }
        }
        self.given = true;
        let name = lent.name.unwrap_or(&self.name);
        Ok(Some(SseEvent {
            event: if name.is_empty() { "message" } else { name },
            data: lent.data.or(self.data.strip_suffix('\n')).unwrap_or_default(),
            id: &self.id,
        }))
    }

    /// How long the server asks to wait before connecting again, if it said so.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The last id that the server gave; empty if it gave none.
    pub fn last_event_id(&self) -> &str {
        &self.id
    }

    /// Reads a line, or what there is of it.
    fn next_line<'b>(
        &mut self,
        bytes: &mut &'b [u8],
        lent: &mut Lent<'b>,
    ) -> Result<Line, SseError> {
        if !bytes.is_empty() && std::mem::take(&mut self.after_cr) {
            *bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        let end = memchr::memchr2(b'\r', b'\n', bytes);
        let (line, end) = head(bytes, end);
        // Measured after each growth, so that where the bytes are cut decides nothing: a line only grows, and its
        // whole length is measured before it ends.
        let held = self.line.len() + self.held(lent);
        if held.saturating_add(line.len()) > self.limit {
            return Err(SseError::TooLong { limit: self.limit });
        }
        if end.is_none() {
            self.line.extend_from_slice(line);
            return Ok(Line::Cut);
        }
        self.after_cr = end == Some(b'\r');
        if self.line.is_empty() {
            return Ok(self.end_line(line, lent));
        }
        let mut whole = std::mem::take(&mut self.line);
        whole.extend_from_slice(line);
        // Nothing can be lent out of this line: its memory serves the next one.
        self.keep(lent);
        let mut of_whole = Lent::default();
        let kind = self.end_line(&whole, &mut of_whole);
        self.keep(&mut of_whole);
        whole.clear();
        whole.shrink_to(KEPT);
        self.line = whole;
        Ok(kind)
    }

    fn end_line<'b>(&mut self, line: &'b [u8], lent: &mut Lent<'b>) -> Line {
        let is_marked = std::mem::take(&mut self.at_start) && line.starts_with(BOM);
        let line = line.get(if is_marked { BOM.len() } else { 0 }..).unwrap_or_default();
        // A line end is never part of a longer character: each line can be decoded by itself.
        match text(line) {
            Cow::Borrowed("") => return Line::Empty,
            Cow::Borrowed(text) => match field(text) {
                ("data", value) if lent.data.is_none() && self.data.is_empty() => {
                    lent.data = Some(value);
                }
                ("event", value) => lent.name = Some(value),
                (name, value) => self.take(name, value, lent),
            },
            Cow::Owned(text) => {
                let (name, value) = field(&text);
                self.take(name, value, lent);
            }
        }
        Line::Field
    }

    fn take(&mut self, field: &str, value: &str, lent: &mut Lent<'_>) {
        match field {
            "data" => {
                self.keep(lent);
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => {
                lent.name = None;
                value.clone_into(&mut self.name);
            }
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

    /// How much of the event under way there is, beside the line that is being read.
    fn held(&self, lent: &Lent<'_>) -> usize {
        let name = lent.name.map_or(self.name.len(), str::len);
        // As much as it is when it is kept.
        name + lent.data.map_or(self.data.len(), |data| data.len() + 1)
    }

    /// Copies what is lent: its bytes are gone when the rest of the event comes.
    fn keep(&mut self, lent: &mut Lent<'_>) {
        if let Some(name) = lent.name.take() {
            name.clone_into(&mut self.name);
        }
        if let Some(data) = lent.data.take() {
            self.data.push_str(data);
            self.data.push('\n');
        }
    }

    fn forget(&mut self) {
        self.name.clear();
        self.data.clear();
        self.data.shrink_to(KEPT);
    }
}

/// As text. What is no UTF-8 is rare, and is looked for only then.
fn text(line: &[u8]) -> Cow<'_, str> {
    str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed)
}

/// The name of a field and its value.
fn field(line: &str) -> (&str, &str) {
    match line.split_once(':') {
        Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
        None => (line, ""),
    }
}
