//! The decoder of lines must give the same for the same bytes, wherever they are cut.
//!
//! `cargo +nightly fuzz run lines -- -max_total_time=60`, in `crates/ropewalk-models`. With a stable
//! compiler, `RUSTC_BOOTSTRAP=1 cargo fuzz run lines …` does as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_models::{LineDecoder, LineTooLong};

/// Decodes bytes in pieces of these lengths, over and over.
fn decode(bytes: &[u8], lengths: &[usize], limit: usize) -> (Vec<String>, Option<LineTooLong>) {
    let mut decoder = LineDecoder::with_limit(limit);
    let (mut lines, mut rest) = (Vec::new(), bytes);
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| (*length).clamp(1, rest.len()));
        let (piece, tail) = rest.split_at(length);
        let piece = piece.to_vec();
        let mut bytes = &piece[..];
        loop {
            match decoder.next_line(&mut bytes) {
                Ok(Some(line)) => lines.push(line.to_owned()),
                Ok(None) => break,
                Err(error) => return (lines, Some(error)),
            }
        }
        assert!(bytes.is_empty());
        rest = tail;
    }
    lines.extend(decoder.rest().map(str::to_owned));
    (lines, None)
}

fuzz_target!(|input: (u16, Vec<u8>, Vec<u8>)| {
    let (limit, lengths, bytes) = input;
    let lengths: Vec<usize> = lengths.into_iter().map(usize::from).collect();
    for limit in [usize::from(limit), usize::MAX] {
        let whole = decode(&bytes, &[], limit);
        assert_eq!(decode(&bytes, &lengths, limit), whole);
        assert_eq!(decode(&bytes, &[1], limit), whole);
        assert!(whole.0.iter().all(|line| !line.is_empty() && line.len() <= bytes.len() * 3));
        assert!(whole.0.iter().all(|line| !line.contains('\n')));
    }
});
