//! Answers that break off, report an error, are too long, or are none.

use pretty_assertions::assert_eq;
use ropewalk_core::{ErrorKind, ModelChunk};
use serde_json::json;

use super::answer;
use crate::support::{DONE, Reply, Server, ask, collect, delta, event, finish, said};

#[tokio::test]
async fn an_end_without_the_mark_is_taken_if_there_was_a_reason_to_stop() {
    let text = delta(json!({"content": "a"}));
    let (chunks, error) = answer(&[text.clone(), finish("stop")]).await;
    assert!(error.is_none() && said(&chunks).stop == "end_turn");
    let (chunks, error) = answer(&[text, DONE.into()]).await;
    assert!(error.is_none() && said(&chunks).stop == "end_turn");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let text = delta(json!({"content": "a"}));
    let cases = [
        // Closed properly, but not the whole of it.
        Reply::sse(&text),
        Reply::sse(&format!("{text}data: {{\"choices\": [{{\"index\": 0, \"fin")),
        Reply::sse(""),
        Reply::sse(DONE),
        Reply::sse(": keep-alive\n\n"),
        // The connection is gone in the middle of the answer, even behind a reason to stop.
        Reply::open("text/event-stream").chunk(text.as_bytes()),
        Reply::open("text/event-stream").chunk(finish("stop").as_bytes()),
        Reply::json(200, &[("content-length", "900")], "{\"choices\": ["),
        // Gone before it began.
        Reply(vec![]),
    ];
    for reply in cases {
        let server = Server::start([reply.clone()]).await;
        let (chunks, error) = collect(&server.model(), ask("?")).await;
        let error = error.unwrap_or_else(|| panic!("{reply:?} gave {chunks:?}"));
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{reply:?}: {error}");
        assert!(!chunks.iter().any(|chunk| matches!(chunk, ModelChunk::MessageStop(_))));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    let cases = [
        (Reply::sse("data: {oops\n\n"), "oops"),
        (Reply::sse("data: {\"choices\": 7}\n\n"), "choices"),
        (Reply::json(200, &[], "{\"choices\": ["), "choices"),
        (Reply::json(200, &[], "[1, 2]"), "[1, 2]"),
        (Reply::json(200, &[], "{\"status\": \"ok\"}"), "check the base URL: `{\"status\""),
        (Reply::pieces("text/html", [b"<html>log in</html>" as &[u8]]), "check the base URL"),
    ];
    for (reply, words) in cases {
        let server = Server::start([reply]).await;
        let error = collect(&server.model(), ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it_after_what_came_before() {
    let text = delta(json!({"content": "a"}));
    for (report, kind, words) in [
        (
            json!({"error": {"message": "it broke", "type": "server_error"}}),
            ErrorKind::Unavailable,
            "it broke",
        ),
        (
            json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
            ErrorKind::Throttled,
            "slow down",
        ),
        (
            json!({"error": {"message": "upstream", "code": 429}, "choices": []}),
            ErrorKind::Throttled,
            "upstream",
        ),
        (
            json!({"error": {"message": "This model's maximum context length is 8192 tokens"}}),
            ErrorKind::ContextOverflow,
            "8192",
        ),
        (
            json!({"object": "error", "message": "bad", "type": "BadRequestError", "code": 400}),
            ErrorKind::InvalidRequest,
            "bad",
        ),
        (
            json!({"object": "error", "message": "bad", "code": 400, "usage": {"prompt_tokens": 1}}),
            ErrorKind::InvalidRequest,
            "bad",
        ),
        (json!({"error": "plain words"}), ErrorKind::Unavailable, "plain words"),
        (
            json!({"choices": [{"index": 0, "delta": {}, "error": {"code": 502, "message": "gone"}}]}),
            ErrorKind::Unavailable,
            "gone",
        ),
    ] {
        let (chunks, error) = answer(&[text.clone(), event(report.clone()), DONE.into()]).await;
        let error = error.unwrap_or_else(|| panic!("{report} went by"));
        assert_eq!(error.kind(), kind, "{report}: {error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(said(&chunks[..]).text, "a");
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let long = delta(json!({"content": "x".repeat(10_000)}));
    for reply in [
        Reply::sse(&long),
        Reply::pieces("text/event-stream", long.as_bytes().chunks(100)),
        Reply::json(200, &[], &json!({"x": "x".repeat(10_000)}).to_string()),
        Reply::sse(&" ".repeat(10_000)),
    ] {
        let server = Server::start([reply]).await;
        let model = server.builder().max_event_bytes(5_000).build().unwrap();
        let error = collect(&model, ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("5000 bytes"), "{error}");
    }
}
