//! JSON that is not whole yet.

use serde_json::Value;

/// What a piece of JSON holds so far: open texts, lists and objects are closed where they end, and what
/// has only begun (a key without its value, half a number) is left out. None if there is nothing yet,
/// or if it is no JSON.
///
/// ```
/// use ropewalk_core::partial_json;
/// use serde_json::json;
///
/// let so_far = partial_json(r#"{"name": "Par"#);
/// assert_eq!(so_far, Some(json!({"name": "Par"})));
/// assert_eq!(partial_json(r#"{"name": "Paris", "inhab"#), Some(json!({"name": "Paris"})));
/// assert_eq!(partial_json("so, "), None);
/// ```
pub fn partial_json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&closed(text)?).ok())
}

/// The text, closed so that it is whole.
fn closed(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut open: Vec<char> = Vec::new();
    // Up to here it is whole but for what is open.
    let mut whole = 0;
    let mut is_key = false;
    let mut at = 0;
    let mut cut_text = None;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                is_key = *byte == b'{';
                open.push(if is_key { '}' } else { ']' });
                whole = at;
            }
            b'}' | b']' => {
                open.pop()?;
                whole = at;
            }
            b',' => {
                is_key = open.last() == Some(&'}');
                whole = at - 1;
            }
            b':' => is_key = false,
            b'"' => match end_of_text(bytes, at) {
                TextEnd::Closed(end) => {
                    at = end;
                    if !is_key {
                        whole = end;
                    }
                }
                TextEnd::Open(cut) => {
                    cut_text = (!is_key).then_some(cut);
                    break;
                }
            },
            _ => {}
        }
    }
    let mut closed = text.get(..cut_text.unwrap_or(whole))?.to_owned();
    closed.extend(cut_text.map(|_| '"'));
    closed.extend(open.iter().rev());
    Some(closed)
}

enum TextEnd {
    /// Behind its closing quote.
    Closed(usize),
    /// It is still open; what stands behind this is half a character.
    Open(usize),
}

/// Where a text ends whose first character stands at `at`.
fn end_of_text(bytes: &[u8], mut at: usize) -> TextEnd {
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => return TextEnd::Closed(at + 1),
            b'\\' => match escape(bytes.get(at..).unwrap_or_default()) {
                Some(length) => length,
                None => return TextEnd::Open(at),
            },
            _ => 1,
        };
    }
    TextEnd::Open(at)
}

/// How long the escaped character is; none if it is not whole.
fn escape(bytes: &[u8]) -> Option<usize> {
    if *bytes.get(1)? != b'u' {
        return Some(2);
    }
    // The first half of a pair needs its second.
    let is_high =
        matches!(bytes.get(2..6)?, [b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', ..]);
    if is_high { bytes.get(6..12).map(|_| 12) } else { Some(6) }
}

/// The value so far of an answer that is being streamed.
#[derive(Debug, Default)]
pub(crate) struct PartialOutput {
    text: String,
    looked_at: usize,
    last: Option<Value>,
}

impl PartialOutput {
    /// Takes the next piece; gives the value so far if it has changed. A long one is not looked at for
    /// every piece: the work must not grow with the square of its length.
    pub(crate) fn push(&mut self, piece: &str) -> Option<Value> {
        self.text.push_str(piece);
        let grown = self.text.len() - self.looked_at;
        if grown > self.looked_at / 256 { self.look() } else { None }
    }

    /// Looks at what there is, at the end of it; then nothing is left.
    pub(crate) fn finish(&mut self) -> Option<Value> {
        let value = if self.text.len() > self.looked_at { self.look() } else { None };
        *self = Self::default();
        value
    }

    fn look(&mut self) -> Option<Value> {
        self.looked_at = self.text.len();
        // An answer in words is none.
        if !self.text.trim_start().starts_with(['{', '[']) {
            return None;
        }
        let value = partial_json(&self.text)?;
        if self.last.as_ref() == Some(&value) {
            return None;
        }
        self.last = Some(value.clone());
        Some(value)
    }
}
