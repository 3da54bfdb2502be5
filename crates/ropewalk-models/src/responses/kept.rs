//! What an answer leaves with its message, beside what the message is made of.

use ropewalk_core::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where it stands among the provider's fields.
pub(super) const KEY: &str = "openaiResponses";

/// Kinds of items that the server makes all by itself, and takes back. Others, kept as well, wait for an answer that
/// nobody gave.
const SENT_BACK: [&str; 7] = [
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
    "compaction",
];

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
    /// How many of the output tokens went into thoughts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_tokens: Option<u64>,
    /// Items that are none of the message's blocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) items: Vec<Placed<Value>>,
    /// What texts are meant for: `commentary`, `final_answer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) phases: Vec<Placed<String>>,
}

/// Something with its place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Placed<T> {
    /// How many of the message's blocks stand before it.
    pub(super) at: usize,
    pub(super) what: T,
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

    /// The items in front of this block that go back to the server.
    pub(super) fn items_at(&self, at: usize) -> impl Iterator<Item = &Value> {
        self.items.iter().filter(move |placed| placed.at == at).map(|placed| &placed.what).filter(
            |item| {
                let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
                let is_sent = SENT_BACK.contains(&kind);
                if !is_sent {
                    tracing::warn!(
                        kind,
                        "an item of an earlier answer is not sent back to the model"
                    );
                }
                is_sent
            },
        )
    }

    /// What the text in this block is meant for.
    pub(super) fn phase_at(&self, at: usize) -> Option<&str> {
        self.phases.iter().find(|placed| placed.at == at).map(|placed| placed.what.as_str())
    }
}
