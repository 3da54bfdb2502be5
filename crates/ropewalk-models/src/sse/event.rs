//! What comes out of a stream of server-sent events.

/// One event. It lies in the bytes it was read from, or in the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SseEvent<'a> {
    /// The event's name; `message` if the server gave none.
    pub event: &'a str,
    /// The data; the lines of several `data` fields are joined by line ends.
    pub data: &'a str,
    /// The last id that the server gave, in this event or before it; empty if it gave none.
    pub id: &'a str,
}

/// Why a stream of server-sent events can't be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SseError {
    /// One event, or one line, is longer than the decoder takes.
    #[error(
        "an event of the stream is longer than {limit} bytes: raise the limit if the server is \
         right to send so much in one event"
    )]
    TooLong {
        /// The limit.
        limit: usize,
    },
}
