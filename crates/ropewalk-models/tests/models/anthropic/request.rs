//! What is sent: the conversation, the tools, the parameters and the headers.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::{
    CachePoint, Message, ModelRequest, SystemBlock, SystemPrompt, ToolChoice, ToolSpec, Transcript,
};
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
async fn thoughts_that_the_provider_does_not_know_are_left_out() {
    let thought = |signature: Value| json!({"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": signature}}});
    let sent = messages(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
            thought(json!("")), thought(json!("gemini:c2ln")), thought(json!("{\"openai\":{}}")),
            thought(json!("c2ln+/=")),
            {"reasoningContent": {"redactedContent": ropewalk_core::Blob::from(vec![0xFF])}},
            {"text": "b"}]},
        {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}]},
        {"role": "user", "content": [{"text": "c"}]},
    ]))
    .await;
    let expected = json!([
        user("a"),
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln+/="},
            {"type": "redacted_thinking", "data": "/w=="},
            {"type": "text", "text": "b"}]},
        user("c"),
    ]);
    assert_eq!(sent, expected);
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

/// Ids that the interface refuses, ids that come again (other providers count anew in each answer), names that no
/// tool can have, arguments that are no object.
#[tokio::test]
async fn foreign_calls_are_fitted() {
    let turn = |id: &str, name: &str, input: Value| {
        [
            json!({"role": "assistant", "content": [{"toolUse": {"toolUseId": id, "name": name, "input": input}}]}),
            json!({"role": "user", "content": [{"toolResult": {"toolUseId": id, "content": []}}]}),
        ]
    };
    let mut all = vec![json!({"role": "user", "content": [{"text": "a"}]})];
    all.extend(turn("look.0", "look", json!({})));
    all.extend(turn("call_0", "rm -rf", json!([1])));
    all.extend(turn("call_0", "", json!("x")));
    all.extend(turn(&"x".repeat(65), "look", json!({"a": {"b": 1}})));
    let sent = messages(all.into()).await;
    let mut seen = Vec::new();
    for at in [1, 3, 5, 7] {
        let call = &sent[at]["content"][0];
        let id = call["id"].as_str().unwrap();
        assert!(
            id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "{id}"
        );
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": []});
        assert_eq!(sent[at + 1]["content"][0], result);
        assert!(!seen.contains(&id), "{id} comes again");
        seen.push(id);
    }
    assert_eq!(sent[3]["content"][0]["id"], "call_0");
    let names: Vec<&Value> = [1, 3, 5].iter().map(|at| &sent[*at]["content"][0]["name"]).collect();
    assert_eq!(names, ["look", "INVALID_TOOL_NAME", "INVALID_TOOL_NAME"]);
    assert_eq!(sent[3]["content"][0]["input"], json!({"value": [1]}));
    assert_eq!(sent[7]["content"][0]["input"], json!({"a": {"b": 1}}));
    // The same id twice in one message, as a crash or another library may leave it.
    let call = json!({"toolUse": {"toolUseId": "a", "name": "look", "input": {}}});
    let result = json!({"toolResult": {"toolUseId": "a", "status": "error", "content": []}});
    let sent = messages(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [call, call]},
        {"role": "user", "content": [result, result]},
    ]))
    .await;
    let ids = |at: usize, key: &str| {
        let blocks = sent[at]["content"].as_array().unwrap();
        blocks.iter().map(|block| block[key].clone()).collect::<Vec<_>>()
    };
    let calls = ids(1, "id");
    assert_ne!(calls[0], calls[1]);
    assert_eq!(calls, ids(2, "tool_use_id"));
    assert!(
        !sent[2]["content"][0]["content"].as_array().unwrap().is_empty(),
        "a failure says something"
    );
}

#[tokio::test]
async fn cache_points_mark_the_block_before_them() {
    let point = json!({"cachePoint": {"type": "default"}});
    let long = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    let mut request = request(json!([
        {"role": "user", "content": [point, {"text": "\u{1}a"}, long, {"text": "b"}]},
        {"role": "assistant", "content": [
            {"text": "c"}, {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}}, point, point]},
        {"role": "user", "content": [{"text": "d"}]},
    ]));
    let text = |text: &str| SystemBlock::Text(text.into());
    let long = CachePoint { ttl: Some("1h".into()), ..CachePoint::default() };
    let blocks = [
        SystemBlock::CachePoint(long.clone()),
        text("x"),
        text("y"),
        SystemBlock::CachePoint(long.clone()),
    ];
    request.system = Some(SystemPrompt::new(blocks));
    let request = request.with_tools([look(), look()]);
    let body = sent_by(request, |b| b.cache_tools(long)).await.body;
    let long = json!({"type": "ephemeral", "ttl": "1h"});
    assert_eq!(body["tools"][0].get("cache_control"), None);
    assert_eq!(body["tools"][1]["cache_control"], long);
    let expected = json!([{"type": "text", "text": "x"}, {"type": "text", "text": "y", "cache_control": long}]);
    assert_eq!(body["system"], expected);
    let expected = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "\u{1}a", "cache_control": long}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "c", "cache_control": {"type": "ephemeral"}},
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]},
        user("d"),
    ]);
    assert_eq!(body["messages"], expected);
}

/// The interface refuses a fifth mark, and one that lasts longer behind one that lasts shorter.
#[tokio::test]
async fn a_request_has_four_cache_points_and_the_long_ones_first() {
    let point = json!({"cachePoint": {"type": "default"}});
    let long = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
    let conversation = || {
        let mut request = request(json!([
            {"role": "user", "content": [{"text": "a"}, point, {"text": "b"}, point]},
            {"role": "user", "content": [{"text": "c"}, point]},
            {"role": "user", "content": [{"text": "d"}, long]},
        ]));
        let system =
            [SystemBlock::Text("x".into()), SystemBlock::CachePoint(CachePoint::default())];
        request.system = Some(SystemPrompt::new(system));
        request
    };
    let marked = |body: &Value| -> Vec<String> {
        let mut marked = Vec::new();
        let messages = body["messages"].as_array().unwrap().iter().map(|said| &said["content"]);
        for block in
            [&body["system"]].into_iter().chain(messages).flat_map(|it| it.as_array().unwrap())
        {
            if let Some(control) = block.get("cache_control") {
                assert_eq!(control, &json!({"type": "ephemeral"}));
                marked.push(block["text"].as_str().unwrap().to_owned());
            }
        }
        marked
    };
    assert_eq!(marked(&sent(conversation()).await), ["x", "b", "c", "d"]);
    let automatic = json!({"type": "ephemeral"});
    let body = sent_by(conversation(), |b| b.param("cache_control", automatic)).await.body;
    assert_eq!(marked(&body), ["x", "c", "d"]);
}

#[tokio::test]
async fn tools_and_choices_are_sent_together_or_not_at_all() {
    for (choice, expected) in [
        (ToolChoice::Auto {}, json!({"type": "auto"})),
        (ToolChoice::Any {}, json!({"type": "any"})),
        (ToolChoice::Tool { name: "look".into() }, json!({"type": "tool", "name": "look"})),
    ] {
        let mut request = ask("?").with_tools([look()]);
        request.tool_choice = Some(choice.clone());
        let body = sent(request).await;
        assert_eq!(body["tool_choice"], expected);
        let schema = &look().input_schema;
        assert_eq!(
            body["tools"],
            json!([{"name": "look", "description": "Looks.", "input_schema": schema}])
        );
        let mut request = ask("?");
        request.tool_choice = Some(choice);
        let body = sent(request).await;
        assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
    }
    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    let seen = sent_by(ask("?").with_tools([look()]), |b| b.server_tool(search.clone())).await;
    assert_eq!(seen.body["tools"][1], search);
    let seen = sent_by(ask("?"), |b| b.server_tool(search.clone())).await;
    assert_eq!(seen.body["tools"], json!([search]));
    // A conversation with calls is refused without tools, as when it is summarised.
    let body = sent(request(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "a", "name": "look", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": []}}]},
    ])))
    .await;
    assert_eq!(
        (&body["tools"][0]["name"], &body["tool_choice"]),
        (&json!("unused"), &json!({"type": "none"}))
    );
}

#[tokio::test]
async fn what_ran_at_the_provider_goes_back_whole_or_not_at_all() {
    let call = |id: &str| json!({"anthropic": {"type": "server_tool_use", "id": id, "name": "web_search", "input": {}}});
    let result = |id: &str| json!({"anthropic": {"type": "web_search_tool_result", "tool_use_id": id, "content": []}});
    let said = |blocks: Value| {
        messages(json!([
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": [{"text": "b"}]},
        ]))
    };
    let sent =
        said(json!([call("s1"), result("s1"), call("s2"), result("s3"), {"text": "High."}])).await;
    let expected = json!([call("s1")["anthropic"], result("s1")["anthropic"], {"type": "text", "text": "High."}]);
    assert_eq!(sent[1]["content"], expected);
    // A turn that the provider paused goes on where it was.
    let sent = messages(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [{"text": "So:"}, call("s1")]},
    ]))
    .await;
    let expected = json!([user("a"), {"role": "assistant", "content": [
        {"type": "text", "text": "So:"}, call("s1")["anthropic"]]}]);
    assert_eq!(sent, expected);
    // A call that waits for one of ours has its result later.
    let ours = json!({"toolUse": {"toolUseId": "a", "name": "look", "input": {}}});
    let mut turn = vec![
        json!({"role": "user", "content": [{"text": "a"}]}),
        json!({"role": "assistant", "content": [call("s1"), ours]}),
        json!({"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": []}}]}),
    ];
    let sent = messages(turn.clone().into()).await;
    assert_eq!(sent[1]["content"][0], call("s1")["anthropic"]);
    turn.push(json!({"role": "assistant", "content": [result("s1"), {"text": "High."}]}));
    turn.push(json!({"role": "user", "content": [{"text": "b"}]}));
    let sent = messages(turn.clone().into()).await;
    assert_eq!(sent[1]["content"][0], call("s1")["anthropic"]);
    assert_eq!(sent[3]["content"][0], result("s1")["anthropic"]);
    turn[3] = json!({"role": "assistant", "content": [{"text": "High."}]});
    let sent = messages(turn.into()).await;
    assert_eq!(sent[1]["content"][0]["type"], "tool_use");
}

#[tokio::test]
async fn sources_go_back_as_they_came_and_foreign_ones_not() {
    let sent = messages(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [{"citationsContent": {
            "content": [{"text": "It is "}, {"text": "high."}],
            "citations": [
                {"location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
                    "sourceContent": [{"text": "High."}], "title": "Säntis"},
                {"location": {"web": {"url": "https://example.org"}}, "title": "S", "encrypted_index": "abc"},
                {"location": {"searchResultLocation": {"searchResultIndex": 0, "start": 0, "end": 1}},
                    "title": "T", "source": "mine"},
                {"location": {"anthropic": {"type": "from_a_dream"}}},
                {"location": {"web": {"url": "https://example.org", "domain": "example.org"}}},
                {"location": {"documentChar": {"documentIndex": "first"}}},
                {"title": "nowhere"},
            ]}},
            {"citationsContent": {"content": [{"text": "Uncited."}], "citations": []}}]},
        {"role": "user", "content": [{"text": "b"}]},
    ]))
    .await;
    let expected = json!([
        {"type": "text", "text": "It is high.", "citations": [
            {"type": "page_location", "cited_text": "High.", "document_index": 0, "document_title": "Säntis",
                "start_page_number": 1, "end_page_number": 2},
            {"type": "web_search_result_location", "cited_text": "", "encrypted_index": "abc", "title": "S",
                "url": "https://example.org"},
            {"type": "search_result_location", "cited_text": "", "search_result_index": 0, "source": "mine",
                "title": "T", "start_block_index": 0, "end_block_index": 1},
            {"type": "from_a_dream"}]},
        {"type": "text", "text": "Uncited."},
    ]);
    assert_eq!(sent[1]["content"], expected);
}

#[tokio::test]
async fn thinking_is_left_out_where_the_interface_refuses_it() {
    let thinking = |body: Value| body.get("thinking").cloned();
    let enabled = json!({"type": "enabled", "budget_tokens": 4_000});
    for (choice, expected) in [
        (None, Some(&enabled)),
        (Some(ToolChoice::Auto {}), Some(&enabled)),
        (Some(ToolChoice::Any {}), None),
        (Some(ToolChoice::Tool { name: "look".into() }), None),
    ] {
        let mut request = ask("?").with_tools([look()]);
        request.tool_choice = choice.clone();
        let body = sent_by(request.clone(), |b| b.thinking(4_000)).await.body;
        assert_eq!(thinking(body).as_ref(), expected);
        let adaptive = json!({"type": "adaptive"});
        let body = sent_by(request.clone(), |b| b.param("thinking", adaptive.clone())).await.body;
        assert_eq!(thinking(body), expected.map(|_| adaptive));
        let disabled = json!({"type": "disabled"});
        let body = sent_by(request, |b| b.param("thinking", disabled.clone())).await.body;
        assert_eq!(thinking(body), Some(disabled));
    }
    // In the middle of a turn that began without thoughts of this provider.
    let going_on = |blocks: Value| {
        request(json!([
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "a", "content": []}}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "b", "name": "look", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "b", "content": []}}]},
        ]))
        .with_tools([look()])
    };
    let call = json!({"toolUse": {"toolUseId": "a", "name": "look", "input": {}}});
    let thought = |signature: &str| json!({"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": signature}}});
    for (blocks, expected) in [
        (json!([thought("c2ln"), call]), Some(enabled)),
        (json!([thought("gemini:c2ln"), call]), None),
        (json!([call]), None),
    ] {
        let body = sent_by(going_on(blocks), |b| b.thinking(4_000)).await.body;
        assert_eq!(thinking(body), expected);
    }
}

/// What a limit leaves for an answer is asked for, unless less was set; thinking is a part of it.
#[tokio::test]
async fn an_answer_may_have_what_was_set_and_no_more_than_a_limit_leaves() {
    let limited = |most| {
        let mut request = ask("?");
        request.max_output_tokens = Some(most);
        request
    };
    for (set, limit, expected) in [
        (None, None, 32_000),
        (Some(900), None, 900),
        (Some(900), Some(50), 50),
        (Some(9), Some(50), 9),
        (None, Some(0), 1),
    ] {
        let request = limit.map_or_else(|| ask("?"), limited);
        let body = sent_by(request, |b| match set {
            Some(most) => b.max_tokens(most),
            None => b,
        });
        assert_eq!(body.await.body["max_tokens"], expected);
    }
    let body = sent_by(ask("?"), |b| b.thinking(10_000)).await.body;
    assert_eq!(body["max_tokens"], 42_000);
    let body = sent_by(limited(8_000), |b| b.thinking(10_000)).await.body;
    assert_eq!(
        (&body["max_tokens"], &body["thinking"]["budget_tokens"]),
        (&json!(8_000), &json!(4_000))
    );
    let body = sent_by(limited(1_000), |b| b.thinking(10_000)).await.body;
    assert_eq!((&body["max_tokens"], body.get("thinking")), (&json!(1_000), None));
}

#[tokio::test]
async fn settings_reach_the_wire() {
    let seen = sent_by(ask("?"), |b| {
        b.temperature(0.5)
            .stop_sequences(["END", "STOP"])
            .param("top_k", 7)
            .params(json!({"metadata": {"user_id": "u"}}).as_object().unwrap().clone())
            .beta("context-1m-2025-08-07")
            .beta("interleaved-thinking-2025-05-14")
            .header("anthropic-version", "2099-01-01")
    })
    .await;
    for (key, value) in [
        ("temperature", json!(0.5)),
        ("stop_sequences", json!(["END", "STOP"])),
        ("top_k", json!(7)),
        ("metadata", json!({"user_id": "u"})),
    ] {
        assert_eq!(seen.body[key], value);
    }
    let betas = "anthropic-beta: context-1m-2025-08-07,interleaved-thinking-2025-05-14";
    assert!(seen.head.contains(betas), "{}", seen.head);
    assert!(seen.head.contains("anthropic-version: 2099-01-01"));
    let seen = sent_by(ask("?"), |b| b.param("stream", false)).await;
    assert_eq!(seen.body["stream"], false);
    for ending in ["", "/", "/v1", "/v1/", "/v1/messages", "/proxy?x=1"] {
        let server = Server::start([Reply::json(200, &[], "{}")]).await;
        let model =
            builder(&server).base_url(format!("{}{ending}", server.origin)).build().unwrap();
        collect(&model, ask("?")).await;
        let path =
            if ending.starts_with("/proxy") { "/proxy/v1/messages?x=1" } else { "/v1/messages" };
        assert_eq!(server.seen()[0].path, path);
    }
}

/// What was sent once is not rendered again, and tools and points do not wander from one request to the next.
#[tokio::test]
async fn a_longer_conversation_begins_as_the_shorter_one_did() {
    let server = Server::start([Reply::json(200, &[], "{}"), Reply::json(200, &[], "{}")]).await;
    let model = builder(&server).build().unwrap();
    let mut messages = Transcript::from_messages([Message::user("a")]).unwrap();
    let tools: Arc<[Arc<ToolSpec>]> = Arc::new([Arc::new(look())]);
    for _ in 0..2 {
        let mut request = ModelRequest::new(messages.clone());
        request.tools = Arc::clone(&tools);
        collect(&model, request).await;
        messages.push(Message::assistant("b")).unwrap();
        messages.push(Message::user("c")).unwrap();
    }
    let [first, second] = &server.seen()[..] else { panic!() };
    assert_eq!(first.body["messages"][0], second.body["messages"][0]);
    assert_eq!(first.body["tools"], second.body["tools"]);
    assert_eq!(second.body["messages"].as_array().unwrap().len(), 3);
}
