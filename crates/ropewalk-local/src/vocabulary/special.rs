//! Tokens that are found by name in a prompt, such as the marks around a turn.

use std::collections::HashMap;

/// Splits a token's name in foreign text; from the private use area, taken out again before tokenising.
const SHIELD: char = '\u{F8FE}';

/// A piece of a prompt.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Token(u32),
}

/// Names of special tokens, by their first character, longest first.
#[derive(Debug, Default)]
pub(super) struct Specials {
    by_first: HashMap<char, Vec<(String, u32)>>,
}

impl Specials {
    pub(super) fn new<'n>(names: impl Iterator<Item = (&'n str, u32)>) -> Self {
        let mut by_first: HashMap<char, Vec<(String, u32)>> = HashMap::new();
        for (name, id) in names {
            if let Some(first) = name.chars().next() {
                by_first.entry(first).or_default().push((name.to_owned(), id));
            }
        }
        for names in by_first.values_mut() {
            names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        }
        Self { by_first }
    }

    pub(super) fn id(&self, name: &str) -> Option<u32> {
        let names = self.by_first.get(&name.chars().next()?)?;
        names.iter().find(|(known, _)| known == name).map(|(_, id)| *id)
    }

    fn at_start(&self, text: &str) -> Option<(usize, u32)> {
        let names = self.by_first.get(&text.chars().next()?)?;
        let found = names.iter().find(|(name, _)| text.starts_with(name.as_str()));
        found.map(|(name, id)| (name.len(), *id))
    }

    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let (mut from, mut at) = (0, 0);
        while let Some(next) = text[at..].chars().next() {
            if let Some((length, id)) = self.at_start(&text[at..]) {
                if from < at {
                    parts.push(Part::Text(&text[from..at]));
                }
                parts.push(Part::Token(id));
                at += length;
                from = at;
            } else {
                at += next.len_utf8();
            }
        }
        if from < text.len() {
            parts.push(Part::Text(&text[from..]));
        }
        parts
    }

    pub(super) fn shield(&self, text: &str) -> String {
        let mut shielded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            // A name of one character or of white space is ordinary text for most tokenizers.
            let special = self.at_start(rest).is_some_and(|(length, _)| length > next.len_utf8());
            if next != SHIELD {
                shielded.push(next);
            }
            if special && !next.is_whitespace() {
                shielded.push(SHIELD);
            }
            rest = &rest[next.len_utf8()..];
        }
        shielded
    }
}

/// Takes the marks of [`Specials::shield`] out.
pub(super) fn unshield(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains(SHIELD) { text.replace(SHIELD, "").into() } else { text.into() }
}
