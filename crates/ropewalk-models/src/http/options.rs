//! What all builders of models over HTTP share, and how it is checked.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ropewalk_core::{Error, ErrorKind};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::service::{KeyHeader, Service};
use super::{Endpoint, shown};
use super::{HttpClient, Secrets};

/// What is set of a model over HTTP, whatever its provider.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) api_key: Option<SecretString>,
    pub(crate) base_url: Option<String>,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) params: Map<String, Value>,
    pub(crate) client: Option<HttpClient>,
    /// As `data_timeout` unless set.
    pub(crate) first_data_timeout: Option<Duration>,
    pub(crate) data_timeout: Option<Duration>,
    pub(crate) max_event_bytes: usize,
    pub(crate) context_limit: Option<u64>,
}

impl Options {
    pub(crate) fn new(model: String) -> Self {
        Self {
            model,
            api_key: None,
            base_url: None,
            headers: Vec::new(),
            params: Map::new(),
            client: None,
            first_data_timeout: None,
            data_timeout: Some(Duration::from_secs(300)),
            max_event_bytes: 16 * 1024 * 1024,
            context_limit: None,
        }
    }

    /// With the key and the base URL of the environment.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] if there is neither, and the provider's own server needs a key.
    pub(crate) fn from_env(model: String, service: &Service) -> Result<Self, Error> {
        let mut options = Self::new(model);
        options.api_key = variable(service.key_variable)?.map(SecretString::from);
        options.base_url = variable(service.url_variable)?;
        if service.needs_key && options.api_key.is_none() && options.base_url.is_none() {
            let Service { name, key_variable, url_variable, .. } = service;
            return Err(Error::new(
                ErrorKind::Authentication,
                format!(
                    "{key_variable} is not set: set it to your {name} key, or set {url_variable} to a \
                     server with the same interface that needs none (such as http://127.0.0.1:8080/v1)"
                ),
            ));
        }
        Ok(options)
    }

    /// Checks everything. Requests are posted to `path` behind the base URL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the model's id is empty or the base URL, a header or a parameter can't be
    /// used; [`ErrorKind::Authentication`] if there is no key for a server that needs one.
    pub(crate) fn endpoint(
        self,
        service: &'static Service,
        path: &[&str],
    ) -> Result<Endpoint, Error> {
        let invalid = |text: String| Error::new(ErrorKind::InvalidInput, text);
        if self.model.trim().is_empty() {
            let example = service.example;
            return Err(invalid(format!("the model's id is empty: give one such as `{example}`")));
        }
        if let Some(own) = service.own_params.iter().find(|own| self.params.contains_key(**own)) {
            return Err(invalid(format!(
                "the parameter `{own}` can't be set: it is made from the conversation"
            )));
        }
        let given = match &self.base_url {
            Some(url) => Some(url.clone()),
            None => variable(service.url_variable)?,
        };
        let base = base_url(given.as_deref().unwrap_or(service.base_url), service)?;
        let mut url = base.clone();
        let key = self.api_key.as_ref().map(|key| key.expose_secret().trim());
        let key = key.filter(|key| !key.is_empty());
        let is_official = Url::parse(service.base_url).is_ok_and(|own| own.host() == url.host());
        if key.is_none() && service.needs_key && is_official && !self.has_own_key() {
            let Service { name, key_variable, .. } = service;
            return Err(Error::new(
                ErrorKind::Authentication,
                format!(
                    "{name} asks for a key: give one, or set {key_variable}, or give the base URL of another server"
                ),
            ));
        }
        let (headers, secrets) = self.headers(&url, key, service)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let connections = self.client.unwrap_or_default().connections(&url)?;
        Ok(Endpoint {
            service,
            id: format!("{}:{}", service.prefix, self.model),
            model: self.model,
            base,
            url,
            headers,
            secrets,
            params: self.params,
            first_data_timeout: self.first_data_timeout.or(self.data_timeout),
            data_timeout: self.data_timeout,
            max_event_bytes: self.max_event_bytes,
            context_limit: self.context_limit,
            missing_model: ", or the key may not use it: check the model's id".to_owned(),
            connections,
        })
    }

    fn has_own_key(&self) -> bool {
        self.headers.iter().any(|(name, _)| is_secret(&name.to_ascii_lowercase()))
    }

    fn headers(
        &self,
        url: &Url,
        key: Option<&str>,
        service: &Service,
    ) -> Result<(HeaderMap, Secrets), Error> {
        let invalid = |text: String| Error::new(ErrorKind::InvalidInput, text);
        let mut secrets = Secrets::default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = key {
            secrets.add(key);
            let (name, text) = match service.key {
                KeyHeader::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
                KeyHeader::Named(name) => (HeaderName::from_static(name), key.to_owned()),
            };
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                invalid(
                    "the API key holds characters that can't stand in a header: was more copied than \
                     the key?"
                        .into(),
                )
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        // A name and password in the URL are sent by the HTTP client.
        secrets.add(url.password().unwrap_or_default());
        for (name, text) in &self.headers {
            let bad = |what: &str| invalid(format!("the header `{name}` can't be sent: {what}"));
            let header: HeaderName = name.parse().map_err(|_| bad("its name is no header name"))?;
            let text = text.expose_secret();
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| bad("its value holds characters that can't stand in a header"))?;
            value.set_sensitive(true);
            if is_secret(header.as_str()) {
                secrets.add(text.trim_start_matches("Bearer ").trim());
            }
            headers.insert(header, value);
        }
        Ok((headers, secrets))
    }
}

impl fmt::Debug for Options {
    /// Tells whether there is a key, never what it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = |url: &String| match Url::parse(url.trim()) {
            Ok(url) => shown(&url),
            Err(_) => "[no URL]".to_owned(),
        };
        f.debug_struct("Options")
            .field("model", &self.model)
            .field("api_key", &self.api_key.as_ref().map(|_| "[key]"))
            .field("base_url", &self.base_url.as_ref().map(url))
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// What an environment variable holds; one that is set to nothing counts as not set.
///
/// # Errors
/// It holds bytes that are no text.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::new(ErrorKind::InvalidInput, format!("{name} holds bytes that are no text")))
        }
    }
}

fn base_url(text: &str, service: &Service) -> Result<Url, Error> {
    let refuse = |why: &str| {
        // What stands before an `@` may be a password.
        let text = text.rsplit('@').next().unwrap_or_default();
        let own = service.base_url;
        Error::new(
            ErrorKind::InvalidInput,
            format!(
                "`{text}` is no base URL ({why}): give one such as {own} or http://127.0.0.1:8080/v1"
            ),
        )
    };
    let mut url = Url::parse(text.trim()).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it must begin with http:// or https://"));
    }
    // People copy the whole address out of a provider's example.
    let path = url.path().trim_end_matches('/');
    let stripped = service.tails.iter().find_map(|tail| path.strip_suffix(tail));
    if let Some(path) = stripped.map(str::to_owned) {
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether a header of this name may hold a key.
fn is_secret(name: &str) -> bool {
    ["auth", "key", "token", "secret", "cookie"].iter().any(|part| name.contains(part))
}

/// The methods that builders of models over HTTP have in common. The builder has its [`Options`] in `options`.
macro_rules! http_options {
    () => {
        /// The key, as the provider gave it. It is shown nowhere: not in debug output, not in errors.
        #[must_use]
        pub fn api_key(mut self, key: impl Into<String>) -> Self {
            self.options.api_key = Some(key.into().into());
            self
        }

        /// Where the interface is, without the path of the single call. Unless said: what the provider's
        /// environment variable for it holds, or else the provider's own server. A query (`?api-version=…`)
        /// is kept.
        #[must_use]
        pub fn base_url(mut self, url: impl Into<String>) -> Self {
            self.options.base_url = Some(url.into());
            self
        }

        /// A header that is sent with each request. Its value is shown nowhere.
        #[must_use]
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.options.headers.push((name.into(), value.into().into()));
            self
        }

        /// Any other key of the request's body, as the provider documents it.
        #[must_use]
        pub fn param(
            mut self,
            name: impl Into<String>,
            value: impl Into<serde_json::Value>,
        ) -> Self {
            self.options.params.insert(name.into(), value.into());
            self
        }

        /// Several keys of the request's body.
        #[must_use]
        pub fn params(mut self, params: serde_json::Map<String, serde_json::Value>) -> Self {
            self.options.params.extend(params);
            self
        }

        /// The client whose connections, proxy and certificates this model uses. Unless said: one of its own,
        /// with the defaults of [`HttpClient`](crate::HttpClient).
        #[must_use]
        pub fn http_client(mut self, client: &crate::HttpClient) -> Self {
            self.options.client = Some(client.clone());
            self
        }

        /// How long the server may send nothing of the answer before its first piece. Unless said: as long as between
        /// two pieces.
        #[must_use]
        pub fn first_data_timeout(mut self, limit: std::time::Duration) -> Self {
            self.options.first_data_timeout = Some(limit);
            self
        }

        /// How long the server may send nothing of the answer between any two pieces. Keep-alive comments do not
        /// count as something. Unless said: 5 minutes.
        #[must_use]
        pub fn data_timeout(mut self, limit: std::time::Duration) -> Self {
            self.options.data_timeout = Some(limit);
            self
        }

        /// Waits for the answer, its first piece too, as long as the connection holds.
        #[must_use]
        pub fn no_data_timeout(mut self) -> Self {
            self.options.first_data_timeout = None;
            self.options.data_timeout = None;
            self
        }

        /// The longest event of the stream, or answer in one piece, that is taken. Unless said: 16 MiB.
        #[must_use]
        pub fn max_event_bytes(mut self, limit: usize) -> Self {
            self.options.max_event_bytes = limit;
            self
        }

        /// How many tokens the model's window holds; what
        /// [`Model::context_limit`](ropewalk_core::Model::context_limit) tells.
        #[must_use]
        pub fn context_limit(mut self, tokens: u64) -> Self {
            self.options.context_limit = Some(tokens);
            self
        }
    };
}
pub(crate) use http_options;
