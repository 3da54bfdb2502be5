//! Ids of tool calls that another provider gave.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

/// What a provider takes as the id of a tool call. Ids that it would refuse (a conversation may have begun with another
/// provider) are sent as something that it takes, the same for a call and its result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdRule {
    /// The most bytes.
    pub(crate) longest: usize,
    /// Which characters.
    pub(crate) takes: fn(char) -> bool,
    /// Whether it must have just as many bytes as `longest`.
    pub(crate) is_exact: bool,
}

impl IdRule {
    /// The id as the provider takes it.
    pub(crate) fn fit<'a>(&self, id: &'a str) -> Cow<'a, str> {
        let is_long_enough = if self.is_exact { id.len() == self.longest } else { !id.is_empty() };
        if is_long_enough && id.len() <= self.longest && id.chars().all(self.takes) {
            return Cow::Borrowed(id);
        }
        let hash = Sha256::digest(id.as_bytes());
        let mut sent: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        sent.truncate(self.longest.min(32));
        Cow::Owned(sent)
    }
}

/// Letters, digits, `_` and `-`.
pub(crate) fn word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}
