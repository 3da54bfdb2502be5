//! How a model of an Ollama server is set up.

use std::sync::Arc;

use ropewalk_core::Error;
use serde_json::{Map, Value};

use super::OllamaModel;
use super::dialect::Ollama;
use super::host::base_url;
use super::service::OLLAMA;
use crate::http::{Options, http_options, variable};
use crate::render::Cache;

/// What stands in a request's body by itself. Every other parameter is one of `options`.
const OF_BODY: [&str; 8] =
    ["format", "keep_alive", "logprobs", "shift", "stream", "think", "top_logprobs", "truncate"];

/// How an [`OllamaModel`](super::OllamaModel) is set up.
///
/// A parameter is one of the model's `options` (`top_p`, `seed`, `stop`), unless the interface has it in the body
/// itself (`keep_alive`, `think`, `truncate` …).
///
/// ```
/// use ropewalk_models::OllamaModel;
///
/// let model = OllamaModel::builder("qwen3:4b")
///     .base_url("workstation:11434")
///     .num_ctx(16_384)
///     .max_tokens(800)
///     .temperature(0.2)
///     .keep_alive("30m")
///     .think(false)
///     .param("seed", 7)
///     .build()?;
/// # let _ = model;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OllamaModelBuilder {
    options: Options,
}

impl OllamaModelBuilder {
    pub(super) fn new(model: String) -> Self {
        Self { options: Options::new(model) }
    }

    /// A builder with the server in `OLLAMA_HOST` and the key in `OLLAMA_API_KEY`, for what
    /// [`OllamaModel::from_env`](super::OllamaModel::from_env) leaves as it is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) if one of them holds bytes that are no text.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        Ok(Self { options: Options::from_env(model.into(), &OLLAMA)? })
    }

    http_options!();

    /// How freely the model chooses among tokens.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        self.param("temperature", temperature)
    }

    /// The most tokens that an answer may have (`num_predict`).
    #[must_use]
    pub fn max_tokens(self, tokens: u64) -> Self {
        self.param("num_predict", tokens)
    }

    /// How many tokens the context holds, conversation and answer together. Unless set, the server decides, and
    /// mostly for few. It is the model's [`context_limit`](Self::context_limit) too, unless that is set.
    #[must_use]
    pub fn num_ctx(self, tokens: u64) -> Self {
        self.param("num_ctx", tokens)
    }

    /// How long the server keeps the model in memory afterwards: `30m`, a number of seconds, or -1 for ever.
    #[must_use]
    pub fn keep_alive(self, time: impl Into<Value>) -> Self {
        self.param("keep_alive", time)
    }

    /// Whether the model thinks first, or for some models how much (`low`, `medium`, `high`). Unless set, models that
    /// can think do.
    #[must_use]
    pub fn think(self, think: impl Into<Value>) -> Self {
        self.param("think", think)
    }

    /// The model.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) if the model id is empty or the base
    /// URL, a header or a parameter can't be used;
    /// [`ErrorKind::Unavailable`](ropewalk_core::ErrorKind::Unavailable) if the system has no certificates.
    pub fn build(self) -> Result<OllamaModel, Error> {
        let mut options = self.options;
        let given = match options.base_url.take() {
            Some(url) => Some(url),
            None => variable(OLLAMA.url_variable)?,
        };
        options.base_url = given.map(|url| base_url(&url));
        let mut endpoint = options.endpoint(&OLLAMA, &["api", "chat"])?;
        let (params, options) = sorted(std::mem::take(&mut endpoint.params));
        endpoint.params = params;
        let window = options.get("num_ctx").and_then(Value::as_u64);
        endpoint.context_limit = endpoint.context_limit.or(window);
        endpoint.missing_model = format!(": get it with `ollama pull {}`", endpoint.model);
        let ollama = Ollama { options, cache: Cache::default(), endpoint };
        Ok(OllamaModel { ollama: Arc::new(ollama) })
    }
}

/// What was set, by where it belongs: the body itself, and `options`.
fn sorted(params: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut body, mut options) = (Map::new(), Map::new());
    for (name, value) in params {
        match (name.as_str(), value) {
            ("options", Value::Object(all)) => options.extend(all),
            (key, value) if OF_BODY.contains(&key) => {
                body.insert(name, value);
            }
            (_, value) => {
                options.insert(name, value);
            }
        }
    }
    (body, options)
}
