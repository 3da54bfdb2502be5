//! The event decoder must give the same for the same bytes, wherever they are cut.
//!
//! `cargo +nightly fuzz run sse -- -max_total_time=60`, in `crates/ropewalk-models`. With a stable
//! compiler, `RUSTC_BOOTSTRAP=1 cargo fuzz run sse …` does as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_models::{SseDecoder, SseError};

/// Name, data and id of an event.
type Event = (String, String, String);

/// Decodes bytes in pieces of these lengths, over and over.
fn decode(bytes: &[u8], lengths: &[usize], limit: usize) -> (Vec<Event>, Option<SseError>) {
    let mut decoder = SseDecoder::with_limit(limit);
    let (mut events, mut rest) = (Vec::new(), bytes);
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| (*length).clamp(1, rest.len()));
        let (piece, tail) = rest.split_at(length);
        // In memory of its own, so that a loan that is too long is noticed.
        let piece = piece.to_vec();
        let mut bytes = &piece[..];
        loop {
            match decoder.next_event(&mut bytes) {
                Ok(Some(event)) => {
                    events.push((event.event.into(), event.data.into(), event.id.into()));
                }
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        assert!(bytes.is_empty());
        rest = tail;
    }
    (events, None)
}

fuzz_target!(|input: (u16, Vec<u8>, Vec<u8>)| {
    let (limit, lengths, bytes) = input;
    let lengths: Vec<usize> = lengths.into_iter().map(usize::from).collect();
    for limit in [usize::from(limit), usize::MAX] {
        let whole = decode(&bytes, &[], limit);
        assert_eq!(decode(&bytes, &lengths, limit), whole);
        assert_eq!(decode(&bytes, &[1], limit), whole);
        let sum: usize = whole.0.iter().map(|(_, data, _)| data.len()).sum();
        // A byte that is no text becomes a character of three bytes, so no more than that.
        assert!(sum <= bytes.len() * 3);
    }
});
