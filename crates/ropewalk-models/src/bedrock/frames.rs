//! The frames of an event stream: two lengths and their checksum, headers, what is in it, and a checksum of all.

use std::borrow::Cow;

use crate::cut::KEPT;

/// Before the headers.
const PRELUDE: usize = 12;
/// Fewer bytes no frame can have.
const SHORTEST: usize = PRELUDE + 4;
/// The kind of a header that is a text.
const TEXT: u8 = 7;

/// Cuts a stream of bytes into frames. Bytes may be cut anywhere. Nothing is copied of a frame that lies whole in the
/// bytes at hand.
#[derive(Debug)]
pub(super) struct FrameDecoder {
    limit: usize,
    /// The beginning of a frame that was cut.
    held: Vec<u8>,
    /// Whether what is held was given out.
    is_spent: bool,
}

/// One event, or the report of a failure.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    /// What kind of message it is.
    kind: &'a str,
    event: &'a str,
    exception: &'a str,
    code: &'a str,
    words: &'a str,
    payload: &'a [u8],
}

/// The bytes are no frames.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadFrame {
    #[error("an event is longer than {0} bytes: raise `max_event_bytes` if it is meant to be")]
    TooLong(usize),
    #[error("what came is no event stream (a frame of {0} bytes)")]
    TooShort(usize),
    #[error("what came is no event stream, or it was damaged on its way (a checksum does not fit)")]
    Damaged,
    #[error("what came is no event stream (its headers can't be read)")]
    Headers,
}

impl FrameDecoder {
    /// A decoder that takes frames of up to `limit` bytes.
    pub(super) fn with_limit(limit: usize) -> Self {
        Self { limit, held: Vec::new(), is_spent: false }
    }

    /// Reads on, up to the end of a frame, and takes what it read off the front of `bytes`. If no frame ends in them,
    /// all are read and there is none.
    ///
    /// # Errors
    /// They are no frames; what follows can't be trusted.
    pub(super) fn next_frame<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<Frame<'a>>, BadFrame> {
        if std::mem::take(&mut self.is_spent) {
            self.held.clear();
            self.held.shrink_to(KEPT);
        }
        if self.held.is_empty()
            && let Some(length) = self.length(bytes)?
            && let Some((frame, rest)) = bytes.split_at_checked(length)
        {
            *bytes = rest;
            return Frame::read(frame).map(Some);
        }
        loop {
            let length = self.length(&self.held)?;
            let wanted = length.unwrap_or(4);
            let missing = wanted.saturating_sub(self.held.len()).min(bytes.len());
            let (more, rest) = bytes.split_at(missing);
            self.held.extend_from_slice(more);
            *bytes = rest;
            if self.held.len() < wanted {
                return Ok(None);
            }
            if length.is_some() {
                break;
            }
        }
        self.is_spent = true;
        Frame::read(&self.held).map(Some)
    }

    /// How long the frame at the front is, if that is there yet.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, BadFrame> {
        match number(bytes, 0) {
            None => Ok(None),
            Some(length) if length < SHORTEST => Err(BadFrame::TooShort(length)),
            Some(length) if length > self.limit => Err(BadFrame::TooLong(self.limit)),
            Some(length) => Ok(Some(length)),
        }
    }
}

impl<'a> Frame<'a> {
    /// Reads a whole frame.
    fn read(bytes: &'a [u8]) -> Result<Self, BadFrame> {
        let fits = |end: usize| {
            let sum = bytes.get(..end).map(crc32fast::hash);
            sum.and_then(|sum| usize::try_from(sum).ok()) == number(bytes, end)
        };
        let end = bytes.len().saturating_sub(4);
        if !fits(PRELUDE - 4) || !fits(end) {
            return Err(BadFrame::Damaged);
        }
        let headers = number(bytes, 4).and_then(|length| PRELUDE.checked_add(length));
        let begin = headers.filter(|begin| *begin <= end).ok_or(BadFrame::Headers)?;
        let mut headers = bytes.get(PRELUDE..begin).unwrap_or_default();
        let mut frame =
            Self { payload: bytes.get(begin..end).unwrap_or_default(), ..Self::default() };
        while !headers.is_empty() {
            frame.header(&mut headers).ok_or(BadFrame::Headers)?;
        }
        Ok(frame)
    }

    /// Takes the next header off the front.
    fn header(&mut self, headers: &mut &'a [u8]) -> Option<()> {
        let length = take(headers, 1)?.first().copied()?;
        let name = take(headers, length.into())?;
        let kind = take(headers, 1)?.first().copied()?;
        let length = match kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            9 => 16,
            6 | TEXT => u16::from_be_bytes(take(headers, 2)?.try_into().ok()?).into(),
            _ => return None,
        };
        let value = take(headers, length)?;
        let known = match name {
            b":message-type" => &mut self.kind,
            b":event-type" => &mut self.event,
            b":exception-type" => &mut self.exception,
            b":error-code" => &mut self.code,
            b":error-message" => &mut self.words,
            _ => return Some(()),
        };
        if kind == TEXT {
            *known = std::str::from_utf8(value).ok()?;
        }
        Some(())
    }

    /// Whether it reports a failure.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self.kind, "exception" | "error")
    }

    /// What came: the name of the event or the failure.
    pub(super) fn name(&self) -> &'a str {
        match self.kind {
            "exception" => self.exception,
            "error" => self.code,
            _ => self.event,
        }
    }

    /// What is in it, as JSON. A failure of the protocol says what it is in a header.
    pub(super) fn payload(&self) -> Cow<'a, [u8]> {
        if self.payload.is_empty() && !self.words.is_empty() {
            let report = serde_json::json!({"message": self.words});
            return Cow::Owned(report.to_string().into_bytes());
        }
        Cow::Borrowed(self.payload)
    }
}

/// The number of four bytes at this place, if they are there.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(four)).ok()
}

/// Takes so many bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}
