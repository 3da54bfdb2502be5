//! Cache points: those in the conversation, and those that are placed.

/// Lets Bedrock cache what a conversation begins with, without a cache point of the user's own: one stands behind the
/// system prompt, one behind the tools, and one behind the user's latest words. Claude and Nova cache; for other models
/// nothing is placed. Nova takes none behind tools.
///
/// Bedrock takes four cache points in one request. Those of the conversation itself count: where they are more, the
/// earliest of them are left out.
///
/// ```
/// use ropewalk_models::{BedrockCaching, BedrockModel};
///
/// let model = BedrockModel::builder("us.anthropic.claude-sonnet-4-6")
///     .caching(BedrockCaching::auto().ttl("1h"))
///     .build()?;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BedrockCaching {
    ttl: Option<String>,
}

impl BedrockCaching {
    /// Places the points where they serve most.
    pub fn auto() -> Self {
        Self { ttl: None }
    }

    /// How long Bedrock keeps what it cached: `5m` or `1h`. Unless said it decides by itself.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<String>) -> Self {
        self.ttl = Some(ttl.into());
        self
    }

    /// The point, as it stands in a request.
    pub(super) fn point(&self) -> String {
        point(self.ttl.as_deref())
    }
}

/// As many points Bedrock takes in one request.
pub(super) const MOST_POINTS: usize = 4;

/// A cache point, as it stands in a request.
pub(super) fn point(ttl: Option<&str>) -> String {
    let mut point = serde_json::json!({"type": "default"});
    if let (Some(ttl), Some(map)) = (ttl, point.as_object_mut()) {
        map.insert("ttl".into(), ttl.into());
    }
    serde_json::json!({"cachePoint": point}).to_string()
}
