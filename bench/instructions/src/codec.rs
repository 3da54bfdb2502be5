//! What is read and written: streams of providers, records, messages.

use std::hint::black_box;

use ropewalk_core::{Finish, Message, Record, ToolResult};
use ropewalk_models::{LineDecoder, SseDecoder};
use serde_json::json;

use super::Case;

pub(super) const CASES: &[Case] = &[
    ("codec: an event of a stream", events),
    ("codec: a line of a stream", lines),
    ("codec: a record written", records_written),
    ("codec: a record read", records_read),
    ("codec: a message read and written", messages),
];

/// As a provider streams a piece of a text.
const CHUNK: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}"#;

/// As much as a socket gives at once, more or less.
const READ: usize = 4_096;

fn events(times: usize) {
    let stream = format!("data: {CHUNK}\n\n").repeat(times);
    let mut decoder = SseDecoder::new();
    let mut events = 0;
    for mut piece in stream.as_bytes().chunks(READ) {
        while let Ok(Some(event)) = decoder.next_event(&mut piece) {
            black_box(event.data);
            events += 1;
        }
    }
    assert_eq!(events, times);
}

fn lines(times: usize) {
    let stream = format!("{CHUNK}\n").repeat(times);
    let mut decoder = LineDecoder::with_limit(1 << 20);
    let mut lines = 0;
    for mut piece in stream.as_bytes().chunks(READ) {
        while let Ok(Some(line)) = decoder.next_line(&mut piece) {
            black_box(line);
            lines += 1;
        }
    }
    assert_eq!(lines, times);
}

fn record() -> Record {
    Record::ToolFinished {
        result: ToolResult::success("call_1", "a sentence of a tool"),
        finish: Finish::Ran,
    }
}

fn records_written(times: usize) {
    let record = record();
    let mut line = Vec::new();
    for _ in 0..times {
        line.clear();
        let written = serde_json::to_writer(&mut line, black_box(&record));
        assert!(written.is_ok() && !line.is_empty(), "the record was not written");
    }
}

fn records_read(times: usize) {
    let line = serde_json::to_string(&record()).unwrap_or_default();
    for _ in 0..times {
        let read = serde_json::from_str::<Record>(black_box(&line));
        assert!(read.is_ok(), "the record was not read");
    }
}

fn messages(times: usize) {
    let message = json!({"role": "assistant", "content": [
        {"text": "Let me add that up."},
        {"toolUse": {"toolUseId": "call_1", "name": "add", "input": {"a": 1, "b": 2}}},
    ]})
    .to_string();
    for _ in 0..times {
        let written = serde_json::from_str::<Message>(black_box(&message))
            .and_then(|message| serde_json::to_string(&message));
        assert!(written.is_ok_and(|written| !written.is_empty()), "the message was not read");
    }
}
