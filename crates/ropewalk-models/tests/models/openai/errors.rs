//! What goes wrong at the server or before it, and what it is called then.

use std::time::Duration;

use crate::support::{Reply, Server, ask, collect};
use ropewalk_core::{Error, ErrorKind};
use ropewalk_models::{HttpClient, OpenAiChat};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

async fn error_of(reply: Reply) -> Error {
    let server = Server::start([reply]).await;
    let (chunks, error) = collect(&server.model(), ask("?")).await;
    assert!(chunks.is_empty());
    let error = error.unwrap();
    assert!(!format!("{error:?} {}", error.report()).contains("sk-very-secret-key"), "{error:?}");
    error
}

fn openai(code: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": "some_error", "param": null, "code": code}})
}

#[tokio::test]
async fn refusals_have_the_kind_that_says_what_to_do() {
    use ErrorKind::*;
    let table = [
        (401, openai("invalid_api_key", "Incorrect API key provided"), Authentication),
        (403, openai("", "Country not supported"), Authentication),
        (402, openai("", "Insufficient Balance"), InvalidRequest),
        (429, openai("rate_limit_exceeded", "Rate limit reached"), Throttled),
        (429, openai("insufficient_quota", "You exceeded your current quota"), InvalidRequest),
        (
            429,
            openai("rate_limit_exceeded", "Request too large for gpt-4o on tokens per min"),
            ContextOverflow,
        ),
        (
            413,
            openai("rate_limit_exceeded", "Request too large for model `llama`"),
            ContextOverflow,
        ),
        (400, openai("context_length_exceeded", "too long"), ContextOverflow),
        (
            400,
            json!({"error": {"code": 400, "type": "exceed_context_size_error",
            "message": "request (2009 tokens) exceeds the available context size (512 tokens), try increasing it"}}),
            ContextOverflow,
        ),
        (
            400,
            json!({"object": "error", "code": 400, "type": "BadRequestError",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"}),
            ContextOverflow,
        ),
        (
            400,
            json!({"object": "error", "code": "3051", "type": "invalid_request_prompt",
            "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"}),
            ContextOverflow,
        ),
        (
            400,
            openai("", "Please reduce the length of the messages or completion."),
            ContextOverflow,
        ),
        (
            400,
            json!({"code": "invalid-argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 200000 tokens."}),
            ContextOverflow,
        ),
        (
            422,
            json!({"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
            ContextOverflow,
        ),
        (400, openai("invalid_value", "temperature is too high"), InvalidRequest),
        (404, openai("model_not_found", "The model `test-model` does not exist"), InvalidRequest),
        (404, json!({"detail": "Not Found"}), InvalidRequest),
        (422, json!({"detail": [{"loc": ["body", "x"], "msg": "extra fields"}]}), InvalidRequest),
        (408, openai("", "took too long"), Timeout),
        (500, openai("server_error", "it broke"), Unavailable),
        (
            503,
            json!({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}),
            Unavailable,
        ),
        (529, json!({"message": "overloaded"}), Unavailable),
    ];
    for (status, body, kind) in table {
        let error = error_of(Reply::json(status, &[], &body.to_string())).await;
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        let text = error.to_string();
        assert!(text.contains(&status.to_string()) && text.contains("test-model"), "{text}");
        let words = [&body["error"]["message"], &body["message"], &body["error"], &body["detail"]];
        let words = words.into_iter().find_map(Value::as_str).unwrap_or("extra fields");
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn texts_say_what_to_do() {
    let missing = openai("model_not_found", "no such model");
    let text = error_of(Reply::json(404, &[], &missing.to_string())).await.to_string();
    assert!(text.contains("has no model `test-model`"), "{text}");
    let text =
        error_of(Reply::json(404, &[], "<html><h1>Not&nbsp;Found</h1></html>")).await.to_string();
    assert!(text.contains("check the base URL") && !text.contains('<'), "{text}");
    let quota = openai("insufficient_quota", "You exceeded your current quota");
    let error = error_of(Reply::json(429, &[("retry-after", "3")], &quota.to_string())).await;
    assert!(error.to_string().contains("waiting does not help"), "{error}");
    assert!(!error.is_retryable() && error.retry_after().is_none());
    let moved =
        Reply::json(301, &[("location", "https://example.org/v1?k=sk-very-secret-key")], "");
    let text = error_of(moved).await.to_string();
    assert!(text.contains("redirect to https://example.org/v1 "), "{text}");
    let router = json!({"error": {"message": "Provider returned error", "code": 400,
        "metadata": {"raw": "the real reason", "provider_name": "x"}}});
    let text = error_of(Reply::json(400, &[], &router.to_string())).await.to_string();
    assert!(text.contains("the real reason"), "{text}");
    let text = error_of(Reply::json(500, &[], "")).await.to_string();
    assert!(text.contains("HTTP 500"), "{text}");
    let text = error_of(Reply::json(500, &[], &"x".repeat(100_000))).await.to_string();
    assert!(text.len() < 1_000, "{}", text.len());
}

#[tokio::test]
async fn the_wait_that_the_provider_asks_for_is_kept() {
    let body = openai("rate_limit_exceeded", "slow down").to_string();
    let wait = |headers: &'static [(&str, &str)], status: u16| {
        let reply = Reply::json(status, headers, &body);
        async move { error_of(reply).await.retry_after() }
    };
    assert_eq!(wait(&[("retry-after", "2")], 429).await, Some(Duration::from_secs(2)));
    assert_eq!(
        wait(&[("Retry-After-Ms", "1500"), ("retry-after", "2")], 429).await,
        Some(Duration::from_millis(1500))
    );
    assert_eq!(wait(&[("retry-after", "9")], 503).await, Some(Duration::from_secs(9)));
    assert_eq!(wait(&[], 429).await, None);
    let date = wait(&[("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")], 429).await.unwrap();
    assert!(date > Duration::from_secs(3600));
    let past = wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], 429).await;
    assert_eq!(past, Some(Duration::ZERO));
    assert_eq!(wait(&[("retry-after", "0.5")], 429).await, Some(Duration::from_millis(500)));
    // What can't be read was not said.
    assert_eq!(wait(&[("retry-after", "soon")], 429).await, None);
    assert_eq!(wait(&[("retry-after", "-1")], 429).await, None);
    assert_eq!(wait(&[("retry-after", "1e300")], 429).await, None);
    assert_eq!(wait(&[("retry-after", "NaN")], 429).await, None);
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_hidden() {
    let body =
        openai("invalid_api_key", "Incorrect API key provided: sk-very-secret-key.").to_string();
    let error = error_of(Reply::json(401, &[], &body)).await;
    assert!(error.to_string().contains("provided: [key]."), "{error}");
    error_of(Reply::json(401, &[], "no JSON: sk-very-secret-key")).await;
    // Even where the text is cut in the middle of it.
    let long = format!("{}sk-very-secret-key", "x".repeat(590));
    let error = error_of(Reply::json(401, &[], &long)).await;
    assert!(!error.to_string().contains("sk-v"), "{error}");
    for stream in [
        "data: {\"error\": \"sk-very-secret-key\"}\n\n",
        "data: {\"choices\": \"sk-very-secret-key\"}\n\n",
        "data: sk-very-secret-key\n\n",
    ] {
        error_of(Reply::sse(stream)).await;
    }
}

#[tokio::test]
async fn servers_that_cannot_be_reached_are_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let model =
        OpenAiChat::builder("m").base_url(format!("http://me:hush@{address}/v1?key=hush")).build();
    let error = collect(&model.unwrap(), ask("?")).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.report();
    assert!(text.contains(&format!("http://{address}/v1/chat/completions")), "{text}");
    assert!(text.contains("refused") && !text.contains("hush"), "{text}");

    let model =
        OpenAiChat::builder("m").base_url("http://no-such-host.invalid/v1").build().unwrap();
    let error = collect(&model, ask("?")).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");

    // A server that speaks no TLS, spoken to with TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let model = OpenAiChat::builder("m").base_url(url).build().unwrap();
    let error = collect(&model, ask("?")).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("https://127.0.0.1"), "{error}");

    // A server that takes the connection and never answers the TLS greeting.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    let client = HttpClient::new().connect_timeout(Duration::from_millis(200));
    let model = OpenAiChat::builder("m").base_url(url).http_client(&client);
    let error = collect(&model.build().unwrap(), ask("?")).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn a_refusal_that_breaks_off_keeps_its_status() {
    let reply = Reply::json(503, &[("retry-after", "4"), ("content-length", "900")], "{\"error\":");
    let error = error_of(reply).await;
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Unavailable, Some(Duration::from_secs(4)))
    );
}

/// Runs the test `from_env_in_a_process_of_its_own` with these variables.
async fn from_env(variables: &[(&str, &str)]) -> String {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "openai::errors::from_env_in_a_process_of_its_own",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env_remove("OPENAI_API_KEY")
        .env_remove("OPENAI_BASE_URL")
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "part of `the_environment_is_read`"]
fn from_env_in_a_process_of_its_own() {
    match OpenAiChat::from_env("m") {
        Ok(model) => println!("model: {model:?}"),
        Err(error) => println!("error: {:?}: {error}", error.kind()),
    }
}

#[tokio::test]
async fn the_environment_is_read() {
    let none = from_env(&[("OPENAI_API_KEY", " ")]).await;
    assert!(none.contains("error: Authentication: OPENAI_API_KEY is not set: set it"), "{none}");
    assert!(none.contains("OPENAI_BASE_URL"), "{none}");
    let key = from_env(&[("OPENAI_API_KEY", "sk-hush\n")]).await;
    assert!(key.contains("https://api.openai.com/v1/chat/completions"), "{key}");
    assert!(key.contains("authorization") && !key.contains("hush"), "{key}");
    let url = from_env(&[("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")]).await;
    assert!(url.contains("http://127.0.0.1:9/v1/chat/completions"), "{url}");
    assert!(!url.contains("authorization"), "{url}");
    let bad = from_env(&[("OPENAI_BASE_URL", "localhost")]).await;
    assert!(bad.contains("error: InvalidInput") && bad.contains("`localhost`"), "{bad}");
}
