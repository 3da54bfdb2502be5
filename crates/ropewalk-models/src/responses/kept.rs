//! What an answer leaves with its message, beside what the message is made of.

use ropewalk_core::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Under which name it stands among the provider's fields, and whatever else of an answer only this interface can read.
pub(super) const KEY: &str = "openaiResponses";

/// What an answer leaves with its message.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The host that said it: to others it means nothing.
    pub(super) server: String,
    /// Under which id the server keeps the conversation up to this message, if the next answer can go on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// The digest of what the conversation was before this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
    /// The digest of what was said in this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) said: Option<String>,
    /// What texts are meant for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) phases: Vec<Phase>,
}

/// What the text in a block is meant for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Phase {
    /// How many of the message's blocks stand before it.
    pub(super) at: usize,
    /// `commentary`, `final_answer`.
    pub(super) phase: String,
}

impl Kept {
    /// What the message holds of an answer of this server.
    pub(super) fn of(message: &Message, server: &str) -> Option<Self> {
        let kept = message.metadata.as_ref()?.provider_fields()?.get(KEY)?;
        Self::deserialize(kept).ok().filter(|kept| kept.server == server)
    }

    /// The provider's fields of the message.
    pub(super) fn fields(&self) -> Value {
        json!({KEY: self})
    }

    /// What the text in this block is meant for.
    pub(super) fn phase_at(&self, at: usize) -> Option<&str> {
        self.phases.iter().find(|known| known.at == at).map(|known| known.phase.as_str())
    }
}
