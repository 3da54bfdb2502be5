//! Sending HTTP requests.

mod send;

use std::collections::BTreeMap;

use ropewalk_core::{BoxError, ToolContext};
use ropewalk_macros::tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is asked of the server.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[serde(alias = "get")]
    Get,
    #[serde(alias = "post")]
    Post,
    #[serde(alias = "put")]
    Put,
    #[serde(alias = "patch")]
    Patch,
    #[serde(alias = "delete")]
    Delete,
    #[serde(alias = "head")]
    Head,
}

/// A request, as the model gave it.
struct Request {
    url: String,
    method: Method,
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

/// The tool `http_request`: sends an HTTP request.
///
/// It takes `url`, `method` (GET unless given), `headers` and `body`, and gives the status, the kind
/// of content and the first 64 KiB of the body; a status such as 404 is an answer, no error. It
/// follows five redirects and takes 30 seconds at most. Addresses that are not `http` or `https`,
/// and servers that can't be reached, are error results.
///
/// It reaches whatever this machine reaches, services of the local network too: let somebody look
/// at the address first.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ropewalk_core::ToolResult;
/// use ropewalk_tools::http_request;
///
/// let result = http_request().try_out(serde_json::json!({"url": "ftp://example.com"})).await;
/// assert_eq!(result, ToolResult::error("try_out", "Error: `ftp://example.com` can't be requested: only http:// and https:// addresses can"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[tool(
    description = "Sends an HTTP request and gives the status and the body of the answer.",
    example(
        request = "Fetch https://example.com/status.json",
        input = {"url": "https://example.com/status.json"},
        result = "200 OK\nContent-Type: application/json\n\n{\"ok\": true}",
        answer = "The answer is 200 OK: {\"ok\": true}",
    ),
    example(
        request = "Send a DELETE request to http://localhost:8080/items/7",
        input = {"url": "http://localhost:8080/items/7", "method": "DELETE"},
        result = "204 No Content",
        answer = "The answer is 204 No Content.",
    ),
    example(
        request = "Get the page https://www.rust-lang.org",
        input = {"url": "https://www.rust-lang.org"},
        result = "200 OK\nContent-Type: text/html\n\n<h1>Rust</h1>",
        answer = "The answer is 200 OK: <h1>Rust</h1>",
    )
)]
pub async fn http_request(
    /// the whole address, with http:// or https://
    #[schemars(url, length(max = 8192), regex(pattern = "^https?://[^ ]+$"))]
    url: String,
    /// GET unless something else is asked for
    #[tool(default = Method::Get)]
    method: Method,
    /// names and values
    headers: Option<BTreeMap<String, String>>,
    /// what to send, for POST, PUT and PATCH
    body: Option<String>,
    context: ToolContext,
) -> Result<String, BoxError> {
    let request = Request { url, method, headers: headers.unwrap_or_default(), body };
    tokio::select! {
        answer = send::send(request) => Ok(answer?),
        () = context.cancel().cancelled() => Err("the request was given up: the run was cancelled".into()),
    }
}
