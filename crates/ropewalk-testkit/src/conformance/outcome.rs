//! What came out.

use std::fmt;

/// The rules that were broken, each in plain words with what was seen.
#[derive(PartialEq, Eq)]
pub struct BrokenRules {
    /// The rule, and what was seen instead.
    pub(super) broken: Vec<(&'static str, String)>,
}

impl BrokenRules {
    /// The rules, in the words in which they are shown.
    pub fn rules(&self) -> impl Iterator<Item = &'static str> {
        self.broken.iter().map(|(rule, _)| *rule)
    }
}

impl fmt::Display for BrokenRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (rule, seen)) in self.broken.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "broken: {rule}. Seen: {seen}")?;
        }
        Ok(())
    }
}

/// As people read it: `unwrap` in a test shows this.
impl fmt::Debug for BrokenRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for BrokenRules {}
