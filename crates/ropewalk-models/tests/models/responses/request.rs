//! What is sent.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::{Blob, Model as _, NativeOutput, ToolChoice, ToolSpec};
use ropewalk_models::OpenAiResponses;
use serde_json::{Value, json};

use super::{request, sent_by};
use crate::support::ask;

async fn input(messages: Value) -> Value {
    sent_by(request(messages), |b| b).await.body["input"].take()
}

fn bytes(bytes: &[u8]) -> Value {
    json!({"bytes": Blob::from(bytes.to_vec())})
}

/// Thoughts as this interface keeps them.
fn thoughts(text: &str, seal: Value) -> Value {
    let signature = json!({"openaiResponses": seal}).to_string();
    json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}})
}

#[tokio::test]
async fn a_plain_question_is_a_plain_request() {
    let seen = sent_by(ask("How high is Säntis?").with_system("Be brief."), |b| b).await;
    assert_eq!(seen.path, "/v1/responses");
    assert!(seen.head.contains("authorization: bearer sk-very-secret-key"));
    let expected = json!({
        "model": "test-model",
        "instructions": "Be brief.",
        "input": [{"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "How high is Säntis?"}]}],
        "stream": true,
        "store": false,
    });
    assert_eq!(seen.body, expected);
}

#[tokio::test]
async fn a_tool_turn_becomes_items_with_media_in_the_outputs() {
    let sent = input(json!([
        {"role": "user", "content": [{"text": "look"}, {"text": "twice"}]},
        {"role": "assistant", "content": [
            {"text": "  "},
            {"text": "I look."},
            {"toolUse": {"toolUseId": "a", "name": "look", "input": {"at": "x"}}},
            {"toolUse": {"toolUseId": "b/ü", "name": "rm -rf", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"text": "and hurry"},
            {"toolResult": {"toolUseId": "a", "status": "success", "content": [
                {"text": "seen"}, {"json": {"n": 1}},
                {"image": {"format": "png", "source": bytes(&[1, 2, 3])}}]}},
            {"toolResult": {"toolUseId": "b/ü", "status": "error", "content": [{"text": "Error:"}, {"text": "dark"}]}},
        ]},
    ]))
    .await;
    let fitted = sent[3]["call_id"].clone();
    assert!(fitted.as_str().unwrap().chars().all(|c| c.is_ascii_alphanumeric()));
    let expected = json!([
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "look"}, {"type": "input_text", "text": "twice"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{\"at\":\"x\"}"},
        {"type": "function_call", "call_id": fitted, "name": "INVALID_TOOL_NAME", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": [
            {"type": "input_text", "text": "seen"},
            {"type": "input_text", "text": "{\"n\":1}"},
            {"type": "input_image", "image_url": "data:image/png;base64,AQID"}]},
        {"type": "function_call_output", "call_id": fitted, "output": "Error:\ndark"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and hurry"}]},
    ]);
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn media_become_parts() {
    let sent = input(json!([{"role": "user", "content": [
        {"image": {"format": "jpg", "source": bytes(&[1])}},
        {"image": {"format": "png", "source": {"location": {"type": "url", "uri": "https://example.org/a.png"}}}},
        {"document": {"format": "pdf", "name": "plan", "source": bytes(b"%PDF")}},
        {"document": {"format": "pdf", "name": "plan", "source": {"location": {"type": "url", "uri": "https://example.org/a.pdf"}}}},
        {"document": {"format": "md", "name": "notes.md", "source": bytes("# Grüezi".as_bytes())}},
        {"cachePoint": {"type": "default"}},
        {"guardContent": {"text": {"text": "mind this"}}},
        {"hologram": {"angle": 7}},
    ]}]))
    .await;
    let expected = json!([
        {"type": "input_image", "image_url": "data:image/jpeg;base64,AQ=="},
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "input_file", "filename": "plan.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
        {"type": "input_file", "file_url": "https://example.org/a.pdf"},
        {"type": "input_text", "text": "Document `notes.md` (md):\n\n# Grüezi"},
        {"type": "input_text", "text": "mind this"},
    ]);
    assert_eq!(sent[0]["content"], expected);
}

#[tokio::test]
async fn what_cannot_be_carried_is_named_in_its_place() {
    let elsewhere = json!({"location": {"type": "s3", "uri": "s3://b/k"}});
    for (block, words) in [
        (json!({"video": {"format": "mp4", "source": bytes(&[1])}}), "a film is left out"),
        (json!({"audio": {"format": "mp3", "source": bytes(&[1])}}), "sound is left out"),
        (json!({"document": {"format": "odt", "name": "plan", "source": bytes(&[1])}}), "`odt`"),
        (json!({"image": {"format": "png", "source": elsewhere}}), "a picture is left out"),
        (json!({"document": {"format": "pdf", "name": "plan", "source": elsewhere}}), "`plan`"),
    ] {
        let sent = input(json!([{"role": "user", "content": [block]}])).await;
        let said = sent[0]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn thoughts_go_back_to_whom_they_came_from() {
    let sealed = json!({"server": "127.0.0.1", "id": "rs_1", "encrypted_content": "x"});
    let known = json!({"server": "127.0.0.1", "id": "rs_1"});
    let plain = json!({"server": "127.0.0.1", "id": "rs_1", "is_plain": true});
    let elsewhere = json!({"server": "api.openai.com", "id": "rs_1", "encrypted_content": "x"});
    let summary = json!([{"type": "summary_text", "text": "Hm."}]);
    let items = [
        (
            thoughts("Hm.", sealed.clone()),
            false,
            json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "x", "summary": summary}),
        ),
        (
            thoughts("", sealed),
            false,
            json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "x", "summary": []}),
        ),
        // What is not encrypted is known by its id, to a server that keeps its answers.
        (thoughts("Hm.", known.clone()), false, Value::Null),
        (
            thoughts("Hm.", known),
            true,
            json!({"type": "reasoning", "id": "rs_1", "summary": summary}),
        ),
        (
            thoughts("Hm.", plain),
            false,
            json!({"type": "reasoning", "id": "rs_1", "summary": [],
            "content": [{"type": "reasoning_text", "text": "Hm."}]}),
        ),
        (thoughts("Hm.", elsewhere), true, Value::Null),
        (
            json!({"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2lnbmVk"}}}),
            true,
            Value::Null,
        ),
        (json!({"reasoningContent": {"reasoningText": {"text": "Hm."}}}), true, Value::Null),
        (json!({"reasoningContent": {"redactedContent": Blob::from(vec![1])}}), true, Value::Null),
    ];
    for (block, stored, expected) in items {
        let conversation = request(json!([
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [block, {"text": "b"}]},
        ]));
        let sent = sent_by(conversation, |b| b.param("store", stored)).await.body["input"].take();
        let said = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]});
        let rest = sent.as_array().unwrap()[1..].to_vec();
        assert_eq!(
            rest,
            [expected, said].into_iter().filter(|it| !it.is_null()).collect::<Vec<_>>()
        );
    }
    // Thoughts that lead to nothing are refused.
    let alone =
        thoughts("Hm.", json!({"server": "127.0.0.1", "id": "rs_1", "encrypted_content": "x"}));
    let sent = input(json!([{"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [alone]}])).await;
    assert_eq!(sent.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn items_of_the_server_and_phases_go_back() {
    let own = |server: &str, kind: &str| json!({"openaiResponses": {"server": server, "item": {"type": kind, "id": "x"}}});
    let fields = json!({"openaiResponses": {"server": "127.0.0.1", "phases": [
        {"at": 0, "phase": "commentary"}, {"at": 4, "phase": "final_answer"}]}});
    let sent = input(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [
            {"text": "Let me see."}, own("127.0.0.1", "web_search_call"), own("127.0.0.1", "custom_tool_call"),
            own("api.openai.com", "web_search_call"), {"text": "High."}, {"citationsContent": {"citations": [], "content": [{"text": "Cited."}]}},
        ], "metadata": {"additionalModelResponseFields": fields}},
    ]))
    .await;
    let words = |text: &str| json!({"type": "output_text", "text": text});
    let expected = json!([
        {"type": "message", "role": "assistant", "content": [words("Let me see.")], "phase": "commentary"},
        {"type": "web_search_call", "id": "x"},
        {"type": "message", "role": "assistant", "content": [words("High.")], "phase": "final_answer"},
        {"type": "message", "role": "assistant", "content": [words("Cited.")]},
    ]);
    assert_eq!(Value::from(sent.as_array().unwrap()[1..].to_vec()), expected);
}

#[tokio::test]
async fn tools_of_ours_and_of_the_server_are_sent_together() {
    let schema = json!({"type": "object", "properties": {"x": {"type": "integer"}}});
    let spec = ToolSpec::new("look", "Looks.", schema.clone());
    let ours = json!({"type": "function", "name": "look", "description": "Looks.", "parameters": schema, "strict": false});
    for (choice, expected) in [
        (ToolChoice::Auto {}, json!("auto")),
        (ToolChoice::Any {}, json!("required")),
        (ToolChoice::Tool { name: "look".into() }, json!({"type": "function", "name": "look"})),
    ] {
        let mut request = ask("?").with_tools([spec.clone()]);
        request.tool_choice = Some(choice.clone());
        let seen = sent_by(request, |b| {
            b.server_tool(json!({"type": "web_search"}))
                .param("tools", json!([{"type": "code_interpreter"}]))
        })
        .await;
        assert_eq!(seen.body["tool_choice"], expected);
        assert_eq!(
            seen.body["tools"],
            json!([ours, {"type": "web_search"}, {"type": "code_interpreter"}])
        );
        let mut request = ask("?");
        request.tool_choice = Some(choice);
        let body = sent_by(request, |b| b).await.body;
        assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
    }
}

#[tokio::test]
async fn a_schema_for_the_answer_stands_beside_what_is_set_of_its_text() {
    let schema = json!({"title": "Höhe m", "type": "object", "additionalProperties": false,
        "properties": {"metres": {"type": "integer"}}, "required": ["metres"]});
    let mut request = ask("?");
    request.output_schema = Some(Arc::new(schema.clone()));
    let body = sent_by(request, |b| b.param("text", json!({"verbosity": "low"}))).await.body;
    let format = json!({"type": "json_schema", "name": "H_he_m", "schema": schema, "strict": true});
    assert_eq!(body["text"], json!({"verbosity": "low", "format": format}));
}

#[tokio::test]
async fn the_rest_of_a_limit_of_output_tokens_is_the_most_that_an_answer_may_have() {
    for (set, expected) in [(None, 7), (Some(9), 7), (Some(5), 5)] {
        let mut request = ask("?");
        request.max_output_tokens = Some(7);
        let seen = sent_by(request, |b| match set {
            Some(most) => b.max_tokens(most),
            None => b,
        })
        .await;
        assert_eq!(seen.body["max_output_tokens"], expected);
    }
}

#[tokio::test]
async fn thoughts_are_asked_for_where_the_server_encrypts_them() {
    let seen = sent_by(ask("?"), |b| {
        let more = json!(["web_search_call.action.sources"]);
        b.encrypted_reasoning(true).param("include", more).organization("org-1")
    })
    .await;
    let include = json!(["web_search_call.action.sources", "reasoning.encrypted_content"]);
    assert_eq!(seen.body["include"], include);
    assert!(seen.head.contains("openai-organization: org-1"));
    let asks = |model: &str, url: &str| {
        let model = OpenAiResponses::builder(model).base_url(url).api_key("k").build().unwrap();
        format!("{model:?}").contains("encrypts: true")
    };
    assert!(
        asks("gpt-5.2", "https://api.openai.com/v1")
            && asks("o4-mini", "https://api.openai.com/v1")
    );
    assert!(asks("grok-4", "https://api.x.ai/v1"));
    for thoughtless in ["gpt-4o", "gpt-4.1-nano", "chatgpt-4o-latest", "gpt-5-chat-latest"] {
        assert!(!asks(thoughtless, "https://api.openai.com/v1"), "{thoughtless}");
    }
    assert!(!asks("any", "http://127.0.0.1:8080/v1"));
}

#[test]
fn only_openai_is_known_to_hold_to_schemas() {
    let native = |model: &str, url: &str| {
        let model = OpenAiResponses::builder(model).base_url(url).api_key("k").build().unwrap();
        assert!(model.id().starts_with("openai-responses:"));
        model.native_output()
    };
    assert_eq!(native("gpt-5.2", "https://api.openai.com/v1/responses"), NativeOutput::WithTools);
    assert_eq!(native("gpt-4", "https://api.openai.com/v1"), NativeOutput::No);
    assert_eq!(native("any", "http://127.0.0.1:8080/v1"), NativeOutput::No);
}
