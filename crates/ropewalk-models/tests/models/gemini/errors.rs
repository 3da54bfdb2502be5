//! What goes wrong at the server or before it, and what it is called then.

use std::time::Duration;

use ropewalk_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::builder;
use crate::support::{Reply, Server, ask, collect};

async fn error_of(status: u16, body: Value) -> Error {
    let server = Server::start([Reply::json(status, &[], &body.to_string())]).await;
    let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
    assert!(chunks.is_empty());
    let error = error.unwrap();
    assert!(!format!("{error:?} {}", error.report()).contains("very-secret-key"), "{error:?}");
    error
}

fn google(code: u16, status: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "status": status}})
}

#[tokio::test]
async fn refusals_have_the_kind_that_says_what_to_do() {
    use ErrorKind::*;
    let invalid = "INVALID_ARGUMENT";
    for (status, body, kind) in [
        (401, google(401, "UNAUTHENTICATED", "no credentials"), Authentication),
        (
            403,
            google(403, "PERMISSION_DENIED", "The caller does not have permission"),
            Authentication,
        ),
        (
            400,
            json!({"error": {"code": 400, "message": "API key expired. Please renew.", "status": invalid,
            "details": [{"@type": "x"}, {"reason": "API_KEY_INVALID"}]}}),
            Authentication,
        ),
        (429, google(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted"), Throttled),
        (
            400,
            google(
                400,
                invalid,
                "The input token count (9) exceeds the maximum number of tokens allowed (8).",
            ),
            ContextOverflow,
        ),
        (400, google(400, invalid, "Function call is missing a thought_signature"), InvalidRequest),
        (400, google(400, "FAILED_PRECONDITION", "User location is not supported"), InvalidRequest),
        (
            404,
            google(404, "NOT_FOUND", "models/x is not found for API version v1beta"),
            InvalidRequest,
        ),
        (500, google(500, "INTERNAL", "An internal error has occurred"), Unavailable),
        (503, google(503, "UNAVAILABLE", "The model is overloaded"), Unavailable),
        (504, google(504, "DEADLINE_EXCEEDED", "too slow"), Unavailable),
        // Without `alt=sse` a report comes as a list.
        (429, json!([google(429, "RESOURCE_EXHAUSTED", "in a list")]), Throttled),
    ] {
        let error = error_of(status, body.clone()).await;
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        let words = [&body["error"]["message"], &body[0]["error"]["message"]];
        let words = words.into_iter().find_map(|words| words.as_str()).unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn the_wait_that_google_asks_for_is_kept() {
    for (delay, wait) in [
        (json!("12s"), Some(Duration::from_secs(12))),
        (json!("0.250s"), Some(Duration::from_millis(250))),
        (json!("soon"), None),
        (json!({"seconds": 3}), None),
    ] {
        let mut body = google(429, "RESOURCE_EXHAUSTED", "slow down");
        body["error"]["details"] =
            json!([{"violations": []}, {"@type": "RetryInfo", "retryDelay": delay}]);
        assert_eq!(error_of(429, body).await.retry_after(), wait, "{delay}");
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_is_named() {
    let text = error_of(404, google(404, "NOT_FOUND", "models/x is not found")).await.to_string();
    assert!(text.contains("has no model `gemini-2.5-flash`"), "{text}");
}

/// The environment is that of a process, so each try is one of its own.
#[tokio::test]
async fn the_environment_is_read() {
    if std::env::var_os("ROPEWALK_SHOW_GEMINI").is_some() {
        let shown = match ropewalk_models::GeminiModel::from_env("gemini-2.5-flash") {
            Ok(_) => "made".to_owned(),
            Err(error) => format!("{:?} {error}", error.kind()),
        };
        println!("<<{shown}>>");
        return;
    }
    for (variables, words) in [
        (&[][..], "Authentication GEMINI_API_KEY is not set"),
        (&[("GEMINI_API_KEY", "k")][..], "made"),
        (&[("GOOGLE_API_KEY", "k")][..], "made"),
        (&[("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")][..], "made"),
        (&[("GOOGLE_API_KEY", "k"), ("GOOGLE_GEMINI_BASE_URL", "nonsense")][..], "InvalidInput"),
    ] {
        let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
        command.args(["gemini::errors::the_environment_is_read", "--exact", "--nocapture"]);
        for name in ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"] {
            command.env_remove(name);
        }
        command.env("ROPEWALK_SHOW_GEMINI", "1").envs(variables.iter().copied());
        let output = command.output().await.unwrap();
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(shown.contains(&format!("<<{words}")), "{variables:?}: {shown}");
    }
}
