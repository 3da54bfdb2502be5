//! Watching free text for the beginning of a tool call.

/// What a piece of text turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Seen {
    /// Text to be shown (perhaps none yet).
    Text(String),
    /// A call begins here.
    Call,
}

/// Holds back what may yet become a call.
#[derive(Debug, Default)]
pub(super) struct Watch {
    held: String,
    /// Text shown since the watch began.
    shown: String,
    /// There are no tools: everything is text.
    off: bool,
    /// After a call, only blanks and further calls are of interest.
    after_call: bool,
}

const TAG: &str = "<tool_call>";
const PYTHON_TAG: &str = "<|python_tag|>";

impl Watch {
    pub(super) fn new(off: bool, after_call: bool) -> Self {
        Self { off, after_call, ..Self::default() }
    }

    pub(super) fn push(&mut self, piece: &str) -> Seen {
        if self.off {
            return Seen::Text(piece.to_owned());
        }
        self.held.push_str(piece);
        for tag in [TAG, PYTHON_TAG] {
            if let Some(place) = self.held.find(tag) {
                self.shown.push_str(&self.held[..place]);
                self.held.truncate(0);
                return Seen::Call;
            }
        }
        let at_start = self.shown.trim().is_empty();
        if at_start && is_bare_call(&self.held) {
            self.held.clear();
            return Seen::Call;
        }
        if at_start && may_become_bare_call(&self.held) {
            return Seen::Text(String::new());
        }
        // Keep what may be the beginning of a tag.
        let keep = (1..=PYTHON_TAG.len().min(self.held.len()))
            .rev()
            .find(|n| {
                let tail = self.held.len() - n;
                self.held.is_char_boundary(tail)
                    && [TAG, PYTHON_TAG].iter().any(|tag| tag.starts_with(&self.held[tail..]))
            })
            .unwrap_or(0);
        let text: String = self.held.drain(..self.held.len() - keep).collect();
        self.shown.push_str(&text);
        if self.after_call && self.shown.trim().is_empty() {
            return Seen::Text(String::new());
        }
        Seen::Text(text)
    }

    /// The text written before the call.
    pub(super) fn before(&self) -> String {
        self.shown.clone()
    }

    /// What was held back and is text after all.
    pub(super) fn rest(&mut self) -> String {
        let rest = std::mem::take(&mut self.held);
        if self.after_call && rest.trim().is_empty() { String::new() } else { rest }
    }
}

/// The text without blanks, and without a code fence around what follows.
fn unfenced(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    bare.map_or(text.clone(), str::to_owned)
}

const BARE: [&str; 2] = ["{\"name\":", "{\"type\":\"function\",\"name\":"];

/// A call without marks: `{"name": …`, perhaps in a code fence.
fn is_bare_call(text: &str) -> bool {
    let text = unfenced(text);
    BARE.iter().any(|start| text.starts_with(start))
}

fn may_become_bare_call(text: &str) -> bool {
    let blankless: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = unfenced(text);
    blankless.is_empty()
        || "```json".starts_with(&blankless)
        || BARE.iter().any(|start| start.starts_with(&bare))
}
