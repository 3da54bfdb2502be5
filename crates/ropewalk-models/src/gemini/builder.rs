//! How a Gemini model is set up.

use std::sync::Arc;

use reqwest::Url;
use ropewalk_core::{Error, NativeOutput};
use serde_json::{Map, Value, json};

use super::GeminiModel;
use super::dialect::Gemini;
use super::service::{GEMINI, GOOGLE_KEY};
use crate::http::{Options, http_options, variable};
use crate::render::Cache;

/// What stands in a request's body by itself. Every other parameter is one of `generationConfig`.
const OF_BODY: [&str; 6] =
    ["cachedContent", "labels", "safetySettings", "serviceTier", "store", "toolConfig"];

/// How a [`GeminiModel`](super::GeminiModel) is set up.
///
/// A parameter is a setting of the generation (`topK`, `seed`, `thinkingConfig`), unless the interface has it in the
/// body itself (`safetySettings`, `cachedContent`, `toolConfig` …). Its name may be written as Google's Python
/// library has it (`top_k`).
///
/// ```
/// use ropewalk_models::GeminiModel;
/// use serde_json::json;
///
/// let model = GeminiModel::builder("gemini-2.5-flash")
///     .api_key("AIza-something")
///     .temperature(0.2)
///     .max_tokens(800)
///     .param("thinkingConfig", json!({"thinkingBudget": 512, "includeThoughts": true}))
///     .built_in_tool("googleSearch", json!({}))
///     .build()?;
/// assert!(!format!("{model:?}").contains("AIza-something"));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GeminiModelBuilder {
    options: Options,
    built_in: Vec<String>,
    native_output: Option<NativeOutput>,
}

impl GeminiModelBuilder {
    pub(super) fn new(model: String) -> Self {
        Self::with(Options::new(model))
    }

    /// A builder with the key in `GEMINI_API_KEY`, or else in `GOOGLE_API_KEY`, and the server in
    /// `GOOGLE_GEMINI_BASE_URL`, for what [`GeminiModel::from_env`](super::GeminiModel::from_env) leaves as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if none of them is set.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        let model = model.into();
        if variable(GEMINI.key_variable)?.is_none()
            && let Some(key) = variable(GOOGLE_KEY)?
        {
            return Ok(Self::new(model).api_key(key));
        }
        Ok(Self::with(Options::from_env(model, &GEMINI)?))
    }

    fn with(options: Options) -> Self {
        Self { options, built_in: Vec::new(), native_output: None }
    }

    http_options!();

    /// How freely the model chooses among tokens.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        self.param("temperature", temperature)
    }

    /// The most tokens that an answer may have; thoughts count too.
    #[must_use]
    pub fn max_tokens(self, tokens: u64) -> Self {
        self.param("maxOutputTokens", tokens)
    }

    /// A tool that runs at Google, with its settings: `googleSearch`, `codeExecution`, `urlContext`, `googleMaps`,
    /// `fileSearch`. Gemini 2.5 takes none beside the agent's own tools; later ones do with
    /// `.param("toolConfig", json!({"includeServerSideToolInvocations": true}))`.
    #[must_use]
    pub fn built_in_tool(mut self, name: impl Into<String>, settings: Value) -> Self {
        self.built_in.push(json!({name.into(): settings}).to_string());
        self
    }

    /// How far the model holds to JSON Schemas (`responseJsonSchema`). Unless set: the third generation and later
    /// ones do, beside tools too, earlier ones where there are none
    /// ([`NativeOutput::WithoutTools`]), and models that are no Gemini don't.
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
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if Google's own server is meant and
    /// there is no key; [`ErrorKind::Unavailable`](ropewalk_core::ErrorKind::Unavailable) if the system has no
    /// certificates.
    pub fn build(self) -> Result<GeminiModel, Error> {
        let mut options = self.options;
        if let Some(model) = options.model.strip_prefix("models/") {
            options.model = model.to_owned();
        }
        let given = match options.base_url.take() {
            Some(url) => Some(url),
            None => variable(GEMINI.url_variable)?,
        };
        options.base_url = given.map(with_version);
        let call = format!("{}:streamGenerateContent", options.model);
        // Models that somebody tuned are not under `models`.
        let path: Vec<&str> = match call.contains('/') {
            true => call.split('/').collect(),
            false => vec!["models", &call],
        };
        let mut endpoint = options.endpoint(&GEMINI, &path)?;
        endpoint.url.query_pairs_mut().append_pair("alt", "sse");
        // The list of models is all on its first page then.
        endpoint.base.query_pairs_mut().append_pair("pageSize", "1000");
        let (params, settings) = sorted(std::mem::take(&mut endpoint.params));
        endpoint.params = params;
        let generation = generation(&endpoint.model);
        let by_itself = match generation {
            None => NativeOutput::No,
            Some(Generation::Earlier) => NativeOutput::WithoutTools,
            Some(Generation::Third) => NativeOutput::WithTools,
        };
        let gemini = Gemini {
            settings,
            built_in: self.built_in,
            is_third: generation == Some(Generation::Third),
            native_output: self.native_output.unwrap_or(by_itself),
            cache: Cache::default(),
            endpoint,
        };
        Ok(GeminiModel { gemini: Arc::new(gemini) })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generation {
    Earlier,
    /// Or a later one.
    Third,
}

/// Of which generation a model is; none if it is no Gemini.
fn generation(model: &str) -> Option<Generation> {
    let version = model.strip_prefix("gemini-")?;
    Some(match version.starts_with("1.") || version.starts_with("2.") {
        true => Generation::Earlier,
        false => Generation::Third,
    })
}

/// Google's libraries take the base URL without the version of the interface, so people have it like that.
fn with_version(text: String) -> String {
    match Url::parse(text.trim()) {
        Ok(mut url) if url.path() == "/" => {
            url.set_path("/v1beta");
            url.into()
        }
        _ => text,
    }
}

/// What was set, by where it belongs: the body itself, and `generationConfig`.
fn sorted(params: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut body, mut settings) = (Map::new(), Map::new());
    for (name, value) in params {
        match (camel(&name), value) {
            (name, Value::Object(all)) if name == "generationConfig" => {
                settings.extend(all.into_iter().map(|(name, value)| (camel(&name), value)));
            }
            (name, value) if OF_BODY.contains(&name.as_str()) => {
                body.insert(name, value);
            }
            (name, value) => {
                settings.insert(name, value);
            }
        }
    }
    (body, settings)
}

/// `top_k` as `topK`: the interface takes both, and only one of them at a time.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut is_start = false;
    for character in name.chars() {
        match character {
            '_' => is_start = !camel.is_empty(),
            other if std::mem::take(&mut is_start) => camel.push(other.to_ascii_uppercase()),
            other => camel.push(other),
        }
    }
    camel
}
