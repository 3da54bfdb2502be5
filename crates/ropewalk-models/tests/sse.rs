//! The event decoder: the rules of the specification, and that where bytes are cut means nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use ropewalk_models::{SseDecoder, SseError};

/// Name, data and id of an event.
type Event = (String, String, String);

fn whole(bytes: &[u8]) -> Vec<Event> {
    cut(bytes, &[], usize::MAX).0
}

/// Decodes the bytes cut at these places.
fn cut(bytes: &[u8], cuts: &[usize], limit: usize) -> (Vec<Event>, Option<SseError>) {
    let mut decoder = SseDecoder::with_limit(limit);
    let mut events = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    for pair in cuts.windows(2) {
        // Each piece in memory of its own, which is gone after it.
        let piece = bytes[pair[0]..pair[1]].to_vec();
        if let Err(error) = read(&mut decoder, &piece, &mut events) {
            return (events, Some(error));
        }
    }
    (events, None)
}

/// Adds the events that end in these bytes.
fn read(
    decoder: &mut SseDecoder,
    mut bytes: &[u8],
    events: &mut Vec<Event>,
) -> Result<(), SseError> {
    while let Some(event) = decoder.next_event(&mut bytes)? {
        events.push((event.event.to_owned(), event.data.to_owned(), event.id.to_owned()));
    }
    assert!(bytes.is_empty(), "bytes were left over");
    Ok(())
}

fn data(bytes: &str) -> Vec<String> {
    whole(bytes.as_bytes()).into_iter().map(|(_, data, _)| data).collect()
}

#[test]
fn line_ends_of_all_three_kinds_end_lines() {
    for end in ["\n", "\r", "\r\n"] {
        let text = format!("data: a{end}data: b{end}{end}data: c{end}{end}");
        assert_eq!(data(&text), ["a\nb", "c"], "{end:?}");
    }
    assert_eq!(data("data: a\r\rdata: b\n\ndata: c\r\n\r\n"), ["a", "b", "c"]);
}

#[test]
fn one_space_after_the_colon_belongs_to_the_syntax() {
    assert_eq!(data("data:a\n\ndata:  b\n\ndata\n\ndata:\n\n"), ["a", " b", "", ""]);
}

#[test]
fn comments_and_unknown_fields_mean_nothing() {
    assert_eq!(data(": keep-alive\n\n\n:\ndata: a\nhologram: 7\n data: no\n\n"), ["a"]);
}

#[test]
fn a_byte_order_mark_counts_at_the_very_start_only() {
    assert_eq!(data("\u{feff}data: a\n\n\u{feff}data: b\n\ndata: c\n\n"), ["a", "c"]);
}

#[test]
fn names_ids_and_waiting_times_are_read() {
    let mut decoder = SseDecoder::new();
    let text = "id: 1\nevent: x\nretry: 250\ndata: a\n\ndata: b\nid: no\0pe\nretry: soon\n\nid\ndata: c\n\nevent: lost\n\ndata: d\n\n";
    let mut events = Vec::new();
    read(&mut decoder, text.as_bytes(), &mut events).unwrap();
    let expected =
        [("x", "a", "1"), ("message", "b", "1"), ("message", "c", ""), ("message", "d", "")]
            .map(|(event, data, id)| (event.to_owned(), data.to_owned(), id.to_owned()));
    assert_eq!(events, expected);
    assert_eq!(decoder.retry(), Some(std::time::Duration::from_millis(250)));
    assert_eq!(decoder.last_event_id(), "");
}

#[test]
fn what_is_broken_off_is_not_given_out() {
    assert_eq!(data("data: a\n\ndata: b\n"), ["a"]);
    assert_eq!(data("data: a\n\ndata: b"), ["a"]);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let events = whole(b"data: a\xFFb\xC3\n\n");
    assert_eq!(events[0].1, "a\u{fffd}b\u{fffd}");
}

#[test]
fn an_event_may_not_outgrow_the_limit() {
    let text = format!("data: ok\n\ndata: {}\n\n", "x".repeat(100));
    let mut decoder = SseDecoder::with_limit(50);
    let mut events = Vec::new();
    let error = read(&mut decoder, text.as_bytes(), &mut events).unwrap_err();
    assert_eq!(error, SseError::TooLong { limit: 50 });
    assert!(error.to_string().contains("50 bytes"));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1, "ok");
    let after = read(&mut decoder, b"data: a\n\n", &mut events);
    assert_eq!(after, Err(error), "what follows can't be trusted");
    assert_eq!(events.len(), 1);

    let refused = |text: &str| cut(text.as_bytes(), &[], 50).1.is_some();
    assert!(refused(&"data: xxxxxxxxx\n".repeat(20)), "many lines are one event");
    assert!(refused(&format!(": {}", "x".repeat(100))));
    assert!(!refused(&"data: xxxxxxxxx\n\n".repeat(20)), "each is an event of its own");
}

#[test]
fn an_event_that_lies_whole_in_the_bytes_is_not_copied() {
    let bytes = b"event: x\ndata: one\n\nid: 7\ndata: two\n\ndata: three\ndata: four\n\ndata: fi";
    let lies_in = |text: &str| bytes.as_ptr_range().contains(&text.as_ptr());
    let mut decoder = SseDecoder::new();
    let mut rest = &bytes[..];
    let event = decoder.next_event(&mut rest).unwrap().unwrap();
    assert!(lies_in(event.event) && lies_in(event.data), "{event:?}");
    let event = decoder.next_event(&mut rest).unwrap().unwrap();
    assert!(lies_in(event.data) && event.id == "7", "{event:?}");
    let event = decoder.next_event(&mut rest).unwrap().unwrap();
    assert!(!lies_in(event.data) && event.data == "three\nfour", "{event:?}");
    assert_eq!(decoder.next_event(&mut rest), Ok(None));
    let mut rest = &b"ve\n\ndata: six\n\n"[..];
    assert_eq!(decoder.next_event(&mut rest).unwrap().unwrap().data, "five");
    assert_eq!(decoder.next_event(&mut rest).unwrap().unwrap().data, "six");
}

/// Bytes that look like a stream, so that all rules come into play.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"data".to_vec()),
        4 => Just(b": ".to_vec()),
        4 => Just(b"\n".to_vec()),
        3 => Just(b"\r".to_vec()),
        3 => Just(b"\r\n".to_vec()),
        2 => Just(b"event:".to_vec()),
        2 => Just(b"id:".to_vec()),
        1 => Just(b"retry: 12".to_vec()),
        1 => Just(b"\xEF\xBB\xBF".to_vec()),
        2 => Just("ü→🦀".as_bytes().to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn where_the_bytes_are_cut_means_nothing(
        bytes in stream(),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
        limit in prop_oneof![Just(usize::MAX), 0_usize..60],
    ) {
        let expected = cut(&bytes, &[], limit);
        prop_assert_eq!(&cut(&bytes, &cuts, limit), &expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each place to cut once at, and all of them at once.
    #[test]
    fn every_split_gives_the_same_events(bytes in stream(), limit in prop_oneof![Just(usize::MAX), 0_usize..60]) {
        let expected = cut(&bytes, &[], limit);
        for at in 0..=bytes.len() {
            prop_assert_eq!(&cut(&bytes, &[at], limit), &expected, "cut at {}", at);
        }
        let all: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(&cut(&bytes, &all, limit), &expected);
    }
}
