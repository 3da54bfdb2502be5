//! How a chat model is set up.

use std::sync::Arc;

use ropewalk_core::{Error, NativeOutput};

use super::OpenAiChat;
use super::chat::Chat;
use super::manner::COMMON;
use super::service::OPENAI;
use crate::http::{Endpoint, Options, Service, http_options};
use crate::render::{Conversations, Tools};
use crate::schema;

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
#[derive(Clone, Debug)]
pub struct OpenAiChatBuilder {
    service: &'static Service,
    options: Options,
    max_tokens: Option<u64>,
    reasoning_field: Option<Option<String>>,
    stream_usage: Option<bool>,
    native_output: Option<NativeOutput>,
}

impl OpenAiChatBuilder {
    pub(super) fn new(model: String) -> Self {
        Self::with(&OPENAI, Options::new(model))
    }

    /// A builder with the key in `OPENAI_API_KEY` and the server in `OPENAI_BASE_URL`, for what
    /// [`OpenAiChat::from_env`](super::OpenAiChat::from_env) leaves as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        Self::of(&OPENAI, model.into())
    }

    pub(super) fn of(service: &'static Service, model: String) -> Result<Self, Error> {
        Ok(Self::with(service, Options::from_env(model, service)?))
    }

    fn with(service: &'static Service, options: Options) -> Self {
        Self {
            service,
            options,
            max_tokens: None,
            reasoning_field: None,
            stream_usage: None,
            native_output: None,
        }
    }

    http_options!();

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

    /// The model.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) if the model id is empty or the base
    /// URL, a header or a parameter can't be used;
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if OpenAI's own server is meant and
    /// there is no key; [`ErrorKind::Unavailable`](ropewalk_core::ErrorKind::Unavailable) if the system has no
    /// certificates.
    pub fn build(self) -> Result<OpenAiChat, Error> {
        let mut endpoint = self.options.endpoint(self.service, &["chat", "completions"])?;
        let official = endpoint.host() == "api.openai.com" || endpoint.is_at("openai.azure.com");
        let most_tokens = if official { "max_completion_tokens" } else { "max_tokens" };
        if let Some(tokens) = self.max_tokens {
            endpoint.params.entry(most_tokens).or_insert_with(|| tokens.into());
        }
        let of_server = || endpoint.is_at("deepseek.com").then(|| "reasoning_content".to_owned());
        let chat = Chat {
            manner: &COMMON,
            most_tokens,
            thinking_parts: false,
            reasoning_field: self.reasoning_field.unwrap_or_else(of_server),
            stream_usage: self.stream_usage.unwrap_or(!endpoint.is_at("mistral.ai")),
            native_output: self.native_output.unwrap_or_else(|| native_output(&endpoint)),
            tools: Tools::default(),
            conversations: Conversations::default(),
            endpoint,
        };
        Ok(OpenAiChat { chat: Arc::new(chat) })
    }
}

/// How far a server holds to JSON Schemas: OpenAI's own does with all models but those that came before.
fn native_output(endpoint: &Endpoint) -> NativeOutput {
    match endpoint.host() == "api.openai.com" && schema::is_held_to(&endpoint.model) {
        true => NativeOutput::WithTools,
        false => NativeOutput::No,
    }
}
