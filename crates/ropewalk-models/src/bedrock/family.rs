//! Whose model it is: what Bedrock takes differs.

/// Whose model an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Claude,
    Nova,
    DeepSeek,
    /// Of somebody else.
    Other,
    /// The id does not tell: it is that of a profile of the user's own, a prompt, or an endpoint.
    Unknown,
}

impl Family {
    pub(super) fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let is_own =
            ["application-inference-profile", "provisioned-model", "endpoint/", ":prompt/"];
        if model.contains("anthropic") || model.contains("claude") {
            Self::Claude
        } else if model.contains("amazon.nova") {
            Self::Nova
        } else if model.contains("deepseek") {
            Self::DeepSeek
        } else if is_own.iter().any(|part| model.contains(part)) || !model.contains('.') {
            Self::Unknown
        } else {
            Self::Other
        }
    }

    /// Whether it takes cache points.
    pub(super) fn caches(self) -> bool {
        matches!(self, Self::Claude | Self::Nova | Self::Unknown)
    }

    /// Whether it takes a cache point behind the tools.
    pub(super) fn caches_tools(self) -> bool {
        matches!(self, Self::Claude | Self::Unknown)
    }

    /// Whether sealed thoughts and citations of documents may go back to it.
    pub(super) fn is_claude_like(self) -> bool {
        matches!(self, Self::Claude | Self::Unknown)
    }
}
