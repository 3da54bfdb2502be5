//! From what was set to a model: everything is checked here, before anything is sent.

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ropewalk_core::{Error, ErrorKind, NativeOutput};

use super::OpenAiChat;
use super::builder::{KEY_VARIABLE, OpenAiChatBuilder, URL_VARIABLE};
use super::config::Config;
use crate::http::{Secrets, client, shown};

const OFFICIAL: &str = "https://api.openai.com/v1";

/// What the adapter itself writes into the body.
const OWN_PARAMS: [&str; 5] = ["model", "messages", "tools", "tool_choice", "stream_options"];

impl OpenAiChatBuilder {
    /// The model.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the model id is empty or the base URL, a header or a
    /// parameter can't be used; [`ErrorKind::Authentication`] if OpenAI's own server is meant and
    /// there is no key; [`ErrorKind::Unavailable`] if the system has no certificates.
    pub fn build(self) -> Result<OpenAiChat, Error> {
        let invalid = |text: String| Error::new(ErrorKind::InvalidInput, text);
        if self.model.trim().is_empty() {
            return Err(invalid("the model's id is empty: give one such as `gpt-4o-mini`".into()));
        }
        if let Some(own) = OWN_PARAMS.into_iter().find(|own| self.params.contains_key(*own)) {
            return Err(invalid(format!(
                "the parameter `{own}` can't be set: it is made from the conversation"
            )));
        }
        let given = match self.base_url {
            Some(url) => Some(url),
            None => variable(URL_VARIABLE)?,
        };
        let mut endpoint = base_url(given.as_deref().unwrap_or(OFFICIAL))?;
        let host = endpoint.host_str().unwrap_or_default().to_owned();
        let key = self.api_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
        if key.is_none() && host == "api.openai.com" && !has_own_key(&self.headers) {
            return Err(Error::new(
                ErrorKind::Authentication,
                format!(
                    "OpenAI asks for a key: give one, or set {KEY_VARIABLE}, or give the base URL of another server"
                ),
            ));
        }
        let (headers, secrets) = headers(&endpoint, key, &self.headers)?;
        if let Ok(mut path) = endpoint.path_segments_mut() {
            path.pop_if_empty().extend(["chat", "completions"]);
        }
        let mut params = self.params;
        let official = host == "api.openai.com" || host.ends_with(".openai.azure.com");
        let most_tokens = if official { "max_completion_tokens" } else { "max_tokens" };
        if let Some(tokens) = self.max_tokens {
            params.entry(most_tokens).or_insert_with(|| tokens.into());
        }
        let reasoning_field = self.reasoning_field.unwrap_or_else(|| {
            is_at(&host, "deepseek.com").then(|| "reasoning_content".to_owned())
        });
        let native_output = self.native_output.unwrap_or_else(|| native_output(&host, &self.model));
        let config = Config {
            id: format!("openai:{}", self.model),
            model: self.model,
            shown: shown(&endpoint),
            headers,
            secrets,
            params,
            most_tokens,
            reasoning_field,
            stream_usage: self.stream_usage.unwrap_or(!is_at(&host, "mistral.ai")),
            native_output,
            data_timeout: self.data_timeout,
            max_event_bytes: self.max_event_bytes,
            context_limit: self.context_limit,
            endpoint,
        };
        let client = client(&config.endpoint, self.connect_timeout)?;
        Ok(OpenAiChat { config: Arc::new(config), client })
    }
}

/// What an environment variable holds; one that is set to nothing counts as not set.
pub(super) fn variable(name: &str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::new(ErrorKind::InvalidInput, format!("{name} holds bytes that are no text")))
        }
    }
}

pub(super) fn base_url(text: &str) -> Result<Url, Error> {
    let refuse = |why: &str| {
        // What stands before an `@` may be a password.
        let text = text.rsplit('@').next().unwrap_or_default();
        Error::new(
            ErrorKind::InvalidInput,
            format!(
                "`{text}` is no base URL ({why}): give one such as {OFFICIAL} or http://127.0.0.1:8080/v1"
            ),
        )
    };
    let mut url = Url::parse(text.trim()).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it must begin with http:// or https://"));
    }
    // People copy the whole address out of a provider's example.
    if let Some(path) = url.path().trim_end_matches('/').strip_suffix("/chat/completions") {
        let path = path.to_owned();
        url.set_path(&path);
    }
    Ok(url)
}

fn has_own_key(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, _)| is_secret(&name.to_ascii_lowercase()))
}

/// Whether a header of this name may hold a key.
fn is_secret(name: &str) -> bool {
    ["auth", "key", "token", "secret", "cookie"].iter().any(|part| name.contains(part))
}

fn headers(
    url: &Url,
    key: Option<&str>,
    given: &[(String, String)],
) -> Result<(HeaderMap, Secrets), Error> {
    let invalid = |text: String| Error::new(ErrorKind::InvalidInput, text);
    let mut secrets = Secrets::default();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = key {
        secrets.add(key);
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
            invalid(
                "the API key holds characters that can't stand in a header: was more copied than \
                 the key?"
                    .into(),
            )
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    // A name and password in the URL are sent by the HTTP client.
    secrets.add(url.password().unwrap_or_default());
    for (name, text) in given {
        let bad = |what: &str| invalid(format!("the header `{name}` can't be sent: {what}"));
        let header: HeaderName = name.parse().map_err(|_| bad("its name is no header name"))?;
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| bad("its value holds characters that can't stand in a header"))?;
        if is_secret(header.as_str()) {
            value.set_sensitive(true);
            secrets.add(text.trim_start_matches("Bearer ").trim());
        }
        headers.insert(header, value);
    }
    Ok((headers, secrets))
}

/// How far a server holds to JSON Schemas: OpenAI's own does with all models but those that came before.
fn native_output(host: &str, model: &str) -> NativeOutput {
    const EARLIER: [&str; 6] =
        ["gpt-3.5", "gpt-4-", "gpt-4o-2024-05-13", "o1-mini", "o1-preview", "chatgpt-"];
    let is_earlier = model == "gpt-4" || EARLIER.iter().any(|earlier| model.starts_with(earlier));
    if host == "api.openai.com" && !is_earlier { NativeOutput::WithTools } else { NativeOutput::No }
}

/// Whether the host is this domain or lies in it.
fn is_at(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
