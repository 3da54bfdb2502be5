//! The event decoder: the rules of the specification, and that where bytes are cut means nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use ropewalk_models::{SseDecoder, SseError, SseEvent};

fn whole(bytes: &[u8]) -> Vec<SseEvent> {
    cut(bytes, &[], usize::MAX).0
}

/// Decodes the bytes cut at these places.
fn cut(bytes: &[u8], cuts: &[usize], limit: usize) -> (Vec<SseEvent>, Option<SseError>) {
    let mut decoder = SseDecoder::with_limit(limit);
    let mut events = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let mut error = None;
    for pair in cuts.windows(2) {
        error = decoder.push(&bytes[pair[0]..pair[1]]).err();
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    (events, error)
}

fn data(bytes: &str) -> Vec<String> {
    whole(bytes.as_bytes()).into_iter().map(|event| event.data).collect()
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
    decoder.push(text.as_bytes()).unwrap();
    let events: Vec<_> = std::iter::from_fn(|| decoder.next_event())
        .map(|event| (event.event, event.data, event.id))
        .collect();
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
    assert_eq!(events[0].data, "a\u{fffd}b\u{fffd}");
}

#[test]
fn an_event_may_not_outgrow_the_limit() {
    let text = format!("data: ok\n\ndata: {}\n\n", "x".repeat(100));
    let mut decoder = SseDecoder::with_limit(50);
    let error = decoder.push(text.as_bytes()).unwrap_err();
    assert_eq!(error, SseError::TooLong { limit: 50 });
    assert!(error.to_string().contains("50 bytes"));
    assert_eq!(decoder.next_event().unwrap().data, "ok");
    assert_eq!(decoder.push(b"data: a\n\n"), Err(error), "what follows can't be trusted");
    assert_eq!(decoder.next_event(), None);

    let many = "data: xxxxxxxxx\n".repeat(20);
    assert!(SseDecoder::with_limit(50).push(many.as_bytes()).is_err(), "many lines are one event");
    let comment = format!(": {}", "x".repeat(100));
    assert!(SseDecoder::with_limit(50).push(comment.as_bytes()).is_err());
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
        let all: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(&cut(&bytes, &all, limit), &expected);
    }
}
