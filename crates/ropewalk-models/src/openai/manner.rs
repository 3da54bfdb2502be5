//! What servers of the chat interface want each in its own way.

use crate::render::{IdRule, word};

/// What a provider wants otherwise than the next one.
#[derive(Debug)]
pub(crate) struct Manner {
    /// The ids of tool calls.
    pub(crate) ids: IdRule,
    /// How a call of any tool is asked for.
    pub(crate) any_tool: &'static str,
    /// Whether the message of a tool result says the tool's name.
    pub(crate) names_results: bool,
    /// Whether a last message of the model must be marked as one to be gone on with.
    pub(crate) marks_prefix: bool,
    /// How documents and sound are sent.
    pub(crate) files: Files,
}

/// How documents and sound are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// As OpenAI takes them: a `file` with its name and bytes, sound with its format.
    Described,
    /// As Mistral takes them: a document by its URL, which may hold it, and sound as its bytes alone.
    Bare,
}

/// OpenAI's, which most others keep to.
pub(super) const COMMON: Manner = Manner {
    // OpenAI refuses longer ids.
    ids: IdRule { longest: 40, takes: word, is_exact: false },
    any_tool: "required",
    names_results: false,
    marks_prefix: false,
    files: Files::Described,
};
