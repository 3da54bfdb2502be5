//! What earlier answers held, of this provider or another: thoughts, calls, what ran at the provider, and sources.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{messages, user};

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
