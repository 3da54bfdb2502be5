//! What a server says when it refuses or fails, and what kind of error that is.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use ropewalk_core::{Error, ErrorKind};
use serde_json::Value;

use super::Endpoint;
use super::retry_after::retry_after;

/// The longest piece of a server's words that goes into an error.
const EXCERPT: usize = 600;

/// What servers say when the conversation is too long for the model, in lower case.
const OVERFLOW: [&str; 17] = [
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "context length",
    "available context size",
    "context size exceeded",
    "exceeds context",
    "context window",
    "maximum prompt length",
    "prompt is too long",
    "input is too long",
    "input too long",
    "maximum number of tokens",
    "too many input tokens",
    "reduce the length of the messages",
    "`inputs` tokens + `max_new_tokens`",
    "kv cache",
];

/// A provider's own names for what goes wrong, in lower case, beside those that all use: parts of codes and types, and,
/// for `overflow`, of messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kinds {
    pub(crate) throttled: &'static [&'static str],
    pub(crate) overflow: &'static [&'static str],
    pub(crate) unavailable: &'static [&'static str],
    pub(crate) timeout: &'static [&'static str],
    pub(crate) authentication: &'static [&'static str],
}

impl Kinds {
    /// None beside those that all use.
    pub(crate) const COMMON: Self =
        Self { throttled: &[], overflow: &[], unavailable: &[], timeout: &[], authentication: &[] };
}

/// A server's report of a failure: its words and codes.
#[derive(Debug, Default)]
pub(crate) struct Fault {
    message: String,
    code: String,
    kind: String,
    /// The HTTP status that stands in the report, where one does.
    status: Option<u16>,
    /// What Google says in the details: why, in a word, where the type says less.
    reason: String,
    /// And how long to wait.
    wait: Option<Duration>,
}

impl Fault {
    /// Reads the body of an answer with a bad status.
    pub(crate) fn of_text(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::of_body(value),
            Err(_) => Self { message: plain(body), ..Self::default() },
        }
    }

    /// Reads a whole report: `{"error": …}`, or (Mistral, vLLM, FastAPI) the fields themselves.
    pub(crate) fn of_body(mut body: Value) -> Self {
        // Some gateways send a list of one.
        if let Value::Array(items) = &mut body
            && let Some(first) = items.first_mut()
        {
            body = first.take();
        }
        match body.get_mut("error").map(Value::take) {
            Some(error) if !error.is_null() => Self::of_error(error),
            _ => Self::of_error(body),
        }
    }

    /// Reads what stands under `error`.
    pub(crate) fn of_error(error: Value) -> Self {
        if let Value::String(message) = error {
            return Self { message, ..Self::default() };
        }
        let text = |key: &str| match error.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let mut message = text("message");
        if message.is_empty() {
            message = match error.get("detail").or_else(|| error.get("message")) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => error.to_string(),
                Some(other) => other.to_string(),
            };
        }
        // A router's own words say little; those of the provider behind it are here.
        if let Some(raw) = error.pointer("/metadata/raw").and_then(Value::as_str) {
            message = format!("{message}: {raw}");
        }
        let code = text("code");
        let status = code.parse().ok().filter(|status| (400..600).contains(status));
        // Google calls the type a status.
        let kind = [text("type"), text("status")].into_iter().find(|kind| !kind.is_empty());
        let details = error.get("details").and_then(Value::as_array).map(Vec::as_slice);
        let detail = |key: &str| details?.iter().find_map(|detail| detail.get(key)?.as_str());
        Self {
            message,
            code,
            kind: kind.unwrap_or_default(),
            status,
            reason: detail("reason").unwrap_or_default().to_owned(),
            wait: detail("retryDelay").and_then(seconds),
        }
    }

    /// The error of an answer with a bad status.
    pub(crate) fn with_status(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        endpoint: &Endpoint,
    ) -> Error {
        if status.is_redirection() {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            let text = endpoint.secrets.hide(format!(
                "{}: {} answered with a redirect to {} (HTTP {}): set the base URL to where the \
                 interface really is",
                endpoint.id,
                endpoint.shown(),
                to.split(['?', '#']).next().unwrap_or_default(),
                status.as_u16()
            ));
            return Error::new(ErrorKind::InvalidRequest, text);
        }
        let wait = retry_after(headers, SystemTime::now());
        self.error(Some(status.as_u16()), wait, endpoint)
    }

    /// The error of a failure that is reported in an answer which had begun well.
    pub(crate) fn in_stream(self, endpoint: &Endpoint) -> Error {
        let status = self.status;
        self.error(status, None, endpoint)
    }

    fn error(self, status: Option<u16>, wait: Option<Duration>, endpoint: &Endpoint) -> Error {
        let kind = self.kind(status, endpoint);
        // Hidden before it is cut: a cut inside the key would leave half of it.
        let message = excerpt(&endpoint.secrets.hide(self.message.clone()));
        let said = match (message.is_empty(), self.code.is_empty()) {
            (true, true) => "the server gave no reason".to_owned(),
            (true, false) => self.code.clone(),
            (false, true) => message,
            (false, false) if self.status.is_some() => message,
            (false, false) => format!("{message} ({})", self.code),
        };
        let status_text = status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        let what = self.what(kind, status, endpoint);
        let text = format!("{}: {what}{status_text}: {said}", endpoint.id);
        let error = Error::new(kind, endpoint.secrets.hide(text));
        match wait.or(self.wait) {
            Some(wait) if error.is_retryable() => error.with_retry_after(wait),
            _ => error,
        }
    }

    /// What happened, and what to do about it.
    fn what(&self, kind: ErrorKind, status: Option<u16>, endpoint: &Endpoint) -> String {
        match kind {
            ErrorKind::Authentication => {
                format!("{} refuses the API key: check it and what it may use", endpoint.shown())
            }
            ErrorKind::ContextOverflow => "the conversation is too long for the model".to_owned(),
            ErrorKind::Throttled => "the provider asks to slow down".to_owned(),
            ErrorKind::Timeout => "the provider took too long".to_owned(),
            ErrorKind::Unavailable => "the provider failed on its side".to_owned(),
            _ if self.is_quota(status) => {
                "the account's credit or quota is used up, waiting does not help: top it up or \
                 use another key"
                    .to_owned()
            }
            _ if self.is_model(status) => format!(
                "{} has no model `{}`{}",
                endpoint.shown(),
                endpoint.model,
                endpoint.missing_model
            ),
            _ if status == Some(404) => {
                format!("there is nothing at {}: check the base URL", endpoint.shown())
            }
            _ => "the provider refuses the request".to_owned(),
        }
    }

    fn kind(&self, status: Option<u16>, endpoint: &Endpoint) -> ErrorKind {
        let kinds = &endpoint.service.kinds;
        match status {
            // Not a matter of credentials nor of waiting: the account has to be topped up. Kept
            // apart from `Throttled` so that nobody retries it.
            _ if self.is_quota(status) => ErrorKind::InvalidRequest,
            Some(401 | 403) => ErrorKind::Authentication,
            Some(400) if self.is_called(kinds.authentication) => ErrorKind::Authentication,
            // More than a whole minute's allowance in one request: it never fits, however long one
            // waits, and a shorter conversation does.
            Some(429) if self.says(&["request too large"]) => ErrorKind::ContextOverflow,
            Some(429) => ErrorKind::Throttled,
            Some(404) => ErrorKind::InvalidRequest,
            _ if self.says(&OVERFLOW) || self.says(kinds.overflow) => ErrorKind::ContextOverflow,
            _ if self.is_called(kinds.throttled) => ErrorKind::Throttled,
            Some(413) => ErrorKind::ContextOverflow,
            Some(408) => ErrorKind::Timeout,
            Some(425 | 500..=599) => ErrorKind::Unavailable,
            Some(_) => ErrorKind::InvalidRequest,
            None => self.kind_by_name(kinds),
        }
    }

    /// A report without a status: in a stream. A server that had accepted the request and then
    /// failed has failed on its side, unless it says otherwise.
    fn kind_by_name(&self, kinds: &Kinds) -> ErrorKind {
        let is = |common: &[&str], own: &[&str]| self.is_called(common) || self.is_called(own);
        if is(&["rate_limit", "too_many_requests", "throttl"], kinds.throttled) {
            ErrorKind::Throttled
        } else if is(&["authentication", "invalid_api_key", "permission"], kinds.authentication) {
            ErrorKind::Authentication
        } else if self.is_called(kinds.unavailable) {
            ErrorKind::Unavailable
        } else if is(&["invalid_request", "bad_request", "badrequest", "not_found"], &[]) {
            ErrorKind::InvalidRequest
        } else if is(&["timeout"], kinds.timeout) {
            ErrorKind::Timeout
        } else {
            ErrorKind::Unavailable
        }
    }

    fn is_quota(&self, status: Option<u16>) -> bool {
        status == Some(402)
            || [&self.code, &self.kind].into_iter().any(|name| {
                matches!(
                    name.as_str(),
                    "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active"
                )
            })
    }

    fn is_model(&self, status: Option<u16>) -> bool {
        self.code == "model_not_found"
            || self.kind == "invalid_model"
            || (status == Some(404) && self.says(&["model"]))
    }

    /// Whether the report's type, code or reason has one of these in its name.
    fn is_called(&self, parts: &[&str]) -> bool {
        let names = format!("{} {} {}", self.kind, self.code, self.reason).to_ascii_lowercase();
        parts.iter().any(|part| names.contains(part))
    }

    /// Whether the report has one of these in its words, type or code.
    pub(crate) fn says(&self, parts: &[&str]) -> bool {
        let words = format!("{} {} {}", self.message, self.code, self.kind).to_ascii_lowercase();
        parts.iter().any(|part| words.contains(part))
    }
}

/// The error of an answer that can't be understood.
pub(crate) fn malformed(problem: impl std::fmt::Display, text: &str, endpoint: &Endpoint) -> Error {
    // The problem may quote the text, and with it the key; hidden before it is cut.
    let text = excerpt(&endpoint.secrets.hide(text.to_owned()));
    endpoint.error(ErrorKind::Malformed, format_args!("{problem}: `{text}`"))
}

/// A time as Google writes it: `12s`, `0.5s`.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

/// The error of an answer in one piece that holds none.
pub(crate) fn no_answer(body: &str, endpoint: &Endpoint) -> Error {
    let shown = endpoint.shown();
    malformed(
        format_args!("{shown} sent JSON without an answer: check the base URL"),
        body,
        endpoint,
    )
}

/// The beginning of a text, with its length told if it is cut.
pub(crate) fn excerpt(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => {
            format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len())
        }
        None => text.to_owned(),
    }
}

/// Whether a text, in lower case, says that the conversation is too long for the model.
#[cfg(feature = "bedrock")]
pub(crate) fn says_overflow(text: &str) -> bool {
    OVERFLOW.iter().any(|part| text.contains(part))
}

/// A page of HTML without its tags: what a proxy or a gateway sends.
fn plain(body: &str) -> String {
    if !body.trim_start().starts_with('<') {
        return body.to_owned();
    }
    let mut text = String::new();
    let mut in_tag = false;
    for character in body.chars() {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(character),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
