//! What a chat model was set to, checked.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;
use ropewalk_core::NativeOutput;
use serde_json::{Map, Value};

use crate::http::Secrets;

/// What a chat model was set to, checked.
pub(super) struct Config {
    /// As the server names it.
    pub(super) model: String,
    /// As the user names it: `openai:` and the model.
    pub(super) id: String,
    /// Where chats are posted to.
    pub(super) endpoint: Url,
    /// The same, as errors may show it.
    pub(super) shown: String,
    /// Sent with each request; the key is among them.
    pub(super) headers: HeaderMap,
    /// The key and its like.
    pub(super) secrets: Secrets,
    /// Merged into the body of each request.
    pub(super) params: Map<String, Value>,
    /// Under which name the server is told how many tokens an answer may have.
    pub(super) most_tokens: &'static str,
    /// Under which name thoughts go back to the server, if they do.
    pub(super) reasoning_field: Option<String>,
    /// Whether the server is asked to send the usage at the end of the stream.
    pub(super) stream_usage: bool,
    /// How far the server holds to JSON Schemas.
    pub(super) native_output: NativeOutput,
    /// How long the server may be silent.
    pub(super) data_timeout: Option<Duration>,
    /// The longest event, or unstreamed answer, that is taken.
    pub(super) max_event_bytes: usize,
    /// Tokens that the model's window holds.
    pub(super) context_limit: Option<u64>,
}

impl fmt::Debug for Config {
    /// Names the headers only: what is in them may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("id", &self.id)
            .field("endpoint", &self.shown)
            .field("headers", &self.headers.keys().map(|name| name.as_str()).collect::<Vec<_>>())
            .field("params", &self.params)
            .field("reasoning_field", &self.reasoning_field)
            .field("stream_usage", &self.stream_usage)
            .field("native_output", &self.native_output)
            .field("data_timeout", &self.data_timeout)
            .field("max_event_bytes", &self.max_event_bytes)
            .field("context_limit", &self.context_limit)
            .finish()
    }
}
