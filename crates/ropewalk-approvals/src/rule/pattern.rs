//! Globs over text, and how sure a match is.

use globset::{GlobBuilder, GlobMatcher};

/// Whether a rule fits a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It can't be told, or it depends on how the text is read.
    Unsure,
}

impl Fit {
    /// Both must fit.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unsure,
        }
    }
}

/// A glob over names, in which `*` stands for anything.
///
/// # Errors
/// Says why it is no glob.
pub(crate) fn name_glob(glob: &str) -> Result<GlobMatcher, String> {
    build(glob, true, false)
}

fn build(glob: &str, any: bool, any_case: bool) -> Result<GlobMatcher, String> {
    if glob.is_empty() {
        return Err("an empty glob fits nothing: use `*` for anything".to_owned());
    }
    GlobBuilder::new(glob)
        .literal_separator(!any)
        .case_insensitive(any_case)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| format!("`{glob}` is no glob: {}", error.kind()))
}

/// A glob that reads a text narrowly and widely. Only what both readings agree on is sure.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    narrow: GlobMatcher,
    wide: GlobMatcher,
}

impl Pattern {
    /// # Errors
    /// Says why it is no glob.
    pub(crate) fn new(glob: &str) -> Result<Self, String> {
        Ok(Self { narrow: build(glob, false, false)?, wide: build(glob, true, true)? })
    }

    /// Whether a text fits, which may be a path. It surely fits if the glob says so and there is no
    /// way of reading the text that could lead elsewhere: no `..`, no control character. It surely
    /// does not if no reading fits: with `..` resolved, with `%2e` for a dot, in another case, with
    /// `*` for several folders.
    pub(crate) fn fits_text(&self, text: &str) -> Fit {
        let plain = decoded(text);
        let safely = |text: &str| {
            !climbs(text)
                && !text.chars().any(char::is_control)
                && (self.narrow.is_match(text) || self.narrow.is_match(tidy(text)))
        };
        if safely(text) && (plain == text || safely(&plain)) {
            return Fit::Yes;
        }
        let (resolved, leaves) = resolved(text);
        let (plain_resolved, plain_leaves) = self::resolved(&plain);
        let readings = [text, &plain, &resolved, &plain_resolved];
        if leaves || plain_leaves || readings.iter().any(|reading| self.wide.is_match(reading)) {
            return Fit::Unsure;
        }
        Fit::No
    }
}

fn is_separator(letter: char) -> bool {
    letter == '/' || letter == '\\'
}

/// Whether a part of the text is `..`.
fn climbs(text: &str) -> bool {
    text.split(is_separator).any(|part| part.trim() == "..")
}

/// A path without `.` and doubled separators. What may be a URL or a network path stays.
fn tidy(text: &str) -> String {
    if text.starts_with("//") || text.contains("://") {
        return text.to_owned();
    }
    let root = if text.starts_with('/') { "/" } else { "" };
    let parts: Vec<&str> =
        text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("{root}{}", parts.join("/"))
}

/// A path with `..` taken out, and whether it leaves the place where it begins.
fn resolved(text: &str) -> (String, bool) {
    let mut parts: Vec<&str> = Vec::new();
    let mut leaves = false;
    for part in text.split(is_separator) {
        match part.trim() {
            "" | "." => {}
            ".." => leaves |= parts.pop().is_none(),
            _ => parts.push(part),
        }
    }
    let root = if text.starts_with(is_separator) { "/" } else { "" };
    (format!("{root}{}", parts.join("/")), leaves)
}

/// The text with `%2e` and its like taken as what they stand for, however often that was done.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..4 {
        let next = decoded_once(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn decoded_once(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits always fit.
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
