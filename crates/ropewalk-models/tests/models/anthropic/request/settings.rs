//! What is sent beside the conversation, and where to.

use pretty_assertions::assert_eq;
use ropewalk_core::ToolChoice;
use serde_json::{Value, json};

use super::{builder, look, request, sent, sent_by};
use crate::support::{Reply, Server, ask, collect};

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
