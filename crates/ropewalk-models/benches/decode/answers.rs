//! Long answers, in the form in which providers send them.

use std::fmt::Write as _;

/// How many pieces of text an answer has.
pub const CHUNKS: usize = 20_000;

/// What an answer is written in.
#[derive(Clone, Copy)]
pub enum Answer {
    Chat,
}

impl Answer {
    /// The whole HTTP answer, each event in a frame of its own.
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
            transfer-encoding: chunked\r\n\r\n"
            .to_vec();
        for event in self.events() {
            bytes.extend_from_slice(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }

    fn events(self) -> Vec<String> {
        let mut events = Vec::new();
        let mut say = |event: &str, data: &str| {
            let mut text = String::new();
            if !event.is_empty() {
                writeln!(text, "event: {event}").unwrap();
            }
            write!(text, "data: {data}\n\n").unwrap();
            events.push(text);
        };
        // Some have something in them that is escaped, as texts do.
        let words = (0..CHUNKS).map(|at| if at % 16 == 0 { ".\\n" } else { " word" });
        match self {
            Self::Chat => {
                let head = r#"{"id":"chatcmpl-CkZ3aW9uZSBvZiBtYW55","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559""#;
                let mut choice = |delta: &str, reason: &str| {
                    let choice = format!(
                        r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}"#
                    );
                    say("", &format!(r#"{head},"choices":[{choice}],"usage":null}}"#));
                };
                choice(r#"{"role":"assistant","content":"","refusal":null}"#, "null");
                for word in words {
                    choice(&format!(r#"{{"content":"{word}"}}"#), "null");
                }
                choice("{}", r#""stop""#);
                let usage = r#"{"prompt_tokens":9,"completion_tokens":20000,"total_tokens":20009}"#;
                say("", &format!(r#"{head},"choices":[],"usage":{usage}}}"#));
                say("", "[DONE]");
            }
        }
        events
    }
}
