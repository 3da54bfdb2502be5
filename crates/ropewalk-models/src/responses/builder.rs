//! How a model behind the Responses interface is set up.

use std::sync::Arc;

use ropewalk_core::{Error, ErrorKind, NativeOutput};
use serde_json::Value;

use super::OpenAiResponses;
use super::interface::Responses;
use super::service::{OPENAI, encrypts};
use crate::http::{Endpoint, Options, http_options};
use crate::render::Cache;
use crate::schema;

/// How an [`OpenAiResponses`](super::OpenAiResponses) is set up.
///
/// ```
/// use ropewalk_models::OpenAiResponses;
/// use serde_json::json;
///
/// let model = OpenAiResponses::builder("gpt-5.2")
///     .api_key("sk-something")
///     .max_tokens(2000)
///     .param("reasoning", json!({"effort": "low", "summary": "auto"}))
///     .server_tool(json!({"type": "web_search"}))
///     .build()?;
/// assert!(!format!("{model:?}").contains("sk-something"));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenAiResponsesBuilder {
    options: Options,
    is_stateful: bool,
    encrypts: Option<bool>,
    server_tools: Vec<Value>,
    native_output: Option<NativeOutput>,
}

impl OpenAiResponsesBuilder {
    pub(super) fn new(model: String) -> Self {
        Self::with(Options::new(model))
    }

    /// A builder with the key in `OPENAI_API_KEY` and the server in `OPENAI_BASE_URL`, for what
    /// [`OpenAiResponses::from_env`](super::OpenAiResponses::from_env) leaves as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        Ok(Self::with(Options::from_env(model.into(), &OPENAI)?))
    }

    fn with(options: Options) -> Self {
        Self {
            options,
            is_stateful: false,
            encrypts: None,
            server_tools: Vec::new(),
            native_output: None,
        }
    }

    http_options!();

    /// The organization that is charged, for keys that belong to several.
    #[must_use]
    pub fn organization(self, organization: impl Into<String>) -> Self {
        self.header("openai-organization", organization)
    }

    /// How freely the model chooses among tokens. Models that think take none.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        self.param("temperature", temperature)
    }

    /// The most tokens that an answer may have, thoughts among them.
    #[must_use]
    pub fn max_tokens(self, tokens: u64) -> Self {
        self.param("max_output_tokens", tokens)
    }

    /// Lets the server keep the conversation: a request names the answer that it goes on from (`previous_response_id`),
    /// and holds only what came after it.
    ///
    /// The id of an answer is kept with its message, so each conversation has its own, it lasts as long as the message
    /// does, and a conversation that was forked goes on from where it was forked. It is used only as long as nothing
    /// before it was changed: if something was left out, redacted or edited, or if the server does not know the answer any
    /// more, the whole conversation is sent, and the server keeps it from there. A conversation manager that lets the
    /// oldest messages go at each turn makes each request a whole one.
    ///
    /// The provider stores what is said.
    #[must_use]
    pub fn stateful(mut self, stateful: bool) -> Self {
        self.is_stateful = stateful;
        self
    }

    /// Whether the server is asked to send the model's thoughts, encrypted, so that it gets them back with the
    /// conversation. Unless said: OpenAI's own servers are with models that think, and those of xAI and OpenRouter.
    #[must_use]
    pub fn encrypted_reasoning(mut self, ask: bool) -> Self {
        self.encrypts = Some(ask);
        self
    }

    /// A tool that runs at the server, as the provider documents it (`{"type": "web_search"}`). The parameter `tools` adds
    /// such tools too.
    #[must_use]
    pub fn server_tool(mut self, tool: impl Into<Value>) -> Self {
        self.server_tools.push(tool.into());
        self
    }

    /// How far the server holds to JSON Schemas (`text.format`). Unless set: OpenAI's own server does,
    /// beside tools too, except for the models that are older than that; of any other server nobody
    /// knows, and a value comes through a tool.
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
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if OpenAI's own server is meant and
    /// there is no key; [`ErrorKind::Unavailable`](ropewalk_core::ErrorKind::Unavailable) if the system has no
    /// certificates.
    pub fn build(self) -> Result<OpenAiResponses, Error> {
        let mut endpoint = self.options.endpoint(&OPENAI, &["responses"])?;
        let mut server_tools = self.server_tools;
        match endpoint.params.remove("tools") {
            None => {}
            Some(Value::Array(tools)) => server_tools.extend(tools),
            Some(_) => {
                return Err(invalid(
                    "the parameter `tools` must be a list of tools that run at the server",
                ));
            }
        }
        for (name, is_right) in
            [("include", Value::is_array as fn(&Value) -> bool), ("text", Value::is_object)]
        {
            if endpoint.params.get(name).is_some_and(|value| !is_right(value)) {
                return Err(invalid(format_args!(
                    "the parameter `{name}` has not the form that the interface takes"
                )));
            }
        }
        let store = endpoint.params.remove("store");
        let store = store.as_ref().and_then(Value::as_bool);
        if self.is_stateful && store == Some(false) {
            return Err(invalid(
                "a model whose server keeps the conversation can't have `store` set to false",
            ));
        }
        let responses = Responses {
            is_stateful: self.is_stateful,
            is_stored: store.unwrap_or(self.is_stateful),
            encrypts: self.encrypts.unwrap_or_else(|| encrypts(&endpoint)),
            server_tools,
            native_output: self.native_output.unwrap_or_else(|| native_output(&endpoint)),
            cache: Cache::default(),
            endpoint,
        };
        Ok(OpenAiResponses { responses: Arc::new(responses) })
    }
}

fn invalid(text: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidInput, text.to_string())
}

/// How far a server holds to JSON Schemas: OpenAI's own does with all models but those that came before.
fn native_output(endpoint: &Endpoint) -> NativeOutput {
    match endpoint.host() == "api.openai.com" && schema::is_held_to(&endpoint.model) {
        true => NativeOutput::WithTools,
        false => NativeOutput::No,
    }
}
