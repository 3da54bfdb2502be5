//! What goes wrong at the server, and what it is called then.

use std::time::Duration;

use ropewalk_core::{Error, ErrorKind, Model};
use ropewalk_models::AnthropicModel;
use serde_json::{Value, json};

use super::{answer, block, builder, end, replied, start, text};
use crate::support::{Reply, Server, said};

fn report(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

async fn error_of(status: u16, headers: &[(&str, &str)], body: &Value) -> Error {
    let (chunks, error) = replied(Reply::json(status, headers, &body.to_string())).await;
    assert!(chunks.is_empty());
    let error = error.unwrap();
    assert!(!format!("{error:?} {}", error.report()).contains("sk-very-secret-key"), "{error:?}");
    error
}

#[tokio::test]
async fn refusals_have_the_kind_that_says_what_to_do() {
    use ErrorKind::*;
    let invalid = |message: &str| report("invalid_request_error", message);
    for (status, body, kind) in [
        (400, invalid("temperature: range: 0..1"), InvalidRequest),
        (
            400,
            invalid("Your credit balance is too low to access the Anthropic API."),
            InvalidRequest,
        ),
        (400, invalid("prompt is too long: 210000 tokens > 200000 maximum"), ContextOverflow),
        (400, invalid("input is too long"), ContextOverflow),
        (400, invalid("input length exceeds context window"), ContextOverflow),
        (400, invalid("input and output tokens exceed your context limit"), ContextOverflow),
        (
            400,
            invalid("input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000"),
            ContextOverflow,
        ),
        (401, report("authentication_error", "invalid x-api-key"), Authentication),
        (402, report("billing_error", "pay first"), InvalidRequest),
        (403, report("permission_error", "not for this key"), Authentication),
        (404, report("not_found_error", "model: claude-sonnet-4-5"), InvalidRequest),
        (413, report("request_too_large", "Request exceeds the maximum size"), ContextOverflow),
        (
            429,
            report("rate_limit_error", "This would exceed your rate limit of 40,000 input tokens"),
            Throttled,
        ),
        (500, report("api_error", "Internal server error"), Unavailable),
        (504, report("timeout_error", "took too long"), Unavailable),
        (529, report("overloaded_error", "Overloaded"), Unavailable),
    ] {
        let error = error_of(status, &[], &body).await;
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        let words = body["error"]["message"].as_str().unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = error_of(404, &[], &report("not_found_error", "model: claude-sonnet-4-5")).await;
    assert!(error.to_string().contains("has no model `claude-sonnet-4-5`"), "{error}");
}

#[tokio::test]
async fn the_wait_that_the_provider_asks_for_is_kept() {
    let body = report("rate_limit_error", "slow down");
    let error = error_of(429, &[("retry-after", "7")], &body).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let error = error_of(529, &[("retry-after", "3")], &report("overloaded_error", "busy")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_failure_in_the_stream_ends_it_after_what_came_before() {
    use ErrorKind::*;
    for (kind, expected) in [
        ("overloaded_error", Unavailable),
        ("api_error", Unavailable),
        ("rate_limit_error", Throttled),
        ("timeout_error", Timeout),
        ("authentication_error", Authentication),
        ("invalid_request_error", InvalidRequest),
        ("something_new", Unavailable),
    ] {
        let begin = block(0, json!({"type": "text", "text": ""}));
        let events = [start(), begin, text(0, "Grü"), report(kind, "it broke")];
        let (chunks, error) = answer(&events).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), expected, "{kind}: {error}");
        assert!(error.to_string().contains("it broke"), "{error}");
        assert_eq!(said(&chunks).text, "Grü");
    }
    // Reported in the place of an answer in one piece.
    let error =
        replied(Reply::json(200, &[], &report("overloaded_error", "busy").to_string())).await;
    assert_eq!(error.1.unwrap().kind(), Unavailable);
    // In a form that is none of this interface.
    let event = "data: {\"error\": {\"message\": \"a gateway broke\"}}\n\n";
    let error = replied(Reply::sse(event)).await.1.unwrap();
    assert!(error.to_string().contains("a gateway broke"), "{error}");
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    for (reply, words) in [
        (Reply::sse("data: {oops\n\n"), "oops"),
        (Reply::sse("data: {\"type\": 7}\n\n"), "no event"),
        (Reply::json(200, &[], "{\"content\": ["), "content"),
        (Reply::json(200, &[], "{\"status\": \"ok\"}"), "check the base URL: `{\"status\""),
        (Reply::json(200, &[], "{\"choices\": []}"), "check the base URL"),
        (Reply::pieces("text/html", [b"<html>log in</html>" as &[u8]]), "check the base URL"),
    ] {
        let error = replied(reply).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    // Arguments of which nobody knows whose they are: to guess might run the wrong call.
    let begin =
        |index| block(index, json!({"type": "tool_use", "id": "a", "name": "look", "input": {}}));
    for events in [
        vec![start(), begin(0), super::input(1, "{}")],
        vec![start(), begin(0), end(0), super::input(0, "{}")],
        vec![start(), super::input(0, "{}")],
    ] {
        let error = answer(&events).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let at = |url: &str| AnthropicModel::builder("m").base_url(url);
    let local = || at("http://127.0.0.1:1");
    for (builder, kind, words) in [
        (
            AnthropicModel::builder(" ").base_url("http://127.0.0.1"),
            ErrorKind::InvalidInput,
            "id is empty",
        ),
        (at("https://api.anthropic.com"), ErrorKind::Authentication, "ANTHROPIC_API_KEY"),
        (local().param("messages", "x"), ErrorKind::InvalidInput, "`messages`"),
        (local().param("system", "x"), ErrorKind::InvalidInput, "`system`"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let model = local().context_limit(200_000).build().unwrap();
    assert_eq!((model.id(), model.context_limit()), ("anthropic:m", Some(200_000)));
}

#[tokio::test]
async fn the_models_of_a_server_are_listed() {
    let list = r#"{"data": [{"id": "claude-a", "type": "model", "max_input_tokens": 200000},
        {"id": "claude-b", "type": "model"}], "has_more": false}"#;
    let server = Server::start([Reply::json(200, &[], list)]).await;
    let models = builder(&server).build().unwrap().models().await.unwrap();
    let models: Vec<_> = models.iter().map(|info| (&*info.id, info.context_limit)).collect();
    assert_eq!(models, [("claude-a", Some(200_000)), ("claude-b", None)]);
    let seen = server.seen();
    assert_eq!(seen[0].path, "/v1/models");
    assert!(seen[0].head.contains("x-api-key: sk-very-secret-key"));
    assert!(seen[0].head.contains("anthropic-version: 2023-06-01"));
}

/// Runs the test `from_env_in_a_process_of_its_own` with these variables.
async fn from_env(variables: &[(&str, &str)]) -> String {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "anthropic::errors::from_env_in_a_process_of_its_own",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env_remove("ANTHROPIC_API_KEY")
        .env_remove("ANTHROPIC_BASE_URL")
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "part of `the_environment_is_read`"]
fn from_env_in_a_process_of_its_own() {
    match AnthropicModel::from_env("m") {
        Ok(model) => println!("model: {model:?}"),
        Err(error) => println!("error: {:?}: {error}", error.kind()),
    }
}

#[tokio::test]
async fn the_environment_is_read() {
    let none = from_env(&[]).await;
    assert!(none.contains("error: Authentication: ANTHROPIC_API_KEY is not set"), "{none}");
    let key = from_env(&[("ANTHROPIC_API_KEY", "sk-hush\n")]).await;
    assert!(key.contains("https://api.anthropic.com/v1/messages"), "{key}");
    assert!(key.contains("x-api-key") && !key.contains("hush"), "{key}");
    let url = from_env(&[("ANTHROPIC_BASE_URL", "http://127.0.0.1:9/")]).await;
    assert!(url.contains("http://127.0.0.1:9/v1/messages"), "{url}");
    assert!(!url.contains("x-api-key"), "{url}");
}
