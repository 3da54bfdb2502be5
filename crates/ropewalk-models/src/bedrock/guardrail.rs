//! Guardrails, and what they take back.

use ropewalk_core::{ModelChunk, RedactChunk, StopReason};
use serde_json::{Map, Value};

/// A guardrail that Bedrock applies to what is asked and answered, and what happens to the words it blocks.
///
/// Unless said otherwise a blocked question stays in the history as `[User input redacted.]`, and the answer as what
/// the guardrail put in its place.
///
/// ```
/// use ropewalk_models::{BedrockGuardrail, BedrockModel};
///
/// let guardrail = BedrockGuardrail::new("gr-abc123", "2").redact_output("[Answer removed.]");
/// let model = BedrockModel::builder("eu.amazon.nova-lite-v1:0").guardrail(guardrail).build()?;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BedrockGuardrail {
    identifier: String,
    version: String,
    trace: String,
    processing: Option<String>,
    redact_input: Option<String>,
    redact_output: Option<String>,
    pub(super) is_latest_only: bool,
}

impl BedrockGuardrail {
    /// The guardrail with this id or ARN, in this version (`1`, `DRAFT`).
    pub fn new(identifier: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            identifier: identifier.into(),
            version: version.into(),
            trace: "enabled".to_owned(),
            processing: None,
            redact_input: Some("[User input redacted.]".to_owned()),
            redact_output: None,
            is_latest_only: false,
        }
    }

    /// How much Bedrock tells of what the guardrail did: `enabled` (unless said), `enabled_full` or `disabled`.
    #[must_use]
    pub fn trace(mut self, trace: impl Into<String>) -> Self {
        self.trace = trace.into();
        self
    }

    /// How a streamed answer is looked at: `sync`, before each piece is sent, or `async`, beside it.
    #[must_use]
    pub fn stream_processing_mode(mut self, mode: impl Into<String>) -> Self {
        self.processing = Some(mode.into());
        self
    }

    /// What stands in the history for a question that was blocked.
    #[must_use]
    pub fn redact_input(mut self, text: impl Into<String>) -> Self {
        self.redact_input = Some(text.into());
        self
    }

    /// Leaves a question that was blocked in the history as it was.
    #[must_use]
    pub fn keep_input(mut self) -> Self {
        self.redact_input = None;
        self
    }

    /// What stands in the history for an answer that was blocked.
    #[must_use]
    pub fn redact_output(mut self, text: impl Into<String>) -> Self {
        self.redact_output = Some(text.into());
        self
    }

    /// Whether the guardrail looks at the user's latest words only, and not at the whole conversation each time.
    #[must_use]
    pub fn latest_message(mut self, only: bool) -> Self {
        self.is_latest_only = only;
        self
    }

    /// The setting, as it stands in a request.
    pub(super) fn config(&self, is_streamed: bool) -> Map<String, Value> {
        let mut config = Map::new();
        config.insert("guardrailIdentifier".into(), self.identifier.as_str().into());
        config.insert("guardrailVersion".into(), self.version.as_str().into());
        config.insert("trace".into(), self.trace.as_str().into());
        if let Some(mode) = self.processing.as_deref().filter(|_| is_streamed) {
            config.insert("streamProcessingMode".into(), mode.into());
        }
        config
    }

    /// What is taken back after an answer that ended so, with this trace.
    pub(super) fn redactions(&self, stop: &StopReason, trace: Option<&Value>) -> Vec<ModelChunk> {
        let blocked = match trace.and_then(|trace| trace.get("guardrail")) {
            Some(assessed) => blocks(assessed),
            // Nothing is told of why: it was blocked all the same.
            None => *stop == StopReason::GuardrailIntervened,
        };
        if !blocked {
            return Vec::new();
        }
        let input = self.redact_input.clone().map(|text| RedactChunk {
            redact_user_content_message: Some(text),
            redact_assistant_content_message: None,
        });
        let output = self.redact_output.clone().map(|text| RedactChunk {
            redact_user_content_message: None,
            redact_assistant_content_message: Some(text),
        });
        input.into_iter().chain(output).map(ModelChunk::RedactContent).collect()
    }
}

/// Whether any policy found something and blocked it.
fn blocks(assessed: &Value) -> bool {
    match assessed {
        Value::Object(map) => {
            let is_blocked = map.get("action").and_then(Value::as_str) == Some("BLOCKED");
            (is_blocked && map.get("detected") == Some(&Value::Bool(true)))
                || map.values().any(blocks)
        }
        Value::Array(items) => items.iter().any(blocks),
        _ => false,
    }
}
