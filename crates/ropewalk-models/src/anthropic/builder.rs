//! How a model is set up.

use std::sync::Arc;

use ropewalk_core::{CachePoint, Error, NativeOutput};
use serde_json::{Value, json};

use super::AnthropicModel;
use super::dialect::Anthropic;
use super::service::{ANTHROPIC, BETA, VERSION, is_before_schemas};
use crate::http::{Endpoint, Options, http_options};
use crate::render::Cache;

/// How an [`AnthropicModel`](super::AnthropicModel) is set up.
///
/// ```
/// use ropewalk_core::CachePoint;
/// use ropewalk_models::AnthropicModel;
///
/// let model = AnthropicModel::builder("claude-sonnet-4-5")
///     .api_key("sk-ant-something")
///     .max_tokens(8_000)
///     .thinking(4_000)
///     .cache_tools(CachePoint::default())
///     .param("service_tier", "standard_only")
///     .build()?;
/// assert!(!format!("{model:?}").contains("sk-ant-something"));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AnthropicModelBuilder {
    options: Options,
    betas: Vec<String>,
    server_tools: Vec<Value>,
    cache_tools: Option<CachePoint>,
    native_output: Option<NativeOutput>,
}

impl AnthropicModelBuilder {
    pub(super) fn new(model: String) -> Self {
        Self::with(Options::new(model))
    }

    /// A builder with the key in `ANTHROPIC_API_KEY` and the server in `ANTHROPIC_BASE_URL`, for what
    /// [`AnthropicModel::from_env`](super::AnthropicModel::from_env) leaves as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        Ok(Self::with(Options::from_env(model.into(), &ANTHROPIC)?))
    }

    fn with(options: Options) -> Self {
        Self {
            options,
            betas: Vec::new(),
            server_tools: Vec::new(),
            cache_tools: None,
            native_output: None,
        }
    }

    http_options!();

    /// The most tokens that an answer may have, thinking counted. The interface wants to be told; unless set, it is
    /// told as much as all models of a generation can give: 4096 for Claude 3, 8192 for Claude 3.5, 32,000 for later
    /// ones, and 4096 for models that are no Claude. A budget for [`thinking`](Self::thinking) is added to that.
    #[must_use]
    pub fn max_tokens(self, tokens: u64) -> Self {
        self.param("max_tokens", tokens)
    }

    /// How freely the model chooses among tokens, from 0 to 1.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        self.param("temperature", temperature)
    }

    /// Lets the model think with so many tokens (at least 1024) before it answers. Newer models choose how much for
    /// themselves: `param("thinking", json!({"type": "adaptive"}))`.
    ///
    /// The interface takes no thinking where a tool is forced, nor in a turn that another provider began without it;
    /// such requests are sent without, and the log says so.
    #[must_use]
    pub fn thinking(self, budget_tokens: u64) -> Self {
        self.param("thinking", json!({"type": "enabled", "budget_tokens": budget_tokens}))
    }

    /// Text at which the model stops.
    #[must_use]
    pub fn stop_sequences<S: Into<String>>(self, texts: impl IntoIterator<Item = S>) -> Self {
        let texts: Vec<Value> = texts.into_iter().map(|text| Value::String(text.into())).collect();
        self.param("stop_sequences", texts)
    }

    /// Switches on what is not yet generally there, by its name in the `anthropic-beta` header.
    #[must_use]
    pub fn beta(mut self, name: impl Into<String>) -> Self {
        self.betas.push(name.into());
        self
    }

    /// Offers a tool that runs at the provider, as the interface describes it:
    /// `json!({"type": "web_search_20250305", "name": "web_search"})`. What comes of it stands in the history as
    /// blocks with the key `anthropic`, and goes back with it.
    #[must_use]
    pub fn server_tool(mut self, tool: Value) -> Self {
        self.server_tools.push(tool);
        self
    }

    /// Lets the provider cache the tools.
    #[must_use]
    pub fn cache_tools(mut self, point: CachePoint) -> Self {
        self.cache_tools = Some(point);
        self
    }

    /// How far the server holds to JSON Schemas (`output_config.format`). Unless set: Anthropic's own server does,
    /// beside tools too, with the models since Claude 4.5; of any other nobody knows, and a value comes through a
    /// tool.
    #[must_use]
    pub fn native_output(mut self, native_output: NativeOutput) -> Self {
        self.native_output = Some(native_output);
        self
    }

    /// The model.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) if the model id is empty or the base
    /// URL, a header or a parameter can't be used;
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if Anthropic's own server is meant and
    /// there is no key; [`ErrorKind::Unavailable`](ropewalk_core::ErrorKind::Unavailable) if the system has no
    /// certificates.
    pub fn build(mut self) -> Result<AnthropicModel, Error> {
        // In front, so that what the user set wins.
        let (name, version) = VERSION;
        self.options.headers.insert(0, (name.to_owned(), version.to_owned().into()));
        if !self.betas.is_empty() {
            self.options.headers.push((BETA.to_owned(), self.betas.join(",").into()));
        }
        let endpoint = self.options.endpoint(&ANTHROPIC, &["v1", "messages"])?;
        let model = Anthropic {
            native_output: self.native_output.unwrap_or_else(|| native_output(&endpoint)),
            server_tools: self.server_tools,
            cache_tools: self.cache_tools,
            cache: Cache::default(),
            endpoint,
        };
        Ok(AnthropicModel { model: Arc::new(model) })
    }
}

fn native_output(endpoint: &Endpoint) -> NativeOutput {
    match endpoint.host() == "api.anthropic.com" && !is_before_schemas(&endpoint.model) {
        true => NativeOutput::WithTools,
        false => NativeOutput::No,
    }
}
