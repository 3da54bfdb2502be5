//! What goes wrong, and what it is called then.

use ropewalk_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::{builder, completed, created, ended, text};
use crate::support::{Reply, Server, ask, collect, event, said};

async fn failed(reply: Reply) -> Error {
    let server = Server::start([reply]).await;
    let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
    let error = error.unwrap_or_else(|| panic!("{chunks:?}"));
    assert!(!format!("{error:?}").contains("sk-very-secret-key"));
    error
}

#[tokio::test]
async fn failures_in_the_stream_have_the_kind_that_says_what_to_do() {
    use ErrorKind::*;
    let inner = |code: &str, words: &str| json!({"error": {"code": code, "message": words}});
    for (code, words, kind) in [
        ("server_error", "it broke", Unavailable),
        ("rate_limit_exceeded", "slow down", Throttled),
        ("context_length_exceeded", "too long", ContextOverflow),
        ("invalid_prompt", "against the rules", InvalidRequest),
        ("invalid_image_format", "no picture", InvalidRequest),
        ("image_too_large", "a big picture", InvalidRequest),
        ("vector_store_timeout", "too slow", Timeout),
    ] {
        let flat = json!({"type": "error", "code": code, "message": words, "param": null});
        let nested =
            json!({"type": "error", "error": {"type": "", "code": code, "message": words}});
        for end in [ended("failed", inner(code, words)), event(flat), event(nested)] {
            let before = created() + &text(0, &["a"]);
            let server = Server::start([Reply::sse(&(before + &end + &completed()))]).await;
            let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{end} went by"));
            assert_eq!(error.kind(), kind, "{end}: {error}");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(said(&chunks).text, "a");
        }
        let whole = super::response("failed", inner(code, words)).to_string();
        assert_eq!(failed(Reply::json(200, &[], &whole)).await.kind(), kind, "{code}");
    }
    let report = event(json!({"error": {"code": "rate_limit_exceeded", "message": "slow"}}));
    assert_eq!(failed(Reply::sse(&report)).await.kind(), Throttled);
    let cancelled = ended("cancelled", json!({}));
    assert_eq!(failed(Reply::sse(&cancelled)).await.kind(), Unavailable);
}

#[tokio::test]
async fn refusals_name_the_model_and_the_reason() {
    let table = [
        (404, "model_not_found", "The model does not exist", ErrorKind::InvalidRequest),
        (429, "insufficient_quota", "You exceeded your quota", ErrorKind::InvalidRequest),
        (429, "rate_limit_exceeded", "Rate limit reached", ErrorKind::Throttled),
        (403, "", "Country not supported", ErrorKind::Authentication),
        (500, "server_error", "it broke", ErrorKind::Unavailable),
    ];
    for (status, code, words, kind) in table {
        let body = json!({"error": {"message": words, "type": "x", "param": null, "code": code}});
        let error = failed(Reply::json(status, &[], &body.to_string())).await;
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(text.contains(words) && text.contains("openai-responses:test-model"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let begun = created() + &text(0, &["a"]);
    for reply in [
        Reply::sse(&begun),
        Reply::sse(&(begun.clone() + "data: [DONE]\n\n")),
        Reply::sse(&created()),
        Reply::sse(""),
        Reply::open("text/event-stream").chunk(begun.as_bytes()),
    ] {
        assert_eq!(failed(reply).await.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_said_to_be_none() {
    let table = [
        (Reply::sse("data: {oops\n\n"), ErrorKind::Malformed, "oops"),
        (Reply::json(200, &[], "{\"status\": \"ok\"}"), ErrorKind::Malformed, "check the base URL"),
        (Reply::json(200, &[], "{\"choices\": []}"), ErrorKind::Malformed, "check the base URL"),
        (
            Reply::json(200, &[], &super::response("queued", json!({})).to_string()),
            ErrorKind::InvalidRequest,
            "`background`",
        ),
    ];
    for (reply, kind, words) in table {
        let error = failed(reply).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    use ropewalk_models::OpenAiResponses;
    let at = |name: &str, value: Value| {
        OpenAiResponses::builder("m").base_url("http://127.0.0.1:1/v1").param(name, value)
    };
    for (builder, words) in [
        (at("input", json!([])), "`input`"),
        (at("previous_response_id", json!("resp_1")), "`previous_response_id`"),
        (at("tools", json!("web_search")), "`tools`"),
        (at("include", json!("x")), "`include`"),
        (at("text", json!(1)), "`text`"),
        (at("store", json!(false)).stateful(true), "`store`"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = OpenAiResponses::builder("m").base_url("https://api.openai.com/v1").build();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Authentication);
}
