//! Server-sent events: bytes in, cut anywhere; events out.

mod decoder;
mod event;

pub use decoder::SseDecoder;
pub use event::{SseError, SseEvent};
