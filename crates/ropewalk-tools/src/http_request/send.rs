//! From a request to the text that the model reads.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Action, Attempt};
use reqwest::{Client, Response, Url};

use super::{Method, Request};

/// How long a connection may take to be made, and the whole exchange.
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(30);

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// How much of a body is read and shown, in bytes.
const LIMIT: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("`{0}` is no address: {1}. Give one like `https://example.com/page`")]
    Address(String, String),
    #[error("`{0}` can't be requested: only http:// and https:// addresses can")]
    Scheme(String),
    #[error("`{0}` is no name of a header")]
    HeaderName(String),
    #[error("the value of the header `{0}` holds characters that a header can't hold")]
    HeaderValue(String),
    #[error("the HTTP client can't be set up: {0}")]
    Client(#[source] reqwest::Error),
    #[error("{host} did not answer within {} seconds", WHOLE.as_secs())]
    Timeout { host: String },
    #[error("{host} can't be reached")]
    Connect { host: String, source: reqwest::Error },
    #[error("{host} redirects more than {REDIRECTS} times")]
    Redirects { host: String },
    #[error("the request to {host} failed")]
    Other { host: String, source: reqwest::Error },
}

/// Sends a request and reads the answer.
pub(super) async fn send(request: Request) -> Result<String, HttpError> {
    let url = address(&request.url)?;
    let host = url.host_str().unwrap_or("the server").to_owned();
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
        Method::Head => reqwest::Method::HEAD,
    };
    let client = client(is_this_machine(&url))?;
    let mut builder = client.request(method, url).headers(headers(&request)?);
    if let Some(body) = request.body {
        builder = builder.body(body);
    }
    let response = builder.send().await.map_err(|error| failed(&host, error))?;
    answer(response).await.map_err(|error| failed(&host, error))
}

fn address(text: &str) -> Result<Url, HttpError> {
    let text = text.trim();
    let url =
        Url::parse(text).map_err(|error| HttpError::Address(text.to_owned(), error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(HttpError::Scheme(text.to_owned())),
    }
}

fn headers(request: &Request) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let key =
            HeaderName::try_from(name.as_str()).map_err(|_| HttpError::HeaderName(name.clone()))?;
        let value = HeaderValue::try_from(value.as_str())
            .map_err(|_| HttpError::HeaderValue(name.clone()))?;
        headers.insert(key, value);
    }
    Ok(headers)
}

/// True if the address is one of this machine: a proxy would look for it on its own.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A client of its own for each request: connections that are kept belong to the runtime that made
/// them, and a tool does not know how long that lives.
fn client(direct: bool) -> Result<Client, HttpError> {
    // It fails if the program has chosen a provider already: then that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = if direct { Client::builder().no_proxy() } else { Client::builder() };
    builder
        .user_agent(concat!("ropewalk/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(reqwest::redirect::Policy::custom(follow))
        .build()
        .map_err(HttpError::Client)
}

/// Follows a redirect to the same place only: whoever let the request pass has seen that one, and
/// its headers and body are for nobody else. Another place is told to the model instead.
fn follow(attempt: Attempt<'_>) -> Action {
    let first = attempt.previous().first().map(Url::origin);
    if attempt.previous().len() > REDIRECTS {
        attempt.error(format!("more than {REDIRECTS} redirects"))
    } else if first.is_some_and(|origin| origin == attempt.url().origin()) {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn failed(host: &str, source: reqwest::Error) -> HttpError {
    let host = host.to_owned();
    // The address may hold a secret, and the model knows it.
    let source = source.without_url();
    if source.is_timeout() {
        HttpError::Timeout { host }
    } else if source.is_connect() {
        HttpError::Connect { host, source }
    } else if source.is_redirect() {
        HttpError::Redirects { host }
    } else {
        HttpError::Other { host, source }
    }
}

/// The status, the kind of content, and the body: as much of it as a model should see.
async fn answer(mut response: Response) -> Result<String, reqwest::Error> {
    let mut text = response.status().to_string();
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
    if let Some(kind) = kind {
        text.push_str(&format!("\nContent-Type: {}", String::from_utf8_lossy(kind.as_bytes())));
    }
    if response.status().is_redirection()
        && let Some(place) = response.headers().get(reqwest::header::LOCATION)
    {
        text.push_str(&format!("\nLocation: {}", String::from_utf8_lossy(place.as_bytes())));
    }
    let whole = response.content_length();
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(chunk) = response.chunk().await? {
        let room = LIMIT - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            cut = true;
            break;
        }
    }
    if body.is_empty() {
        return Ok(text);
    }
    match shown(&body, cut) {
        Some(body) => text.push_str(&format!("\n\n{body}")),
        None => text.push_str("\n\n(the body is no text and is not shown)"),
    }
    if cut {
        let of = whole.map(|whole| format!(" of {whole}")).unwrap_or_default();
        text.push_str(&format!("\n[only the first {LIMIT} bytes{of} are shown]"));
    }
    Ok(text)
}

/// The body as text; none if it is something else. One that was cut may end within a character.
fn shown(body: &[u8], cut: bool) -> Option<&str> {
    match std::str::from_utf8(body) {
        Ok(text) => Some(text),
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&body[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}
