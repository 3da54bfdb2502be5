//! The frames of an event stream.

use std::borrow::Cow;

use aws_smithy_eventstream::error::Error as FrameError;
use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::{HeaderValue, Message};
use bytes::{Buf as _, BytesMut};

/// Fewer bytes no frame can have: two lengths and two checksums.
const SHORTEST: usize = 16;

/// Cuts a stream of bytes into frames. Bytes may be cut anywhere.
#[derive(Debug)]
pub(super) struct FrameDecoder {
    limit: usize,
    bytes: BytesMut,
}

/// One event, or the report of a failure.
#[derive(Debug)]
pub(super) struct Frame(Message);

/// The bytes are no frames.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadFrame {
    #[error("an event is longer than {0} bytes: raise `max_event_bytes` if it is meant to be")]
    TooLong(usize),
    #[error("what came is no event stream ({0})")]
    NoFrame(#[from] FrameError),
    #[error("what came is no event stream (a frame of {0} bytes)")]
    TooShort(usize),
}

impl FrameDecoder {
    /// A decoder that takes frames of up to `limit` bytes.
    pub(super) fn with_limit(limit: usize) -> Self {
        Self { limit, bytes: BytesMut::new() }
    }

    /// Takes the next bytes. The frames that are whole now are waiting in [`next_frame`](Self::next_frame).
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame that is whole.
    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, BadFrame> {
        if self.bytes.len() < 4 {
            return Ok(None);
        }
        let length = usize::try_from((&self.bytes[..]).get_u32()).unwrap_or(usize::MAX);
        if length < SHORTEST {
            return Err(BadFrame::TooShort(length));
        }
        if length > self.limit {
            return Err(BadFrame::TooLong(self.limit));
        }
        if self.bytes.len() < length {
            return Ok(None);
        }
        let message = read_message_from(self.bytes.split_to(length).freeze())?;
        Ok(Some(Frame(message)))
    }
}

impl Frame {
    /// Whether it reports a failure.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self.header(":message-type"), "exception" | "error")
    }

    /// What came: the name of the event or the failure.
    pub(super) fn name(&self) -> &str {
        self.header(match self.header(":message-type") {
            "exception" => ":exception-type",
            "error" => ":error-code",
            _ => ":event-type",
        })
    }

    /// What is in it, as JSON. A failure of the protocol says what it is in a header.
    pub(super) fn payload(&self) -> Cow<'_, [u8]> {
        let words = self.header(":error-message");
        if self.0.payload().is_empty() && !words.is_empty() {
            return Cow::Owned(serde_json::json!({"message": words}).to_string().into_bytes());
        }
        Cow::Borrowed(self.0.payload())
    }

    fn header(&self, name: &str) -> &str {
        let header = self.0.headers().iter().find(|header| header.name().as_str() == name);
        match header.map(|header| header.value()) {
            Some(HeaderValue::String(text)) => text.as_str(),
            _ => "",
        }
    }
}
