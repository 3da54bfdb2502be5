//! HTTP requests, against a server of the test's own.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use ropewalk_core::{Tool, ToolContext, ToolStatus, ToolUse};
use ropewalk_tools::http_request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request with `answer`, given the request's text; says where it listens.
async fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let count = socket.read(&mut request).await.unwrap_or(0);
            let answer = answer(&String::from_utf8_lossy(&request[..count]));
            // The client may have seen enough.
            let _ = socket.write_all(&answer).await;
        }
    });
    format!("http://{address}")
}

fn answer(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let length = body.as_ref().len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body.as_ref()].concat()
}

async fn call(input: Value) -> (ToolStatus, String) {
    let result = http_request().try_out(input).await;
    let content = serde_json::to_value(&result.content).unwrap();
    (result.status, content[0]["text"].as_str().unwrap().to_owned())
}

fn ok(text: &str) -> (ToolStatus, String) {
    (ToolStatus::Success, text.to_owned())
}

#[tokio::test]
async fn status_kind_and_body_are_given() {
    let url = serve(|_| answer("200 OK\r\nContent-Type: text/plain", "hello")).await;
    assert_eq!(call(json!({"url": url})).await, ok("200 OK\nContent-Type: text/plain\n\nhello"));
    let url = serve(|_| answer("404 Not Found", "")).await;
    assert_eq!(call(json!({"url": url})).await, ok("404 Not Found"));
    let url = serve(|_| answer("200 OK", b"\xff\x00")).await;
    let text = "200 OK\n\n(the body is no text and is not shown)";
    assert_eq!(call(json!({"url": url})).await, ok(text));
}

#[tokio::test]
async fn method_headers_and_body_are_sent() {
    let url = serve(|request| answer("200 OK", request)).await;
    let input = json!({"url": url, "method": "POST", "headers": {"X-A": "b"}, "body": "{}"});
    let (_, text) = call(input).await;
    assert!(text.contains("POST / HTTP/1.1\r\n"), "{text}");
    assert!(text.contains("x-a: b\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n{}"), "{text}");
    let (_, text) = call(json!({"url": url, "method": "delete"})).await;
    assert!(text.contains("DELETE / HTTP/1.1\r\n"), "{text}");
}

#[tokio::test]
async fn a_long_body_is_cut() {
    let url = serve(|_| answer("200 OK", "é".repeat(1_000_000))).await;
    let (status, text) = call(json!({"url": url})).await;
    assert_eq!(status, ToolStatus::Success);
    assert!(text.ends_with("é\n[only the first 65536 bytes of 2000000 are shown]"));
    let url = serve(|_| answer("200 OK", "x".repeat(65536))).await;
    assert!(call(json!({"url": url})).await.1.ends_with('x'), "what just fits is whole");
}

#[tokio::test]
async fn redirects_are_followed_five_times() {
    let url = serve(|request| match request.starts_with("GET /done") {
        true => answer("200 OK", "done"),
        false => answer("302 Found\r\nLocation: /done", ""),
    })
    .await;
    assert_eq!(call(json!({"url": url})).await, ok("200 OK\n\ndone"));
    let url = serve(|_| answer("302 Found\r\nLocation: /", "")).await;
    let text = "Error: 127.0.0.1 redirects more than 5 times";
    assert_eq!(call(json!({"url": url})).await, (ToolStatus::Error, text.to_owned()));
    let url = serve(|_| answer("302 Found\r\nLocation: file:///etc/passwd", "")).await;
    let told = ok("302 Found\nLocation: file:///etc/passwd");
    assert_eq!(call(json!({"url": url})).await, told, "this one is not followed");
}

#[tokio::test]
async fn another_host_is_told_and_not_asked() {
    let other = serve(|_| answer("200 OK", "secret of the other")).await;
    let place = other.clone();
    let url = serve(move |_| answer(&format!("307 Moved\r\nLocation: {place}"), "")).await;
    let (_, text) = call(json!({"url": url, "method": "post", "body": "x"})).await;
    assert!(text.starts_with("307 ") && text.contains(&format!("Location: {other}")), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn what_can_not_be_requested_says_why() {
    for (input, problem) in [
        (
            json!({"url": "nowhere"}),
            "`nowhere` is no address: relative URL without a base. Give one like \
             `https://example.com/page`",
        ),
        (
            json!({"url": "file:///etc/passwd"}),
            "`file:///etc/passwd` can't be requested: only http:// and https:// addresses can",
        ),
        (
            json!({"url": "ftp://example.com/"}),
            "`ftp://example.com/` can't be requested: only http:// and https:// addresses can",
        ),
        (
            json!({"url": "http://localhost/", "headers": {"a b": "c"}}),
            "`a b` is no name of a header",
        ),
        (
            json!({"url": "http://localhost/", "headers": {"a": "b\nc"}}),
            "the value of the header `a` holds characters that a header can't hold",
        ),
    ] {
        assert_eq!(call(input).await, (ToolStatus::Error, format!("Error: {problem}")));
    }
    let (_, text) = call(json!({"url": "http://a/", "method": "BREW"})).await;
    let start = "Error: Validation failed for input parameters: `method`: unknown variant `BREW`";
    assert!(text.starts_with(start), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (status, text) = call(json!({"url": format!("http://{address}/?key=secret")})).await;
    assert_eq!(status, ToolStatus::Error);
    assert!(text.starts_with("Error: 127.0.0.1 can't be reached"), "{text}");
    assert!(text.contains("refused") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn cancelling_gives_the_request_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let input = json!({"url": format!("http://{}", listener.local_addr().unwrap())});
    let context = ToolContext::detached(ToolUse::new("t1", "http_request", input.clone()));
    context.cancel().cancel();
    let error = http_request().call(input, context).await.unwrap_err();
    assert_eq!(error.to_string(), "the request was given up: the run was cancelled");
}
