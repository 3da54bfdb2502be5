//! How a model of Mistral's is set up.

use std::sync::Arc;

use ropewalk_core::{Error, NativeOutput};

use super::MistralModel;
use super::service::{MANNER, MISTRAL, THINKING};
use crate::http::{Options, http_options};
use crate::openai::Chat;
use crate::render::{Conversations, Tools};

/// How a [`MistralModel`](super::MistralModel) is set up.
///
/// ```
/// use ropewalk_models::MistralModel;
///
/// let model = MistralModel::builder("magistral-medium-latest")
///     .api_key("something")
///     .temperature(0.2)
///     .max_tokens(800)
///     .prompt_mode("reasoning")
///     .safe_prompt(true)
///     .param("random_seed", 7)
///     .build()?;
/// # let _ = model;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MistralModelBuilder {
    options: Options,
    replay_reasoning: Option<bool>,
    native_output: NativeOutput,
}

impl MistralModelBuilder {
    pub(super) fn new(model: String) -> Self {
        Self::with(Options::new(model))
    }

    /// A builder with the key in `MISTRAL_API_KEY` and the server in `MISTRAL_BASE_URL`, for what
    /// [`MistralModel::from_env`](super::MistralModel::from_env) leaves as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        Ok(Self::with(Options::from_env(model.into(), &MISTRAL)?))
    }

    fn with(options: Options) -> Self {
        Self { options, replay_reasoning: None, native_output: NativeOutput::WithoutTools }
    }

    http_options!();

    /// How freely the model chooses among tokens.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        self.param("temperature", temperature)
    }

    /// The most tokens that an answer may have.
    #[must_use]
    pub fn max_tokens(self, tokens: u64) -> Self {
        self.param("max_tokens", tokens)
    }

    /// Which prompt of its own Mistral puts before the conversation (`reasoning`, for models that think).
    #[must_use]
    pub fn prompt_mode(self, mode: impl Into<String>) -> Self {
        self.param("prompt_mode", mode.into())
    }

    /// How much a model thinks that can be told so (`none`, `high`).
    #[must_use]
    pub fn reasoning_effort(self, effort: impl Into<String>) -> Self {
        self.param("reasoning_effort", effort.into())
    }

    /// Whether Mistral puts its safety prompt before the conversation.
    #[must_use]
    pub fn safe_prompt(self, safe: bool) -> Self {
        self.param("safe_prompt", safe)
    }

    /// Whether the model gets its earlier thoughts back. Unless said, the families that are known to think do
    /// (Magistral, Mistral Small, Medium and Large).
    #[must_use]
    pub fn replay_reasoning(mut self, replay: bool) -> Self {
        self.replay_reasoning = Some(replay);
        self
    }

    /// How far the model holds to JSON Schemas (`response_format`). Unless set: where no tools are offered with
    /// it.
    #[must_use]
    pub fn native_output(mut self, native_output: NativeOutput) -> Self {
        self.native_output = native_output;
        self
    }

    /// The model.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) if the model id is empty or the base
    /// URL, a header or a parameter can't be used;
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if Mistral's own server is meant and
    /// there is no key; [`ErrorKind::Unavailable`](ropewalk_core::ErrorKind::Unavailable) if the system has no
    /// certificates.
    pub fn build(self) -> Result<MistralModel, Error> {
        let endpoint = self.options.endpoint(&MISTRAL, &["chat", "completions"])?;
        let thinks = || THINKING.iter().any(|family| endpoint.model.starts_with(family));
        let chat = Chat {
            manner: &MANNER,
            most_tokens: "max_tokens",
            reasoning_field: None,
            thinking_parts: self.replay_reasoning.unwrap_or_else(thinks),
            stream_usage: false,
            native_output: self.native_output,
            tools: Tools::default(),
            conversations: Conversations::default(),
            endpoint,
        };
        Ok(MistralModel { chat: Arc::new(chat) })
    }
}
