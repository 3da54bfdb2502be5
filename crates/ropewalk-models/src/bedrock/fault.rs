//! What Bedrock says when it refuses or fails, and what kind of error that is.

use std::error::Error as StdError;
use std::time::SystemTime;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use ropewalk_core::{Error, ErrorKind};
use serde_json::Value;

use super::settings::Bedrock;
use crate::http::{excerpt, retry_after, says_overflow};

/// What Bedrock says when the conversation is too long, in lower case, beside what all say.
const OVERFLOW: [&str; 3] = [
    "input is too long for requested model",
    "input length and `max_tokens` exceed context limit",
    "too many total text bytes",
];

/// How people set credentials.
const HOW_TO_SET: &str = "set AWS_BEARER_TOKEN_BEDROCK to a Bedrock API key, or AWS_ACCESS_KEY_ID and \
    AWS_SECRET_ACCESS_KEY, or choose a profile with AWS_PROFILE (`aws configure` makes one, `aws sso login` renews \
    it), or give the model credentials";

/// Bedrock's report of a failure.
struct Fault<'a> {
    code: &'a str,
    message: String,
    status: Option<u16>,
}

/// The error of a request that got no answer.
pub(super) fn refused<E>(error: SdkError<E, HttpResponse>, region: &str, bedrock: &Bedrock) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let raw = match &error {
        SdkError::ServiceError(refusal) => refusal.raw(),
        SdkError::ResponseError(refusal) => refusal.raw(),
        _ => return lost(error, region, bedrock),
    };
    let status = raw.status().as_u16();
    let body = raw.body().bytes().unwrap_or_default();
    let (code, message) = match &error {
        SdkError::ServiceError(refusal) => (refusal.err().code(), refusal.err().message()),
        _ => (None, None),
    };
    let message = message.map_or_else(|| words(body), str::to_owned);
    let fault = Fault { code: code.unwrap_or_default(), message, status: Some(status) };
    let kind = fault.kind();
    let made = fault.error(kind, Some(region), bedrock);
    match retry_after(&waits(raw), SystemTime::now()) {
        Some(wait) if made.is_retryable() => made.with_retry_after(wait),
        _ => made,
    }
}

/// The error of a failure that is reported in an answer which had begun well.
pub(super) fn in_stream(name: &str, payload: &[u8], bedrock: &Bedrock) -> Error {
    let fault = Fault { code: name, message: words(payload), status: None };
    fault.error(fault.kind(), bedrock.access.region(), bedrock)
}

/// The last cause says most.
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The error of a request that did not come to be, or did not come through.
fn lost<E>(error: SdkError<E, HttpResponse>, region: &str, bedrock: &Bedrock) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    if let Some(credentials) = find::<CredentialsError>(&error) {
        let none = matches!(credentials, CredentialsError::CredentialsNotLoaded(_));
        let why = innermost(credentials);
        let text = match none {
            true => format!("there are no AWS credentials: {HOW_TO_SET}"),
            false => format!("the AWS credentials could not be had ({why}): {HOW_TO_SET}"),
        };
        return bedrock.error(ErrorKind::Authentication, text).with_source(error);
    }
    // What the connections say of themselves says best what to do.
    if let Some(own) = find::<Error>(&error) {
        return bedrock.error(own.kind(), own.to_string()).with_source(error);
    }
    let cause = innermost(&error);
    let (kind, text) = match &error {
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            (ErrorKind::Timeout, "Bedrock could not be connected to in time".to_owned())
        }
        SdkError::TimeoutError(_) => (ErrorKind::Timeout, "Bedrock took too long".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            let text = format!(
                "Bedrock in {region} can't be reached ({cause}): is the region right, and is there a network?"
            );
            (ErrorKind::Unavailable, text)
        }
        SdkError::DispatchFailure(failure) if !failure.is_user() => {
            (ErrorKind::Unavailable, format!("the request to Bedrock in {region} failed ({cause})"))
        }
        _ if cause.contains("auth") || cause.contains("identity") => (
            ErrorKind::Authentication,
            format!("the request can't be signed ({cause}): {HOW_TO_SET}"),
        ),
        _ => (ErrorKind::InvalidInput, format!("the request can't be made ({cause})")),
    };
    bedrock.error(kind, text).with_source(error)
}

/// The first cause of this type.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// The headers that tell how long to wait.
fn waits(raw: &HttpResponse) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["retry-after", "retry-after-ms"] {
        if let Some(value) =
            raw.headers().get(name).and_then(|text| HeaderValue::from_str(text).ok())
        {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// What a report says, with the words of the model behind Bedrock where they are told.
fn words(payload: &[u8]) -> String {
    let Ok(report) = serde_json::from_slice::<Value>(payload) else {
        return String::from_utf8_lossy(payload).into_owned();
    };
    let text = |key: &str| report.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = text("message").or_else(|| text("Message"));
    match (message, text("originalMessage")) {
        (Some(message), Some(original)) if !message.contains(original) => {
            format!("{message}: {original}")
        }
        (Some(words), _) | (None, Some(words)) => words.to_owned(),
        (None, None) => String::from_utf8_lossy(payload).into_owned(),
    }
}

impl Fault<'_> {
    fn kind(&self) -> ErrorKind {
        let code = self.code.to_ascii_lowercase();
        let message = self.message.to_ascii_lowercase();
        let is = |names: &[&str]| names.iter().any(|name| code.contains(name));
        if is(&["throttl", "toomanyrequests", "requestlimitexceeded"]) {
            return ErrorKind::Throttled;
        }
        if OVERFLOW.iter().any(|text| message.contains(text)) || says_overflow(&message) {
            return ErrorKind::ContextOverflow;
        }
        if is(&[
            "modelnotready",
            "modelstreamerror",
            "modelerror",
            "internalserver",
            "internalfailure",
        ]) || is(&["serviceunavailable"])
        {
            return ErrorKind::Unavailable;
        }
        if is(&["modeltimeout", "requesttimeout"]) {
            return ErrorKind::Timeout;
        }
        if is(&["accessdenied", "expiredtoken", "unrecognizedclient", "signature"])
            || is(&[
                "missingauthentication",
                "invalidclienttoken",
                "notauthorized",
                "optinrequired",
            ])
        {
            return ErrorKind::Authentication;
        }
        if is(&["validation", "resourcenotfound", "conflict", "servicequotaexceeded"]) {
            return ErrorKind::InvalidRequest;
        }
        match self.status {
            Some(401 | 403) => ErrorKind::Authentication,
            Some(429) => ErrorKind::Throttled,
            Some(408) => ErrorKind::Timeout,
            Some(400..500) => ErrorKind::InvalidRequest,
            // It had accepted the request, and failed then.
            _ => ErrorKind::Unavailable,
        }
    }

    fn error(&self, kind: ErrorKind, region: Option<&str>, bedrock: &Bedrock) -> Error {
        // Hidden before it is cut: a cut inside a key would leave half of it.
        let message = excerpt(&bedrock.secrets.hide(self.message.clone()));
        let said = match (message.is_empty(), self.code.is_empty()) {
            (true, true) => "Bedrock gave no reason".to_owned(),
            (true, false) => self.code.to_owned(),
            (false, true) => message,
            (false, false) => format!("{message} ({})", self.code),
        };
        let status = self.status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        let place = region.map(|region| format!(" in {region}")).unwrap_or_default();
        let (what, hint) = self.what(kind, &place, bedrock);
        let hint = hint.map(|hint| format!(". {hint}")).unwrap_or_default();
        bedrock.error(kind, format!("{what}{status}: {said}{hint}"))
    }

    /// What happened, and what to do about it.
    fn what(&self, kind: ErrorKind, place: &str, bedrock: &Bedrock) -> (String, Option<String>) {
        let model = &bedrock.model;
        let code = self.code.to_ascii_lowercase();
        match kind {
            ErrorKind::Authentication if code.contains("accessdenied") => (
                format!("Bedrock{place} does not let these credentials use the model `{model}`"),
                Some(format!(
                    "Ask for access to the model in the Bedrock console{place} (Model access), and let the \
                     credentials do `bedrock:InvokeModel` and `bedrock:InvokeModelWithResponseStream`"
                )),
            ),
            ErrorKind::Authentication if code.contains("expired") => {
                ("the AWS credentials have expired".to_owned(), Some(capital("renew them")))
            }
            ErrorKind::Authentication => {
                (format!("AWS refuses the credentials{place}"), Some(capital(HOW_TO_SET)))
            }
            ErrorKind::ContextOverflow => {
                ("the conversation is too long for the model".to_owned(), None)
            }
            ErrorKind::Throttled => ("Bedrock asks to slow down".to_owned(), None),
            ErrorKind::Timeout => ("the model took too long".to_owned(), None),
            ErrorKind::Unavailable => (format!("Bedrock{place} failed on its side"), None),
            _ if code.contains("resourcenotfound")
                || self.message.contains("model identifier is invalid") =>
            {
                let hint = "Check the model's id and the region";
                (format!("Bedrock{place} has no model `{model}`"), Some(hint.to_owned()))
            }
            _ if self.message.contains("inference profile") => (
                format!(
                    "Bedrock{place} offers the model `{model}` through inference profiles only"
                ),
                Some(format!("Name one, such as `us.{model}` or `global.{model}`")),
            ),
            _ => (format!("Bedrock{place} refuses the request for the model `{model}`"), None),
        }
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
