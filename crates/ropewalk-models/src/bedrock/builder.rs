//! How a model on Bedrock is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use ropewalk_core::{Error, ErrorKind, NativeOutput};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::BedrockModel;
use super::access::{Access, Given};
use super::caching::BedrockCaching;
use super::family::Family;
use super::guardrail::BedrockGuardrail;
use super::settings::Bedrock;
use super::wire::Wire;
use crate::http::{HttpClient, Secrets, variable};
use crate::render::Cache;

/// Keys of the body that are made from the conversation, or that have a method of their own.
const OWN_PARAMS: [&str; 9] = [
    "messages",
    "system",
    "toolConfig",
    "inferenceConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "outputConfig",
    "modelId",
];

/// How a [`BedrockModel`] is set up.
///
/// ```
/// use ropewalk_models::BedrockModel;
/// use serde_json::json;
///
/// let model = BedrockModel::builder("us.anthropic.claude-sonnet-4-6")
///     .region("us-east-1")
///     .credentials("AKIDEXAMPLE", "wJalrXUtnFEMI")
///     .max_tokens(4096)
///     .additional_request_field("thinking", json!({"type": "enabled", "budget_tokens": 1024}))
///     .build()?;
/// assert!(!format!("{model:?}").contains("wJalr"));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone)]
pub struct BedrockModelBuilder {
    model: String,
    is_default: bool,
    given: Given,
    http: Option<HttpClient>,
    is_streaming: bool,
    inference: Map<String, Value>,
    request_fields: Map<String, Value>,
    response_paths: Vec<String>,
    params: Map<String, Value>,
    guardrail: Option<BedrockGuardrail>,
    caching: Option<BedrockCaching>,
    tool_status: Option<bool>,
    strict_tools: bool,
    native_output: NativeOutput,
    first_data_timeout: Option<Duration>,
    data_timeout: Option<Duration>,
    max_event_bytes: usize,
    context_limit: Option<u64>,
}

impl Default for BedrockModelBuilder {
    /// The [default model](BedrockModel::DEFAULT_MODEL). Building it warns that the default may change.
    fn default() -> Self {
        Self { is_default: true, ..Self::new(BedrockModel::DEFAULT_MODEL.to_owned()) }
    }
}

impl BedrockModelBuilder {
    pub(super) fn new(model: String) -> Self {
        Self {
            model,
            is_default: false,
            given: Given::default(),
            http: None,
            is_streaming: true,
            inference: Map::new(),
            request_fields: Map::new(),
            response_paths: Vec::new(),
            params: Map::new(),
            guardrail: None,
            caching: None,
            tool_status: None,
            strict_tools: false,
            native_output: NativeOutput::No,
            first_data_timeout: None,
            data_timeout: Some(Duration::from_secs(120)),
            max_event_bytes: 16 * 1024 * 1024,
            context_limit: None,
        }
    }

    /// The region. Unless said: that of `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile, or else `us-west-2`.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.given.region = Some(region.into());
        self
    }

    /// The profile of the AWS configuration files that credentials and region are taken from. Unless said: that of
    /// `AWS_PROFILE`, or `default`.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.given.profile = Some(name.into());
        self
    }

    /// The credentials. Unless given, here or as a key: those that all AWS tools find. They are shown nowhere.
    #[must_use]
    pub fn credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Self {
        self.given.access_key_id = Some(access_key_id.into());
        self.given.secret_access_key = Some(secret_access_key.into().into());
        self
    }

    /// The session token of credentials that hold for a while.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.given.session_token = Some(token.into().into());
        self
    }

    /// A Bedrock API key. Unless given: that of `AWS_BEARER_TOKEN_BEDROCK`, if no credentials and no profile are given.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.given.api_key = Some(key.into().into());
        self
    }

    /// What the AWS SDK was configured to in the program: credentials of every kind, a region, an endpoint. What else
    /// is set here wins over it; connections and waiting times are those of this model.
    #[must_use]
    pub fn sdk_config(mut self, config: &SdkConfig) -> Self {
        self.given.sdk_config = Some(config.clone());
        self
    }

    /// Where Bedrock is, in place of its own address: a VPC endpoint, a gateway.
    #[must_use]
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.given.endpoint_url = Some(url.into());
        self
    }

    /// The client whose connections, proxy and certificates this model uses. Unless said: one of its own.
    #[must_use]
    pub fn http_client(mut self, client: &HttpClient) -> Self {
        self.http = Some(client.clone());
        self
    }

    /// Whether the answer is streamed. Unless said it is; a few models can't stream, or not with tools.
    #[must_use]
    pub fn streaming(mut self, streaming: bool) -> Self {
        self.is_streaming = streaming;
        self
    }

    /// The most tokens that an answer may have.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.inference.insert("maxTokens".into(), tokens.into());
        self
    }

    /// How freely the model chooses among tokens.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.inference.insert("temperature".into(), temperature.into());
        self
    }

    /// The share of the likeliest tokens that the model chooses among.
    #[must_use]
    pub fn top_p(mut self, top_p: f64) -> Self {
        self.inference.insert("topP".into(), top_p.into());
        self
    }

    /// Texts at which the answer ends.
    #[must_use]
    pub fn stop_sequences<S: Into<String>>(mut self, texts: impl IntoIterator<Item = S>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
        self.inference.insert("stopSequences".into(), texts.into());
        self
    }

    /// A field that the model itself knows, as its vendor documents it (`additionalModelRequestFields`). Claude's
    /// `thinking` is left out of requests in which a tool is forced: the two exclude each other.
    #[must_use]
    pub fn additional_request_field(
        mut self,
        name: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        self.request_fields.insert(name.into(), value.into());
        self
    }

    /// Paths (JSON pointers) of fields in the model's own answer that are wanted too. They come in
    /// `additionalModelResponseFields` of the last but one chunk.
    #[must_use]
    pub fn additional_response_field_paths<S: Into<String>>(
        mut self,
        paths: impl IntoIterator<Item = S>,
    ) -> Self {
        self.response_paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Any other key of the request's body, as Bedrock documents it (`requestMetadata`, `performanceConfig`).
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.params.insert(name.into(), value.into());
        self
    }

    /// The tier that serves the request (`default`, `priority`, `flex`).
    #[must_use]
    pub fn service_tier(self, tier: impl Into<String>) -> Self {
        self.param("serviceTier", serde_json::json!({"type": tier.into()}))
    }

    /// A guardrail on what is asked and answered.
    #[must_use]
    pub fn guardrail(mut self, guardrail: BedrockGuardrail) -> Self {
        self.guardrail = Some(guardrail);
        self
    }

    /// Places cache points by itself.
    #[must_use]
    pub fn caching(mut self, caching: BedrockCaching) -> Self {
        self.caching = Some(caching);
        self
    }

    /// Whether the model is told if a tool succeeded. Unless said Claude is, since others may refuse it.
    #[must_use]
    pub fn tool_result_status(mut self, tell: bool) -> Self {
        self.tool_status = Some(tell);
        self
    }

    /// Lets Bedrock hold the model to the schemas of the tools' arguments, where the model can be.
    #[must_use]
    pub fn strict_tools(mut self, strict: bool) -> Self {
        self.strict_tools = strict;
        self
    }

    /// How far the model holds to JSON Schemas (`outputConfig`). Unless set it is not asked to, and a value comes
    /// through a tool: which models on Bedrock do changes.
    #[must_use]
    pub fn native_output(mut self, native_output: NativeOutput) -> Self {
        self.native_output = native_output;
        self
    }

    /// How long Bedrock may send nothing of the answer before its first piece. Unless said: as long as between two
    /// pieces.
    #[must_use]
    pub fn first_data_timeout(mut self, limit: Duration) -> Self {
        self.first_data_timeout = Some(limit);
        self
    }

    /// How long Bedrock may send nothing of the answer between any two pieces. Unless said: 2 minutes.
    #[must_use]
    pub fn data_timeout(mut self, limit: Duration) -> Self {
        self.data_timeout = Some(limit);
        self
    }

    /// Waits for the answer, its first piece too, as long as the connection holds.
    #[must_use]
    pub fn no_data_timeout(mut self) -> Self {
        self.first_data_timeout = None;
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

    /// The model. Nothing is looked up yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the model id, the region or the endpoint's URL can't be used, a parameter has a
    /// method of its own, or only a part of the credentials is given.
    pub fn build(mut self) -> Result<BedrockModel, Error> {
        self.check()?;
        if self.is_default {
            tracing::warn!(
                model = self.model,
                "the default model is used, which may change: name one to keep it"
            );
        }
        let given = &mut self.given;
        let is_given =
            given.access_key_id.is_some() || given.profile.is_some() || given.sdk_config.is_some();
        if given.api_key.is_none() && !is_given {
            given.api_key = variable("AWS_BEARER_TOKEN_BEDROCK")?.map(Into::into);
        }
        let mut secrets = Secrets::default();
        for secret in [&given.secret_access_key, &given.session_token, &given.api_key] {
            secret.iter().for_each(|secret| secrets.add(secret.expose_secret()));
        }
        let family = Family::of(&self.model);
        let bedrock = Bedrock {
            id: format!("bedrock:{}", self.model),
            model: self.model,
            family,
            is_streaming: self.is_streaming,
            inference: self.inference,
            request_fields: self.request_fields,
            response_paths: self.response_paths,
            params: self.params,
            guardrail: self.guardrail,
            caching: self.caching,
            tool_status: self.tool_status.unwrap_or(family == Family::Claude),
            strict_tools: self.strict_tools,
            native_output: self.native_output,
            first_data_timeout: self.first_data_timeout.or(self.data_timeout),
            data_timeout: self.data_timeout,
            max_event_bytes: self.max_event_bytes,
            context_limit: self.context_limit,
            secrets,
            access: Access::new(self.given, Wire::new(self.http.unwrap_or_default())),
            cache: Cache::default(),
        };
        Ok(BedrockModel { bedrock: Arc::new(bedrock) })
    }

    fn check(&self) -> Result<(), Error> {
        let invalid = |text: String| Err(Error::new(ErrorKind::InvalidInput, text));
        if self.model.trim().is_empty() {
            let example = BedrockModel::DEFAULT_MODEL;
            return invalid(format!("the model's id is empty: give one such as `{example}`"));
        }
        if let Some(own) = OWN_PARAMS.iter().find(|own| self.params.contains_key(**own)) {
            return invalid(format!(
                "the parameter `{own}` can't be set: it is made from the conversation and the builder's methods"
            ));
        }
        if let Some(region) = &self.given.region {
            let is_region = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if region.is_empty() || !region.chars().all(is_region) {
                return invalid(format!(
                    "`{region}` is no AWS region: give one such as `us-west-2`"
                ));
            }
        }
        if let Some(url) = &self.given.endpoint_url
            && !reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            // What stands before an `@` may be a password.
            let url = url.rsplit('@').next().unwrap_or_default();
            return invalid(format!(
                "`{url}` is no URL of an endpoint: it must begin with http:// or https://"
            ));
        }
        if self.given.session_token.is_some() && self.given.access_key_id.is_none() {
            return invalid("a session token was given without credentials: give both".to_owned());
        }
        Ok(())
    }
}

impl fmt::Debug for BedrockModelBuilder {
    /// Tells whether there are secrets, never what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BedrockModelBuilder")
            .field("model", &self.model)
            .field("given", &self.given)
            .field("inference", &self.inference)
            .field("request_fields", &self.request_fields)
            .field("params", &self.params)
            .field("guardrail", &self.guardrail)
            .field("caching", &self.caching)
            .finish_non_exhaustive()
    }
}
