//! Names of documents: Bedrock takes few characters, and no name twice.

use std::collections::HashSet;

/// Bedrock refuses longer ones.
const LONGEST: usize = 200;
/// What stands for a name of which nothing is left.
const NAMELESS: &str = "document";

/// The name as Bedrock takes it: letters, digits, hyphens, parentheses, square brackets, and single spaces.
pub(super) fn fit(name: &str, format: &str) -> String {
    let ending = format!(".{format}");
    let name = name.strip_suffix(ending.as_str()).unwrap_or(name);
    let mut fitted = String::new();
    for character in name.chars() {
        let taken = match character {
            _ if character.is_ascii_alphanumeric() => character,
            '-' | '(' | ')' | '[' | ']' => character,
            _ if character.is_whitespace() => ' ',
            _ => '-',
        };
        if fitted.len() < LONGEST && !(taken == ' ' && fitted.ends_with(' ')) {
            fitted.push(taken);
        }
    }
    let fitted = fitted.trim();
    if fitted.chars().any(|c| c.is_ascii_alphanumeric()) {
        fitted.to_owned()
    } else {
        NAMELESS.to_owned()
    }
}

/// The names that one request has used.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// The name, with a number behind it if it was used before.
    pub(super) fn unique(&mut self, name: String) -> String {
        if self.0.insert(name.to_ascii_lowercase()) {
            return name;
        }
        let mut number = 2_usize;
        loop {
            let ending = format!(" ({number})");
            // Fitted names are ASCII, so that they can be cut anywhere.
            let room = LONGEST.saturating_sub(ending.len()).min(name.len());
            let other = format!("{}{ending}", name.get(..room).unwrap_or(NAMELESS).trim_end());
            if self.0.insert(other.to_ascii_lowercase()) {
                return other;
            }
            number += 1;
        }
    }
}
