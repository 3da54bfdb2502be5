//! Where requests go, checked.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;
use ropewalk_core::{Error, ErrorKind};
use serde_json::{Map, Value};

use super::client::Connections;
use super::{Secrets, Service};

/// Where a model's requests go, checked: all that its calls need to know of the connection.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) service: &'static Service,
    /// The model, as the provider names it.
    pub(crate) model: String,
    /// The model, as the user names it: the provider, a colon, and its id there.
    pub(crate) id: String,
    /// Where the interface is.
    pub(crate) base: Url,
    /// Where requests are posted to.
    pub(crate) url: Url,
    /// Sent with each request; the key is among them.
    pub(crate) headers: HeaderMap,
    /// The key and its like.
    pub(crate) secrets: Secrets,
    /// What the user wants in the body of each request.
    pub(crate) params: Map<String, Value>,
    /// How long the server may be silent before the first piece of an answer.
    pub(crate) first_data_timeout: Option<Duration>,
    /// How long it may be silent between two pieces.
    pub(crate) data_timeout: Option<Duration>,
    /// The longest event, or unstreamed answer, that is taken.
    pub(crate) max_event_bytes: usize,
    /// Tokens that the model's window holds.
    pub(crate) context_limit: Option<u64>,
    /// What an error adds that says that the server has no such model.
    pub(crate) missing_model: String,
    pub(crate) connections: Connections,
}

impl Endpoint {
    /// The server's host.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether the server is this domain or lies in it.
    pub(crate) fn is_at(&self, domain: &str) -> bool {
        let rest = self.host().strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The URL as errors may show it.
    pub(crate) fn shown(&self) -> String {
        shown(&self.url)
    }

    /// The error of an answer that ended before its end. `begun` is whether anything of it came.
    pub(crate) fn broke_off(&self, begun: bool) -> Error {
        let what = match begun {
            true => "the answer broke off: the server ended the stream without a reason to stop",
            false => "the server ended the stream without an answer",
        };
        self.error(ErrorKind::Unavailable, format_args!("{what} ({})", self.shown()))
    }

    /// An error that names the model.
    pub(crate) fn error(&self, kind: ErrorKind, text: impl fmt::Display) -> Error {
        Error::new(kind, self.secrets.hide(format!("{}: {text}", self.id)))
    }
}

impl fmt::Debug for Endpoint {
    /// Names the headers only: what is in them may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("url", &self.shown())
            .field("headers", &self.headers.keys().map(|name| name.as_str()).collect::<Vec<_>>())
            .field("params", &self.params)
            .field("first_data_timeout", &self.first_data_timeout)
            .field("data_timeout", &self.data_timeout)
            .field("max_event_bytes", &self.max_event_bytes)
            .field("context_limit", &self.context_limit)
            .finish_non_exhaustive()
    }
}

/// The URL as errors may show it: without name, password, query and fragment, where keys may stand.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
