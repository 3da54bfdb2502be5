//! A model on Bedrock, as all calls of it use it.

use std::fmt;
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind, NativeOutput};
use serde_json::{Map, Value};

use super::access::Access;
use super::caching::BedrockCaching;
use super::family::Family;
use super::guardrail::BedrockGuardrail;
use crate::http::Secrets;
use crate::render::Cache;

/// What a model was set to, checked, and what it rendered.
#[derive(Debug)]
pub(super) struct Bedrock {
    /// The model, as Bedrock names it.
    pub(super) model: String,
    /// The model, as the user names it.
    pub(super) id: String,
    pub(super) family: Family,
    pub(super) is_streaming: bool,
    /// `inferenceConfig`.
    pub(super) inference: Map<String, Value>,
    /// `additionalModelRequestFields`.
    pub(super) request_fields: Map<String, Value>,
    /// `additionalModelResponseFieldPaths`.
    pub(super) response_paths: Vec<String>,
    /// What else the user wants in the body.
    pub(super) params: Map<String, Value>,
    pub(super) guardrail: Option<BedrockGuardrail>,
    pub(super) caching: Option<BedrockCaching>,
    /// Whether results are sent with their status.
    pub(super) tool_status: bool,
    pub(super) strict_tools: bool,
    pub(super) native_output: NativeOutput,
    /// How long Bedrock may be silent before the first piece of an answer.
    pub(super) first_data_timeout: Option<Duration>,
    /// How long it may be silent between two pieces.
    pub(super) data_timeout: Option<Duration>,
    /// The longest event, or unstreamed answer, that is taken.
    pub(super) max_event_bytes: usize,
    pub(super) context_limit: Option<u64>,
    pub(super) secrets: Secrets,
    pub(super) access: Access,
    pub(super) cache: Cache,
}

impl Bedrock {
    /// How cache points are placed, if they are and the model takes them.
    pub(super) fn placing(&self) -> Option<&BedrockCaching> {
        self.caching.as_ref().filter(|_| self.family.caches())
    }

    /// An error that names the model.
    pub(super) fn error(&self, kind: ErrorKind, text: impl fmt::Display) -> Error {
        Error::new(kind, self.secrets.hide(format!("{}: {text}", self.id)))
    }

    /// The error of an answer that ended before its end. `begun` is whether anything of it came.
    pub(super) fn broke_off(&self, begun: bool) -> Error {
        let text = match begun {
            true => "the answer broke off: Bedrock ended the stream without a reason to stop",
            false => "Bedrock ended the stream without an answer",
        };
        self.error(ErrorKind::Unavailable, text)
    }

    /// The error of an answer that can't be understood.
    pub(super) fn malformed(&self, problem: impl fmt::Display, text: &[u8]) -> Error {
        let text = self.secrets.hide(String::from_utf8_lossy(text).into_owned());
        let text = crate::http::excerpt(&text);
        self.error(ErrorKind::Malformed, format_args!("{problem}: `{text}`"))
    }
}
