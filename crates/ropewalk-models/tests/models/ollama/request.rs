//! What is sent: the conversation, the tools, the parameters.

use pretty_assertions::assert_eq;
use ropewalk_core::{
    ErrorKind, Message, Model as _, ModelRequest, NativeOutput, ToolChoice, ToolSpec, Transcript,
};
use ropewalk_models::{OllamaModel, OllamaModelBuilder};
use serde_json::{Value, json};

use super::builder;
use crate::support::{Reply, Seen, Server, ask, collect};

async fn sent_by(
    request: ModelRequest,
    set: impl FnOnce(OllamaModelBuilder) -> OllamaModelBuilder,
) -> Seen {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    collect(&set(builder(&server)).build().unwrap(), request).await;
    server.seen().remove(0)
}

async fn messages(messages: Value) -> Value {
    let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
    let request = ModelRequest::new(Transcript::from_messages(messages).unwrap());
    sent_by(request, |b| b).await.body["messages"].take()
}

fn bytes(bytes: &[u8]) -> Value {
    json!({"bytes": ropewalk_core::Blob::from(bytes.to_vec())})
}

#[tokio::test]
async fn a_plain_question_is_a_plain_request() {
    let seen = sent_by(ask("How high is Säntis?").with_system("Be brief."), |b| b).await;
    assert_eq!(seen.path, "/api/chat");
    assert!(!seen.head.contains("authorization"));
    let expected = json!({
        "model": "qwen3:4b",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How high is Säntis?"},
        ],
        "stream": true,
        "truncate": false,
    });
    assert_eq!(seen.body, expected);
    let seen = sent_by(ask("?"), |builder| builder.api_key("cloud-key")).await;
    assert!(seen.head.contains("authorization: bearer cloud-key"));
}

#[tokio::test]
async fn a_tool_turn_goes_back_with_names_and_its_pictures_behind() {
    let sent = messages(json!([
        {"role": "user", "content": [{"text": "look"}, {"text": "twice"}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
            {"reasoningContent": {"reasoningText": {"text": "foreign", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": {"__bytes_encoded__": true, "data": "AQID"}}},
            {"text": "Let me see."},
            {"toolUse": {"toolUseId": "a", "name": "look", "input": {"at": "x"}}},
            {"toolUse": {"toolUseId": "b", "name": "look at <this>", "input": 7}},
        ]},
        {"role": "user", "content": [
            {"text": "and hurry"},
            {"toolResult": {"toolUseId": "a", "content": [
                {"text": "seen"}, {"json": {"n": 1}}, {"image": {"format": "png", "source": bytes(&[1, 2, 3])}},
                {"document": {"format": "txt", "name": "notes", "source": bytes(b"high")}}, {"hologram": 7}]}},
            {"toolResult": {"toolUseId": "b", "status": "error", "content": [{"text": "Error: dark"}]}},
        ]},
    ]))
    .await;
    let given = "seen\n{\"n\":1}\n[The image is in the user message after the tool results.]\nDocument `notes` (txt):\n\nhigh";
    let expected = json!([
        {"role": "user", "content": "look\ntwice"},
        {"role": "assistant", "content": "Let me see.", "thinking": "Hm.", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": {"at": "x"}}},
            {"id": "b", "type": "function", "function": {"name": "INVALID_TOOL_NAME", "arguments": {"input": 7}}},
        ]},
        {"role": "tool", "content": given, "tool_name": "look", "tool_call_id": "a"},
        {"role": "tool", "content": "Error: dark", "tool_name": "INVALID_TOOL_NAME", "tool_call_id": "b"},
        {"role": "user", "content": "Image from the result of the tool `look`.\nand hurry", "images": ["AQID"]},
    ]);
    assert_eq!(sent, expected);
}

/// The model is told what it does not see.
#[tokio::test]
async fn media_are_sent_or_named_in_their_place() {
    let web = json!({"location": {"type": "url", "uri": "https://example.org/a.png"}});
    let sent = messages(json!([
        {"role": "user", "content": [
            {"text": "Look:"},
            {"image": {"format": "png", "source": bytes(&[1])}},
            {"document": {"format": "md", "name": "notes", "source": bytes("# Grüezi".as_bytes())}},
            {"image": {"format": "png", "source": web}},
            {"document": {"format": "pdf", "name": "plan", "source": bytes(b"%PDF")}},
            {"audio": {"format": "wav", "source": bytes(&[1])}},
            {"video": {"format": "mp4", "source": bytes(&[1])}},
            {"cachePoint": {"type": "default"}},
            {"guardContent": {"text": {"text": "mind this"}}},
            {"hologram": {"angle": 7}},
        ]},
        {"role": "assistant", "content": [{"image": {"format": "png", "source": bytes(&[1])}}]},
        {"role": "user", "content": [{"image": {"format": "png", "source": bytes(&[2])}}]},
    ]))
    .await;
    let said = sent[0]["content"].as_str().unwrap();
    for words in [
        "Look:\nDocument `notes`",
        "# Grüezi",
        "a picture is left out",
        "`plan` is left out",
        "sound is left out",
        "a film is left out",
        "mind this",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(sent[0]["images"], json!(["AQ=="]));
    assert!(sent[1]["content"].as_str().unwrap().contains("a picture is left out"));
    assert_eq!(sent[2], json!({"role": "user", "content": "", "images": ["Ag=="]}));
}

#[tokio::test]
async fn blank_messages_keep_their_turn() {
    let sent = messages(json!([
        {"role": "user", "content": []},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [{"text": "a"}]},
    ]))
    .await;
    let expected = json!([
        {"role": "user", "content": ""},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "a"},
    ]);
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn settings_stand_where_the_interface_wants_them() {
    let mut request = ask("?");
    request.max_output_tokens = Some(50);
    let seen = sent_by(request, |builder| {
        builder
            .num_ctx(8192)
            .max_tokens(80)
            .temperature(0.5)
            .keep_alive("30m")
            .think("low")
            .param("top_p", 0.9)
            .param("options", json!({"stop": ["x"]}))
            .param("truncate", true)
            .param("shift", false)
    })
    .await;
    let expected = json!({
        "model": "qwen3:4b",
        "messages": [{"role": "user", "content": "?"}],
        "stream": true,
        "truncate": true,
        "shift": false,
        "keep_alive": "30m",
        "think": "low",
        "options": {"num_ctx": 8192, "num_predict": 50, "temperature": 0.5, "top_p": 0.9, "stop": ["x"]},
    });
    assert_eq!(seen.body, expected);
    for (set, expected) in [(json!(20), 20), (json!(-1), 50)] {
        let mut request = ask("?");
        request.max_output_tokens = Some(50);
        let seen = sent_by(request, |builder| builder.param("num_predict", set)).await;
        assert_eq!(seen.body["options"]["num_predict"], expected);
    }
}

#[tokio::test]
async fn tools_and_schemas_are_sent_and_a_choice_is_not() {
    let schema = json!({"type": "object", "properties": {"x": {"type": "string"}}});
    for choice in [None, Some(ToolChoice::Auto {}), Some(ToolChoice::Any {})] {
        let mut request = ask("?").with_tools([ToolSpec::new("look", "Looks.", schema.clone())]);
        request.tool_choice = choice;
        let body = sent_by(request, |b| b).await.body;
        let expected = json!([{"type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": schema}}]);
        assert_eq!(body["tools"], expected);
        assert!(body["tool_choice"].is_null());
    }
    let mut request = ask("?");
    request.output_schema = Some(schema.clone().into());
    assert_eq!(sent_by(request, |b| b).await.body["format"], schema);
}

#[tokio::test]
async fn the_window_is_that_of_the_context() {
    let server = Server::start([]).await;
    let model = builder(&server).build().unwrap();
    assert_eq!((model.id(), model.context_limit()), ("ollama:qwen3:4b", None));
    assert_eq!(model.native_output(), NativeOutput::WithoutTools);
    let model = builder(&server).num_ctx(8192).build().unwrap();
    assert_eq!(model.context_limit(), Some(8192));
    let model = builder(&server).num_ctx(8192).context_limit(6000).build().unwrap();
    assert_eq!(model.context_limit(), Some(6000));
    for key in ["model", "messages", "tools"] {
        let error = builder(&server).param(key, 1).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

/// What people set as the host, and where requests go then.
#[tokio::test]
async fn hosts_are_taken_as_people_write_them() {
    for (host, url) in [
        ("127.0.0.1", "http://127.0.0.1:11434/api/chat"),
        ("0.0.0.0", "http://127.0.0.1:11434/api/chat"),
        ("0.0.0.0:80", "http://127.0.0.1/api/chat"),
        (":8000", "http://127.0.0.1:8000/api/chat"),
        ("box.local:8000/", "http://box.local:8000/api/chat"),
        ("box.local/ollama", "http://box.local:11434/ollama/api/chat"),
        ("[::1]", "http://[::1]:11434/api/chat"),
        ("[::]:8000", "http://[::1]:8000/api/chat"),
        ("http://box.local", "http://box.local/api/chat"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434/api/chat"),
        ("http://box.local:11434/v1", "http://box.local:11434/api/chat"),
        ("http://box.local:11434/api/chat", "http://box.local:11434/api/chat"),
    ] {
        let model = OllamaModel::builder("m").base_url(host).build().unwrap();
        assert!(format!("{model:?}").contains(&format!("url: \"{url}\"")), "{host}: {model:?}");
    }
    for host in ["ftp://box", "a b"] {
        let error = OllamaModel::builder("m").base_url(host).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{host}: {error}");
    }
}

#[tokio::test]
async fn the_models_of_the_server_are_listed() {
    let list = json!({"models": [{"name": "qwen3:4b", "size": 7}, {"odd": 1}]});
    let server = Server::start([Reply::json(200, &[], &list.to_string())]).await;
    let models = builder(&server).build().unwrap().models().await.unwrap();
    let ids: Vec<_> = models.iter().map(|info| &*info.id).collect();
    assert_eq!(ids, ["qwen3:4b"]);
    assert_eq!(server.seen()[0].path, "/api/tags");
}
