//! What comes out of a stream of server-sent events.

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SseEvent {
    /// The event's name; `message` if the server gave none.
    pub event: String,
    /// The data; the lines of several `data` fields are joined by line ends.
    pub data: String,
    /// The last id that the server gave, in this event or before it; empty if it gave none.
    pub id: String,
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
