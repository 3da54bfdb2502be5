//! The event decoder must give the same for the same bytes, wherever they are cut.
//!
//! `cargo +nightly fuzz run sse -- -max_total_time=60`, in `crates/ropewalk-models`. With a stable
//! compiler, `RUSTC_BOOTSTRAP=1 cargo fuzz run sse …` does as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_models::{SseDecoder, SseError, SseEvent};

/// Decodes bytes in pieces of these lengths, over and over.
fn decode(bytes: &[u8], lengths: &[usize], limit: usize) -> (Vec<SseEvent>, Option<SseError>) {
    let mut decoder = SseDecoder::with_limit(limit);
    let (mut events, mut error, mut rest) = (Vec::new(), None, bytes);
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| (*length).clamp(1, rest.len()));
        let (piece, tail) = rest.split_at(length);
        error = decoder.push(piece).err();
        events.extend(std::iter::from_fn(|| decoder.next_event()));
        rest = tail;
    }
    (events, error)
}

fuzz_target!(|input: (u16, Vec<u8>, Vec<u8>)| {
    let (limit, lengths, bytes) = input;
    let lengths: Vec<usize> = lengths.into_iter().map(usize::from).collect();
    for limit in [usize::from(limit), usize::MAX] {
        let whole = decode(&bytes, &[], limit);
        assert_eq!(decode(&bytes, &lengths, limit), whole);
        assert_eq!(decode(&bytes, &[1], limit), whole);
        let sum: usize = whole.0.iter().map(|event| event.data.len()).sum();
        // A byte that is no text becomes a character of three bytes, so no more than that.
        assert!(sum <= bytes.len() * 3);
    }
});
