//! What the provider keeps between requests: the points that mark it, and what must not change for it.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::{
    CachePoint, Message, ModelRequest, SystemBlock, SystemPrompt, ToolSpec, Transcript,
};
use serde_json::{Value, json};

use super::{builder, look, request, sent, sent_by, user};
use crate::support::{Reply, Server, collect};

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
