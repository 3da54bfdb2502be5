//! How a chat model is set up.

use std::fmt;
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind, NativeOutput};
use serde_json::{Map, Value};

use super::build::{base_url, variable};
use crate::http::shown;

pub(super) const KEY_VARIABLE: &str = "OPENAI_API_KEY";
pub(super) const URL_VARIABLE: &str = "OPENAI_BASE_URL";

/// How an [`OpenAiChat`](super::OpenAiChat) is set up.
///
/// ```
/// use std::time::Duration;
/// use ropewalk_models::OpenAiChat;
///
/// let model = OpenAiChat::builder("gpt-4o-mini")
///     .api_key("sk-something")
///     .temperature(0.2)
///     .max_tokens(800)
///     .param("seed", 7)
///     .data_timeout(Duration::from_secs(60))
///     .build()?;
/// assert!(!format!("{model:?}").contains("sk-something"));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone)]
pub struct OpenAiChatBuilder {
    pub(super) model: String,
    pub(super) api_key: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) params: Map<String, Value>,
    pub(super) max_tokens: Option<u64>,
    pub(super) reasoning_field: Option<Option<String>>,
    pub(super) stream_usage: Option<bool>,
    pub(super) native_output: Option<NativeOutput>,
    pub(super) connect_timeout: Duration,
    pub(super) data_timeout: Option<Duration>,
    pub(super) max_event_bytes: usize,
    pub(super) context_limit: Option<u64>,
}

impl OpenAiChatBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            model,
            api_key: None,
            base_url: None,
            headers: Vec::new(),
            params: Map::new(),
            max_tokens: None,
            reasoning_field: None,
            stream_usage: None,
            native_output: None,
            connect_timeout: Duration::from_secs(10),
            data_timeout: Some(Duration::from_secs(300)),
            max_event_bytes: 16 * 1024 * 1024,
            context_limit: None,
        }
    }

    /// A builder with the key in `OPENAI_API_KEY` and the server in `OPENAI_BASE_URL`, for what
    /// [`OpenAiChat::from_env`](super::OpenAiChat::from_env) leaves as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] if neither is set.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        let mut builder = Self::new(model.into());
        builder.api_key = variable(KEY_VARIABLE)?;
        builder.base_url = variable(URL_VARIABLE)?;
        if builder.api_key.is_none() && builder.base_url.is_none() {
            return Err(Error::new(
                ErrorKind::Authentication,
                format!(
                    "{KEY_VARIABLE} is not set: set it to your OpenAI key, or set {URL_VARIABLE} \
                     to an OpenAI-compatible server that needs none (such as \
                     http://127.0.0.1:8080/v1)"
                ),
            ));
        }
        Ok(builder)
    }

    /// The key that is sent as `Authorization: Bearer …`.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Where the interface is, up to and with `/v1` where the server has that. Unless said: what
    /// `OPENAI_BASE_URL` holds, or else OpenAI's own. A query (`?api-version=…`) is kept.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// A header that is sent with each request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The organization that is charged, for keys that belong to several.
    #[must_use]
    pub fn organization(self, organization: impl Into<String>) -> Self {
        self.header("openai-organization", organization)
    }

    /// How freely the model chooses among tokens.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        self.param("temperature", temperature)
    }

    /// The most tokens that an answer may have. OpenAI is told so in `max_completion_tokens`,
    /// which its newer models insist on, every other server in `max_tokens`, which all know.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// How far the server holds to JSON Schemas (`response_format`). Unless set: OpenAI's own server does,
    /// beside tools too, except for the models that are older than that; of any other server nobody
    /// knows, and a value comes through a tool. llama.cpp, Ollama and vLLM do without tools
    /// ([`NativeOutput::WithoutTools`]).
    #[must_use]
    pub fn native_output(mut self, native_output: NativeOutput) -> Self {
        self.native_output = Some(native_output);
        self
    }

    /// Any other key of the request's body, as the server documents it (`top_p`, `seed`, `stop`,
    /// `reasoning_effort`, …). `stream: false` asks for the answer in one piece.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.params.insert(name.into(), value.into());
        self
    }

    /// Several keys of the request's body.
    #[must_use]
    pub fn params(mut self, params: Map<String, Value>) -> Self {
        self.params.extend(params);
        self
    }

    /// Sends the model's earlier thoughts back with its messages, under this name
    /// (`reasoning_content`, `reasoning`). DeepSeek's servers get them without being told, since
    /// they refuse a tool turn that lacks them; others get none, since many refuse them.
    #[must_use]
    pub fn replay_reasoning(mut self, field: impl Into<String>) -> Self {
        self.reasoning_field = Some(Some(field.into()));
        self
    }

    /// Sends no earlier thoughts back, whatever the server.
    #[must_use]
    pub fn no_replay_reasoning(mut self) -> Self {
        self.reasoning_field = Some(None);
        self
    }

    /// Whether the server is asked for the usage at the end of the stream (`stream_options`).
    /// Unless said it is, Mistral's own servers excepted: they send it unasked.
    #[must_use]
    pub fn stream_usage(mut self, ask: bool) -> Self {
        self.stream_usage = Some(ask);
        self
    }

    /// How long making the connection may take. Unless said: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long the server may send nothing of the answer: before its first piece and between any
    /// two. Keep-alive comments do not count as something. Unless said: 5 minutes.
    #[must_use]
    pub fn data_timeout(mut self, limit: Duration) -> Self {
        self.data_timeout = Some(limit);
        self
    }

    /// Waits for the answer as long as the connection holds.
    #[must_use]
    pub fn no_data_timeout(mut self) -> Self {
        self.data_timeout = None;
        self
    }

    /// The longest event of the stream, or answer in one piece, that is taken. Unless said: 16 MiB.
    #[must_use]
    pub fn max_event_bytes(mut self, limit: usize) -> Self {
        self.max_event_bytes = limit;
        self
    }

    /// How many tokens the model's window holds; what
    /// [`Model::context_limit`](ropewalk_core::Model::context_limit) tells.
    #[must_use]
    pub fn context_limit(mut self, tokens: u64) -> Self {
        self.context_limit = Some(tokens);
        self
    }
}

impl fmt::Debug for OpenAiChatBuilder {
    /// Tells whether there is a key, never what it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiChatBuilder")
            .field("model", &self.model)
            .field("api_key", &self.api_key.as_ref().map(|_| "[key]"))
            .field(
                "base_url",
                &self.base_url.as_deref().map(|url| base_url(url).map(|u| shown(&u))),
            )
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
