//! The decoder of lines: that where bytes are cut means nothing, and that nothing is copied without need.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use ropewalk_models::{LineDecoder, LineTooLong};

/// The lines of the bytes cut at these places, the last one with or without its end.
fn cut(bytes: &[u8], cuts: &[usize], limit: usize) -> (Vec<String>, Option<LineTooLong>) {
    let mut decoder = LineDecoder::with_limit(limit);
    let mut lines = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    for pair in cuts.windows(2) {
        let piece = bytes[pair[0]..pair[1]].to_vec();
        let mut rest = &piece[..];
        loop {
            match decoder.next_line(&mut rest) {
                Ok(Some(line)) => lines.push(line.to_owned()),
                Ok(None) => break,
                Err(error) => return (lines, Some(error)),
            }
        }
        assert!(rest.is_empty(), "bytes were left over");
    }
    lines.extend(decoder.rest().map(str::to_owned));
    (lines, None)
}

#[test]
fn lines_end_with_a_line_feed_and_the_last_one_with_the_stream() {
    let lines = |bytes: &[u8]| cut(bytes, &[], usize::MAX).0;
    assert_eq!(lines(b"{}\n[1]\r\n\n  \n 2 \n3"), ["{}", "[1]", "2", "3"]);
    assert_eq!(lines(b"\n\n"), Vec::<String>::new());
    assert_eq!(lines(b"a\xFFb\n"), ["a\u{fffd}b"]);
}

#[test]
fn a_line_may_not_outgrow_the_limit() {
    let mut decoder = LineDecoder::with_limit(4);
    let mut rest = &b"1234\n12345\n1\n"[..];
    assert_eq!(decoder.next_line(&mut rest), Ok(Some("1234")));
    let error = decoder.next_line(&mut rest).unwrap_err();
    assert_eq!(error.limit, 4);
    assert!(error.to_string().contains("4 bytes"));
    assert_eq!(decoder.next_line(&mut rest), Err(error), "what follows can't be trusted");
}

#[test]
fn a_line_that_lies_whole_in_the_bytes_is_not_copied() {
    let bytes = b"{\"a\": 1}\r\n{\"b\"";
    let mut decoder = LineDecoder::new();
    let mut rest = &bytes[..];
    let line = decoder.next_line(&mut rest).unwrap().unwrap();
    assert!(line == "{\"a\": 1}" && bytes.as_ptr_range().contains(&line.as_ptr()));
    assert_eq!(decoder.next_line(&mut rest), Ok(None));
    let mut rest = &b": 2}\n"[..];
    assert_eq!(decoder.next_line(&mut rest), Ok(Some("{\"b\": 2}")));
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just(b"{\"a\":1}".to_vec()),
        3 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        2 => Just(b" ".to_vec()),
        1 => Just("ü→🦀".as_bytes().to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_split_gives_the_same_lines(
        bytes in stream(),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
        limit in prop_oneof![Just(usize::MAX), 0_usize..30],
    ) {
        let expected = cut(&bytes, &[], limit);
        for at in 0..=bytes.len() {
            prop_assert_eq!(&cut(&bytes, &[at], limit), &expected, "cut at {}", at);
        }
        prop_assert_eq!(&cut(&bytes, &cuts, limit), &expected);
        let all: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(&cut(&bytes, &all, limit), &expected);
    }
}
