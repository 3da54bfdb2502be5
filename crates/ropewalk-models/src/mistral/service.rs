//! What is known of Mistral.

use crate::http::{KeyHeader, Kinds, Service};
use crate::openai::{Files, Manner};
use crate::render::IdRule;

pub(super) const MISTRAL: Service = Service {
    prefix: "mistral",
    name: "Mistral",
    key_variable: "MISTRAL_API_KEY",
    url_variable: "MISTRAL_BASE_URL",
    base_url: "https://api.mistral.ai/v1",
    needs_key: true,
    key: KeyHeader::Bearer,
    example: "mistral-small-latest",
    tails: &["/chat/completions"],
    own_params: &["model", "messages", "tools", "tool_choice"],
    kinds: Kinds {
        // Its types; words such as "rate" in a message say nothing of the kind.
        throttled: &["rate_limited", "capacity_exceeded"],
        overflow: &["too large for model with"],
        ..Kinds::COMMON
    },
};

pub(super) const MANNER: Manner = Manner {
    ids: IdRule {
        longest: 9,
        takes: |character| character.is_ascii_alphanumeric(),
        is_exact: true,
    },
    any_tool: "any",
    names_results: true,
    marks_prefix: true,
    files: Files::Bare,
};

/// The families of models that are known to think, and to take their earlier thoughts back.
pub(super) const THINKING: [&str; 4] =
    ["magistral", "mistral-small", "mistral-medium", "mistral-large"];
