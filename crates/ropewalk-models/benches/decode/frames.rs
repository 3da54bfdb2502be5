//! A long answer of Bedrock's: an event stream of AWS, each event in a frame of HTTP.

use std::io::Write as _;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use serde_json::{Value, json};

use crate::answers::CHUNKS;

/// The whole HTTP answer.
pub(crate) fn bytes() -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
        transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    let mut event = |name: &'static str, payload: Value| {
        let mut message = Message::new(payload.to_string().into_bytes());
        let headers = [
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        for (key, value) in headers {
            message = message.add_header(Header::new(key, HeaderValue::String(value.into())));
        }
        let mut frame = Vec::new();
        write_message_to(&message, &mut frame).unwrap();
        write!(answer, "{:x}\r\n", frame.len()).unwrap();
        answer.extend_from_slice(&frame);
        answer.extend_from_slice(b"\r\n");
    };
    event("messageStart", json!({"p": "abcdefghijk", "role": "assistant"}));
    for at in 0..CHUNKS {
        let word = if at % 16 == 0 { ".\n" } else { " word" };
        let delta =
            json!({"contentBlockIndex": 0, "delta": {"text": word}, "p": "abcdefghijklmnop"});
        event("contentBlockDelta", delta);
    }
    event("contentBlockStop", json!({"contentBlockIndex": 0, "p": "abc"}));
    event("messageStop", json!({"p": "abcdef", "stopReason": "end_turn"}));
    let usage = json!({"inputTokens": 9, "outputTokens": 20_000, "totalTokens": 20_009});
    event("metadata", json!({"metrics": {"latencyMs": 321}, "p": "abc", "usage": usage}));
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}
