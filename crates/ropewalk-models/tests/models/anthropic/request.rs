//! What is sent: the conversation, the tools, the parameters and the headers.

mod answers;
mod cache;
mod settings;

use pretty_assertions::assert_eq;
use ropewalk_core::{Message, ModelRequest, ToolSpec, Transcript};
use ropewalk_models::AnthropicModelBuilder;
use serde_json::{Value, json};

use super::builder;
use crate::support::{Reply, Seen, Server, ask, collect};

/// What a model with these settings sends.
async fn sent_by(
    request: ModelRequest,
    set: impl FnOnce(AnthropicModelBuilder) -> AnthropicModelBuilder,
) -> Seen {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    let model = set(builder(&server)).build().unwrap();
    collect(&model, request).await;
    server.seen().remove(0)
}

async fn sent(request: ModelRequest) -> Value {
    sent_by(request, |builder| builder).await.body
}

async fn messages(messages: Value) -> Value {
    sent(request(messages)).await["messages"].take()
}

fn request(messages: Value) -> ModelRequest {
    let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
    ModelRequest::new(Transcript::from_messages(messages).unwrap())
}

fn bytes(bytes: &[u8]) -> Value {
    json!({"bytes": ropewalk_core::Blob::from(bytes.to_vec())})
}

fn look() -> ToolSpec {
    ToolSpec::new(
        "look",
        "Looks.",
        json!({"type": "object", "properties": {"x": {"type": "integer"}}}),
    )
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "text", "text": text}]})
}

#[tokio::test]
async fn a_plain_question_is_a_plain_request() {
    let seen = sent_by(ask("How high is Säntis?").with_system("Be brief."), |b| b).await;
    assert_eq!(seen.path, "/v1/messages");
    assert!(seen.head.contains("x-api-key: sk-very-secret-key"), "{}", seen.head);
    assert!(seen.head.contains("anthropic-version: 2023-06-01"));
    assert!(!seen.head.contains("anthropic-beta") && !seen.head.contains("authorization"));
    let expected = json!({
        "model": "claude-sonnet-4-5",
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [user("How high is Säntis?")],
        "max_tokens": 32_000,
        "stream": true,
    });
    assert_eq!(seen.body, expected);
}

#[tokio::test]
async fn a_tool_turn_goes_back_with_its_media_and_results_first() {
    let sent = messages(json!([
        {"role": "user", "content": [{"text": "look"}, {"text": "twice"}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": ropewalk_core::Blob::from(b"sealed".to_vec())}},
            {"text": "  "},
            {"toolUse": {"toolUseId": "a", "name": "look", "input": {"at": "x"}}},
            {"toolUse": {"toolUseId": "b", "name": "look", "input": null}},
        ]},
        {"role": "user", "content": [
            {"text": "and hurry"},
            {"toolResult": {"toolUseId": "a", "status": "success", "content": [
                {"text": "seen"}, {"text": " "}, {"json": {"n": 1}},
                {"image": {"format": "png", "source": bytes(&[1, 2, 3])}}]}},
            {"toolResult": {"toolUseId": "b", "status": "error", "content": [
                {"text": "Error: dark"}, {"image": {"format": "png", "source": bytes(&[1])}}]}},
        ]},
    ]))
    .await;
    let image = |data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "text", "text": "twice"}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "c2VhbGVk"},
            {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "x"}},
            {"type": "tool_use", "id": "b", "name": "look", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": [
                {"type": "text", "text": "seen"}, {"type": "text", "text": "{\"n\":1}"}, image("AQID")]},
            {"type": "tool_result", "tool_use_id": "b", "is_error": true, "content": [
                {"type": "text", "text": "Error: dark"},
                {"type": "text", "text": "[What else came of this is in the user message after the tool results.]"}]},
            {"type": "text", "text": "From the result of the tool call b:"},
            image("AQ=="),
            {"type": "text", "text": "and hurry"},
        ]},
    ]);
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn media_become_blocks() {
    let pdf =
        |source: Value| json!({"document": {"format": "pdf", "name": "plan", "source": source}});
    let at = |uri: &str| json!({"location": {"type": "url", "uri": uri}});
    let sent = messages(json!([{"role": "user", "content": [
        {"image": {"format": "jpg", "source": bytes(&[1])}},
        {"image": {"format": "png", "source": at("https://example.org/a.png")}},
        pdf(bytes(b"%PDF")),
        pdf(at("https://example.org/a.pdf")),
        {"document": {"format": "md", "name": "notes", "source": bytes("# Grüezi".as_bytes()),
            "citations": {"enabled": true}, "context": "Of a walk."}},
        {"guardContent": {"text": {"text": "mind this"}}},
        {"anthropic": {"type": "search_result", "source": "x"}},
        {"hologram": {"angle": 7}},
    ]}]))
    .await;
    let expected = json!([
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AQ=="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "title": "plan",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
        {"type": "document", "title": "plan", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
        {"type": "document", "title": "notes", "context": "Of a walk.", "citations": {"enabled": true},
            "source": {"type": "text", "media_type": "text/plain", "data": "# Grüezi"}},
        {"type": "text", "text": "mind this"},
        {"type": "search_result", "source": "x"},
    ]);
    assert_eq!(sent[0]["content"], expected);
}

/// A conversation may hold what another provider took: the model is told what it does not see.
#[tokio::test]
async fn what_cannot_be_carried_is_named_in_its_place() {
    let elsewhere = json!({"location": {"type": "s3", "uri": "s3://b/k"}});
    for (block, words) in [
        (json!({"video": {"format": "mp4", "source": bytes(&[1])}}), "a film is left out"),
        (json!({"audio": {"format": "wav", "source": bytes(&[1])}}), "sound is left out"),
        (json!({"image": {"format": "bmp", "source": bytes(&[1])}}), "`bmp`"),
        (json!({"image": {"format": "png", "source": elsewhere}}), "a picture is left out"),
        (json!({"document": {"format": "docx", "name": "plan", "source": bytes(&[1])}}), "`docx`"),
        (json!({"document": {"format": "pdf", "name": "plan", "source": elsewhere}}), "`plan`"),
        (json!({"document": {"format": "txt", "name": "plan", "source": elsewhere}}), "`plan`"),
        (json!({"document": {"format": "txt", "name": "plan", "source": bytes(&[0xFF])}}), "UTF-8"),
        (
            json!({"document": {"format": "txt", "name": "plan", "source": bytes(b" ")}}),
            "it is empty",
        ),
    ] {
        let sent = messages(json!([{"role": "user", "content": [block]}])).await;
        let said = sent[0]["content"][0]["text"].as_str().unwrap();
        assert!(said.contains(words), "{said}");
    }
    let sent = messages(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [{"image": {"format": "png", "source": bytes(&[1])}}]},
        {"role": "user", "content": [{"text": "b"}]},
    ]))
    .await;
    assert!(sent[1]["content"][0]["text"].as_str().unwrap().contains("a picture is left out"));
}

#[tokio::test]
async fn a_conversation_begins_and_ends_with_the_user_and_has_no_blank_texts() {
    let sent = messages(json!([
        {"role": "user", "content": []},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [{"text": " \n"}]},
        {"role": "user", "content": [{"text": " "}, {"text": "a"}]},
        {"role": "assistant", "content": [{"text": "b"}]},
    ]))
    .await;
    let expected = json!([
        user("[blank text]"),
        {"role": "assistant", "content": [{"type": "text", "text": "[blank text]"}]},
        user("[blank text]"),
        user("a"),
        {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
        user("Please go on."),
    ]);
    assert_eq!(sent, expected);
    assert_eq!(messages(json!([])).await, json!([user("[blank text]")]));
    let body = sent_by(ask("?").with_system(" "), |b| b).await.body;
    assert_eq!(body.get("system"), None);
}
