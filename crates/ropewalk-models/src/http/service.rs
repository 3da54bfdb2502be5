//! What is known of a provider before anything is set.

use super::Kinds;

/// What is known of a provider before anything is set.
#[derive(Debug)]
pub(crate) struct Service {
    /// What stands before the model in its name: `openai`.
    pub(crate) prefix: &'static str,
    /// As people call it.
    pub(crate) name: &'static str,
    /// The environment variable that may hold the key.
    pub(crate) key_variable: &'static str,
    /// The environment variable that may hold the base URL.
    pub(crate) url_variable: &'static str,
    /// The provider's own base URL.
    pub(crate) base_url: &'static str,
    /// Whether the provider's own server asks for a key.
    pub(crate) needs_key: bool,
    /// How the key is sent.
    pub(crate) key: KeyHeader,
    /// A model, for errors to name.
    pub(crate) example: &'static str,
    /// What people copy along with the base URL.
    pub(crate) tails: &'static [&'static str],
    /// Keys of the body that the adapter writes itself.
    pub(crate) own_params: &'static [&'static str],
    /// What it calls things that go wrong.
    pub(crate) kinds: Kinds,
}

/// How a key is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyHeader {
    /// `Authorization: Bearer …`.
    Bearer,
    /// In a header of this name.
    #[cfg_attr(not(any(feature = "anthropic", feature = "gemini")), expect(dead_code))]
    Named(&'static str),
}
