//! What a request asks for. All of it stands in the prompt, so that the server remembers nothing.

use memchr::memmem;

/// The mark in a prompt, and its first parameter.
const MARK: &[u8] = b"BENCH loop=";

/// How the pieces of an answer are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As fast as the socket takes them, many at once.
    Together,
    /// Each by itself, as tokens come from a model, after a wait of so many microseconds.
    Apart { wait: u64 },
}

/// What the model is to say to one request.
pub(crate) struct Script {
    /// How many tool results stand behind the prompt.
    pub(crate) called: u64,
    /// How often the tool is to be called.
    pub(crate) calls: u64,
    /// How many pieces the text has that comes after the calls.
    pub(crate) tokens: u64,
    pub(crate) pace: Pace,
    /// As a stream of events, or as one JSON document.
    pub(crate) stream: bool,
}

impl Script {
    /// Reads a request's body. It is searched and not parsed: that costs little more than to receive it.
    pub(crate) fn of(body: &[u8]) -> Self {
        let prompt = &body[memmem::rfind(body, MARK).unwrap_or(0)..];
        let end = memchr::memchr(b'"', prompt).unwrap_or(prompt.len());
        let number = |name: &[u8]| number(&prompt[..end], name);
        let wait = number(b"delay_us=").unwrap_or(0);
        let apart = wait > 0 || number(b"flush=") == Some(1);
        Self {
            called: values(prompt, b"\"role\"").filter(|role| role.starts_with(b"\"tool\"")).count()
                as u64,
            calls: number(b"loop=").unwrap_or(0),
            tokens: number(b"tokens=").unwrap_or(1),
            pace: if apart { Pace::Apart { wait } } else { Pace::Together },
            stream: values(body, b"\"stream\"").any(|value| value.starts_with(b"true")),
        }
    }
}

/// The number behind a parameter's name.
fn number(text: &[u8], name: &[u8]) -> Option<u64> {
    let digits = &text[memmem::find(text, name)? + name.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// What stands behind each mention of a key of a JSON object.
fn values<'a>(text: &'a [u8], key: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    memmem::find_iter(text, key).map(|at| {
        let rest = &text[at + key.len()..];
        let gap = rest.iter().take_while(|byte| b" :\n\t\r".contains(byte)).count();
        &rest[gap..]
    })
}
