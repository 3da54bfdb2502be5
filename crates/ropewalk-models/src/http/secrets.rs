//! Keys, kept out of every text.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// What errors and debug output must never show.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<SecretString>);

/// Shorter ones are placeholders for servers without keys; hiding them would only garble texts.
const SHORTEST: usize = 4;

impl Secrets {
    /// Adds one.
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.0.push(secret.into());
        }
    }

    /// The text with each secret in it replaced. Some servers repeat the key they refuse.
    pub(crate) fn hide(&self, text: String) -> String {
        self.0.iter().map(|secret| secret.expose_secret()).fold(text, |text, secret| {
            if text.contains(secret) { text.replace(secret, "[key]") } else { text }
        })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}
