//! What goes wrong at the server, and what it is called then.

use ropewalk_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::{builder, lines, text};
use crate::support::{Reply, Server, ask, collect};

async fn error_of(status: u16, body: Value) -> Error {
    let server = Server::start([Reply::json(status, &[], &body.to_string())]).await;
    let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
    assert!(chunks.is_empty());
    error.unwrap()
}

#[tokio::test]
async fn refusals_have_the_kind_that_says_what_to_do() {
    use ErrorKind::*;
    // What the server passes on of the program that runs the model.
    let inner = r#"{"error":{"code":400,"message":"request (8889 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}"#;
    for (status, words, kind) in [
        (400, inner, ContextOverflow),
        (400, "the input length exceeds the context length", ContextOverflow),
        (400, "\"qwen3:4b\" does not support thinking", InvalidRequest),
        (401, "unauthorized", Authentication),
        (404, "model 'qwen3:4b' not found", InvalidRequest),
        (429, "too many requests", Throttled),
        (500, "llama runner process has terminated: exit status 2", Unavailable),
        (503, "server busy, please try again. maximum pending requests exceeded", Unavailable),
    ] {
        let error = error_of(status, json!({"error": words})).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_can_be_pulled() {
    let error = error_of(404, json!({"error": "model 'qwen3:4b' not found"})).await;
    let text = error.to_string();
    assert!(text.contains("has no model `qwen3:4b`: get it with `ollama pull qwen3:4b`"), "{text}");
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it_after_what_came_before() {
    for (error, kind) in [
        ("an error was encountered while running the model: CUDA error", ErrorKind::Unavailable),
        ("the prompt exceeds the context length", ErrorKind::ContextOverflow),
    ] {
        let reply = lines(&[text("a"), format!("{}\n", json!({"error": error}))]);
        let server = Server::start([reply]).await;
        let (chunks, failure) = collect(&builder(&server).build().unwrap(), ask("?")).await;
        assert_eq!(chunks.len(), 3, "{chunks:?}");
        let failure = failure.unwrap();
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(failure.to_string().contains(error), "{failure}");
    }
}
