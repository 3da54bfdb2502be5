//! The decoder of AWS event streams must give the same for the same bytes, wherever they are cut.
//!
//! `cargo +nightly fuzz run frames -- -max_total_time=60`, in `crates/ropewalk-models`. With a stable
//! compiler, `RUSTC_BOOTSTRAP=1 cargo fuzz run frames …` does as well.
#![no_main]

// The decoder is no part of the crate's face: it is compiled here from its file.
#[allow(dead_code)]
#[path = "../../src/cut.rs"]
mod cut;
#[allow(dead_code)]
#[path = "../../src/bedrock/frames.rs"]
mod frames;

use frames::FrameDecoder;
use libfuzzer_sys::fuzz_target;

/// A frame as it was read, or why it was not.
type Seen = Result<(bool, String, Vec<u8>), String>;

/// Decodes bytes in pieces of these lengths, over and over; what stands behind a bad frame is not looked at.
fn decode(bytes: &[u8], lengths: &[usize], limit: usize) -> Vec<Seen> {
    let mut decoder = FrameDecoder::with_limit(limit);
    let (mut seen, mut rest) = (Vec::new(), bytes);
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| (*length).clamp(1, rest.len()));
        let (piece, tail) = rest.split_at(length);
        let piece = piece.to_vec();
        let mut bytes = &piece[..];
        loop {
            match decoder.next_frame(&mut bytes) {
                Ok(Some(frame)) => {
                    let name = frame.name().to_owned();
                    seen.push(Ok((frame.is_failure(), name, frame.payload().into_owned())));
                }
                Ok(None) => break,
                Err(error) => {
                    seen.push(Err(error.to_string()));
                    return seen;
                }
            }
        }
        assert!(bytes.is_empty());
        rest = tail;
    }
    seen
}

/// A frame with these headers and this content, its lengths and checksums right.
fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut frame = number(16 + headers.len() + payload.len()).to_vec();
    frame.extend(number(headers.len()));
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

/// A header of text.
fn header(name: &str, value: &str) -> Vec<u8> {
    let mut header = vec![u8::try_from(name.len()).unwrap()];
    header.extend(name.as_bytes());
    header.push(7);
    header.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    header.extend(value.as_bytes());
    header
}

fuzz_target!(|input: (Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>, Vec<u8>, u16, Option<(u16, u8)>)| {
    let (given, lengths, tail, limit, damage) = input;
    let lengths: Vec<usize> = lengths.into_iter().map(usize::from).collect();
    let mut bytes = frame(
        &[header(":message-type", "event"), header(":event-type", "contentBlockDelta")].concat(),
        b"{}",
    );
    for (headers, payload) in &given {
        bytes.extend(frame(headers, payload));
    }
    bytes.extend(tail);
    if let Some((at, mask)) = damage {
        let length = bytes.len();
        bytes[usize::from(at) % length] ^= mask;
    }
    for limit in [usize::from(limit), usize::MAX] {
        let whole = decode(&bytes, &[], limit);
        assert_eq!(decode(&bytes, &lengths, limit), whole);
        assert_eq!(decode(&bytes, &[1], limit), whole);
        let held: usize = whole.iter().flatten().map(|(_, _, payload)| payload.len()).sum();
        assert!(held <= bytes.len() * 7);
    }
});
