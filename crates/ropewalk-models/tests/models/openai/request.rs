//! What is sent: the conversation, the tools, the parameters and the headers.

use std::sync::Arc;

use crate::support::{Reply, Seen, Server, ask, collect};
use pretty_assertions::assert_eq;
use ropewalk_core::{
    ContentBlock, ErrorKind, Message, ModelRequest, Role, ToolChoice, ToolResult, ToolSpec,
    Transcript,
};
use ropewalk_models::{OpenAiChat, OpenAiChatBuilder};
use serde_json::{Value, json};

/// What a model with these settings sends.
async fn sent_by(
    request: ModelRequest,
    set: impl FnOnce(OpenAiChatBuilder) -> OpenAiChatBuilder,
) -> Seen {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    let model = set(server.builder()).build().unwrap();
    collect(&model, request).await;
    server.seen().remove(0)
}

async fn sent(request: ModelRequest) -> Value {
    sent_by(request, |builder| builder).await.body
}

fn request(messages: Value) -> ModelRequest {
    let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
    ModelRequest::new(Transcript::from_messages(messages).unwrap())
}

fn bytes(bytes: &[u8]) -> Value {
    let blob = ropewalk_core::Blob::from(bytes.to_vec());
    json!({"bytes": blob})
}

#[tokio::test]
async fn a_plain_question_is_a_plain_request() {
    let seen = sent_by(ask("How high is Säntis?").with_system("Be brief."), |b| b).await;
    assert_eq!(seen.path, "/v1/chat/completions");
    assert!(seen.head.contains("authorization: bearer sk-very-secret-key"));
    assert!(seen.head.contains("content-type: application/json"));
    let expected = json!({
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How high is Säntis?"},
        ],
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(seen.body, expected);
}

#[tokio::test]
async fn a_tool_turn_goes_back_with_its_media_in_a_user_message() {
    let body = sent(request(json!([
        {"role": "user", "content": [{"text": "look"}, {"text": "twice"}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
            {"text": "  "},
            {"toolUse": {"toolUseId": "a", "name": "look", "input": {"at": "x"}}},
            {"toolUse": {"toolUseId": "b", "name": "look", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"text": "and hurry"},
            {"toolResult": {"toolUseId": "a", "status": "success", "content": [
                {"text": "seen"}, {"json": {"n": 1}},
                {"image": {"format": "png", "source": bytes(&[1, 2, 3])}}]}},
            {"toolResult": {"toolUseId": "b", "status": "error", "content": [{"text": "Error: dark"}]}},
        ]},
    ])))
    .await;
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "text", "text": "twice"}]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{\"at\":\"x\"}"}},
            {"id": "b", "type": "function", "function": {"name": "look", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content":
            "seen\n{\"n\":1}\n[The image is in the user message after the tool results.]"},
        {"role": "tool", "tool_call_id": "b", "content": "Error: dark"},
        {"role": "user", "content": [
            {"type": "text", "text": "Image from the result of the tool call a:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQID"}},
            {"type": "text", "text": "and hurry"},
        ]},
    ]);
    assert_eq!(body["messages"], expected);
}

#[tokio::test]
async fn media_become_parts() {
    let body = sent(request(json!([{"role": "user", "content": [
        {"image": {"format": "jpg", "source": bytes(&[1])}},
        {"image": {"format": "png", "source": {"location": {"type": "url", "uri": "https://example.org/a.png"}}}},
        {"document": {"format": "pdf", "name": "plan", "source": bytes(b"%PDF")}},
        {"document": {"format": "md", "name": "notes.md", "source": bytes("# Grüezi".as_bytes())}},
        {"audio": {"format": "wav", "source": bytes(&[1])}},
        {"cachePoint": {"type": "default"}},
        {"guardContent": {"text": {"text": "mind this"}}},
        {"hologram": {"angle": 7}},
    ]}])))
    .await;
    let expected = json!([
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AQ=="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "file", "file": {"filename": "plan.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
        {"type": "text", "text": "Document `notes.md` (md):\n\n# Grüezi"},
        {"type": "input_audio", "input_audio": {"data": "AQ==", "format": "wav"}},
        {"type": "text", "text": "mind this"},
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
}

/// A conversation may hold what another provider took: the model is told what it does not see.
#[tokio::test]
async fn what_cannot_be_carried_is_named_in_its_place() {
    let elsewhere = json!({"location": {"type": "s3", "uri": "s3://b/k"}});
    for (block, words) in [
        (json!({"video": {"format": "mp4", "source": bytes(&[1])}}), "a film is left out"),
        (json!({"audio": {"format": "flac", "source": bytes(&[1])}}), "`flac`"),
        (json!({"document": {"format": "odt", "name": "plan", "source": bytes(&[1])}}), "`odt`"),
        (json!({"image": {"format": "png", "source": elsewhere}}), "a picture is left out"),
        (json!({"document": {"format": "pdf", "name": "plan", "source": elsewhere}}), "`plan`"),
        (
            json!({"document": {"format": "txt", "name": "plan", "source": bytes(&[0xFF])}}),
            "it is no UTF-8 text",
        ),
    ] {
        let body = sent(request(json!([{"role": "user", "content": [block]}]))).await;
        let said = body["messages"][0]["content"].as_str().unwrap();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn blank_answers_of_the_model_are_filled_in() {
    let body = sent(request(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": []},
        {"role": "user", "content": []},
        {"role": "assistant", "content": [{"text": " \n"}]},
        {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}]},
        {"role": "assistant", "content": [{"citationsContent": {"citations": [], "content": [{"text": "cited"}]}}]},
        {"role": "user", "content": [{"text": "b"}]},
    ])))
    .await;
    let expected = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "[blank text]"},
        {"role": "assistant", "content": "[blank text]"},
        {"role": "assistant", "content": "cited"},
        {"role": "user", "content": "b"},
    ]);
    assert_eq!(body["messages"], expected);
}

/// A server would refuse each later turn because of it.
#[tokio::test]
async fn a_name_that_no_tool_can_have_is_not_sent() {
    for (name, expected) in [
        ("look_up-2", "look_up-2"),
        ("rm -rf", "INVALID_TOOL_NAME"),
        ("", "INVALID_TOOL_NAME"),
        (&"x".repeat(65), "INVALID_TOOL_NAME"),
    ] {
        let body = sent(request(json!([
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": name, "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "status": "error", "content": [{"text": "no"}]}}]},
        ])))
        .await;
        assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["name"], expected);
    }
}

#[tokio::test]
async fn thoughts_go_back_where_they_are_wanted() {
    let conversation = || {
        request(json!([
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "b"}]},
        ]))
    };
    let seen = sent_by(conversation(), |b| b.replay_reasoning("reasoning_content")).await;
    let expected = json!({"role": "assistant", "content": "b", "reasoning_content": "Hm."});
    assert_eq!(seen.body["messages"][1], expected);
    let seen = sent_by(conversation(), |b| b).await;
    assert_eq!(seen.body["messages"][1], json!({"role": "assistant", "content": "b"}));
}

#[tokio::test]
async fn tools_and_choices_are_sent_together_or_not_at_all() {
    let schema = json!({"type": "object", "properties": {"x": {"type": "integer"}}});
    let spec = ToolSpec::new("look", "Looks.", schema.clone());
    for (choice, expected) in [
        (ToolChoice::Auto {}, json!("auto")),
        (ToolChoice::Any {}, json!("required")),
        (
            ToolChoice::Tool { name: "look".into() },
            json!({"type": "function", "function": {"name": "look"}}),
        ),
    ] {
        let mut request = ask("?").with_tools([spec.clone()]);
        request.tool_choice = Some(choice.clone());
        let body = sent(request).await;
        assert_eq!(body["tool_choice"], expected);
        let function = json!({"name": "look", "description": "Looks.", "parameters": schema});
        assert_eq!(body["tools"], json!([{"type": "function", "function": function}]));
        let mut request = ask("?");
        request.tool_choice = Some(choice);
        let body = sent(request).await;
        assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
    }
}

#[tokio::test]
async fn a_schema_for_the_answer_is_strict_if_it_can_be() {
    let closed = json!({"title": "Höhe m", "type": "object", "additionalProperties": false,
        "properties": {"metres": {"type": "integer"}}, "required": ["metres"]});
    let open = json!({"type": "object", "properties": {"metres": {"type": "integer"}}});
    for (schema, name, strict) in [(closed, "H_he_m", true), (open, "answer", false)] {
        let mut request = ask("?");
        request.output_schema = Some(Arc::new(schema.clone()));
        let expected = json!({"type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": strict}});
        assert_eq!(sent(request).await["response_format"], expected);
    }
}

#[test]
fn only_servers_that_are_known_to_hold_to_schemas_are_said_to() {
    use ropewalk_core::{Model, NativeOutput};
    let native = |model: &str, url: &str| {
        let builder = OpenAiChat::builder(model).base_url(url).api_key("k");
        builder.build().unwrap().native_output()
    };
    let official = "https://api.openai.com/v1";
    assert_eq!(native("gpt-4o-mini", official), NativeOutput::WithTools);
    for earlier in ["gpt-3.5-turbo", "gpt-4", "gpt-4-turbo", "o1-mini"] {
        assert_eq!(native(earlier, official), NativeOutput::No, "{earlier}");
    }
    assert_eq!(native("qwen3-8b", "http://127.0.0.1:8080/v1"), NativeOutput::No);
    let builder = OpenAiChat::builder("m").base_url("http://127.0.0.1:8080/v1");
    let model = builder.native_output(NativeOutput::WithoutTools).build().unwrap();
    assert_eq!(model.native_output(), NativeOutput::WithoutTools);
}

/// What a limit leaves for an answer is asked for, unless less was set.
#[tokio::test]
async fn the_rest_of_a_limit_of_output_tokens_is_the_most_that_an_answer_may_have() {
    let limited = |most| {
        let mut request = ask("?");
        request.max_output_tokens = Some(most);
        request
    };
    let seen = sent_by(limited(7), |b| b).await;
    assert_eq!(seen.body["max_tokens"], 7);
    for (set, expected) in [(9, 7), (5, 5)] {
        let seen = sent_by(limited(7), |b| b.max_tokens(set)).await;
        assert_eq!(seen.body["max_tokens"], expected);
    }
    let seen = sent_by(limited(7), |b| b.param("max_completion_tokens", 9)).await;
    assert_eq!(seen.body["max_completion_tokens"], 7);
    assert_eq!(seen.body.get("max_tokens"), None);
    assert_eq!(sent_by(ask("?"), |b| b).await.body.get("max_tokens"), None);
}

#[tokio::test]
async fn settings_reach_the_wire() {
    let seen = sent_by(ask("?"), |b| {
        b.temperature(0.5)
            .max_tokens(9)
            .param("seed", 7)
            .params(json!({"stop": ["x"]}).as_object().unwrap().clone())
            .header("X-Title", "test")
            .organization("org-1")
    })
    .await;
    for (key, value) in [
        ("temperature", json!(0.5)),
        ("max_tokens", json!(9)),
        ("seed", json!(7)),
        ("stop", json!(["x"])),
    ] {
        assert_eq!(seen.body[key], value);
    }
    assert!(
        seen.head.contains("x-title: test") && seen.head.contains("openai-organization: org-1")
    );

    let seen = sent_by(ask("?"), |b| b.param("stream", false)).await;
    assert_eq!((&seen.body["stream"], seen.body.get("stream_options")), (&json!(false), None));
    let seen = sent_by(ask("?"), |b| b.stream_usage(false)).await;
    assert_eq!(seen.body.get("stream_options"), None);
}

#[tokio::test]
async fn base_urls_are_taken_as_people_write_them() {
    for (ending, path) in [
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("", "/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/a/b?api-version=7", "/a/b/chat/completions?api-version=7"),
    ] {
        let server = Server::start([Reply::json(200, &[], "{}")]).await;
        let url = format!("{}{ending}", server.url.trim_end_matches("/v1"));
        let model = OpenAiChat::builder("m").base_url(url).build().unwrap();
        collect(&model, ask("?")).await;
        let seen = server.seen().remove(0);
        assert_eq!(seen.path, path);
        assert!(!seen.head.contains("authorization"), "no key was given");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    use ropewalk_core::Model;
    let at = |url: &str| OpenAiChat::builder("m").base_url(url);
    let local = || at("http://127.0.0.1:1/v1");
    for (builder, kind, words) in [
        (
            OpenAiChat::builder(" ").base_url("http://127.0.0.1/v1"),
            ErrorKind::InvalidInput,
            "id is empty",
        ),
        (at("127.0.0.1:8080/v1"), ErrorKind::InvalidInput, "127.0.0.1:8080/v1"),
        (at("ftp://example.org"), ErrorKind::InvalidInput, "ftp://example.org"),
        (at("http://"), ErrorKind::InvalidInput, "http://"),
        (at("http://me:hush@exa mple/v1"), ErrorKind::InvalidInput, "exa mple"),
        (at("https://api.openai.com/v1"), ErrorKind::Authentication, "OPENAI_API_KEY"),
        (local().api_key("sk-\u{7}hush"), ErrorKind::InvalidInput, "API key"),
        (local().header("x y", "v"), ErrorKind::InvalidInput, "`x y`"),
        (local().header("x-key", "hush\n"), ErrorKind::InvalidInput, "`x-key`"),
        (local().param("messages", "x"), ErrorKind::InvalidInput, "`messages`"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
    let model = local().context_limit(4096).build().unwrap();
    assert_eq!((model.id(), model.context_limit()), ("openai:m", Some(4096)));
}

#[test]
fn known_servers_get_what_they_want() {
    let shown = |url: &str| {
        let model = OpenAiChat::builder("m").base_url(url).api_key("key").max_tokens(9);
        format!("{:?}", model.build().unwrap())
    };
    let openai = shown("https://api.openai.com/v1");
    assert!(openai.contains("\"max_completion_tokens\": Number(9)"), "{openai}");
    assert!(openai.contains("reasoning_field: None") && openai.contains("stream_usage: true"));
    assert!(shown("http://127.0.0.1:1/v1").contains("\"max_tokens\": Number(9)"));
    assert!(shown("https://api.deepseek.com").contains("Some(\"reasoning_content\")"));
    assert!(shown("https://notdeepseek.com").contains("reasoning_field: None"));
    assert!(shown("https://api.mistral.ai/v1").contains("stream_usage: false"));
}

#[test]
fn the_key_is_never_shown() {
    let builder = OpenAiChat::builder("m")
        .base_url("https://me:pass-word@example.org/v1?key=in-the-query")
        .api_key("sk-very-secret-key")
        .header("x-api-key", "other-secret");
    let shown = format!("{builder:?} {:#?}", builder.clone().build().unwrap());
    for secret in ["sk-very", "pass-word", "in-the-query", "other-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("https://example.org/v1/chat/completions"), "{shown}");
}

/// Blocks that a later version may add are kept in the history and must not stop the conversation.
#[tokio::test]
async fn a_message_of_unknown_blocks_is_left_out() {
    let unknown = Message::new(
        Role::User,
        vec![serde_json::from_value::<ContentBlock>(json!({"hologram": {}})).unwrap()],
    );
    let messages = Transcript::from_messages([Message::user("a"), unknown]).unwrap();
    let body = sent(ModelRequest::new(messages)).await;
    assert_eq!(body["messages"], json!([{"role": "user", "content": "a"}]));
}

#[tokio::test]
async fn an_unknown_part_of_a_result_is_left_out() {
    let mut result = ToolResult::success("a", "seen");
    result.content.push(serde_json::from_value(json!({"hologram": {}})).unwrap());
    let mut messages = Transcript::new();
    let call: Message = serde_json::from_value(json!({"role": "assistant", "content": [
        {"toolUse": {"toolUseId": "a", "name": "look", "input": {}}}]}))
    .unwrap();
    messages.push_tool_turn(call, vec![result]).unwrap();
    let body = sent(ModelRequest::new(messages)).await;
    assert_eq!(
        body["messages"][1],
        json!({"role": "tool", "tool_call_id": "a", "content": "seen"})
    );
}

/// Some gateways tell by it which server is meant.
#[tokio::test]
async fn a_host_header_that_was_set_is_sent() {
    let seen = sent_by(ask("?"), |builder| builder.header("host", "models.internal")).await;
    assert!(seen.head.contains("host: models.internal"), "{}", seen.head);
    let seen = sent_by(ask("?"), |builder| builder).await;
    assert!(seen.head.contains("host: 127.0.0.1:"), "{}", seen.head);
}
