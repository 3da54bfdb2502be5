//! What is sent of a conversation.

use pretty_assertions::assert_eq;
use ropewalk_core::{Message, ModelRequest, Transcript};
use serde_json::{Value, json};

use super::builder_of;
use crate::support::{Reply, Server, collect};

/// The contents that a model of this id sends.
async fn contents_of(id: &str, messages: Value) -> Value {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
    let request = ModelRequest::new(Transcript::from_messages(messages).unwrap());
    collect(&builder_of(&server, id).build().unwrap(), request).await;
    server.seen().remove(0).body["contents"].take()
}

async fn contents(messages: Value) -> Value {
    contents_of("gemini-2.5-flash", messages).await
}

async fn user_parts(content: Value) -> Value {
    contents(json!([{"role": "user", "content": content}])).await[0]["parts"].take()
}

fn bytes(bytes: &[u8]) -> Value {
    json!({"bytes": ropewalk_core::Blob::from(bytes.to_vec())})
}

fn at(uri: &str) -> Value {
    json!({"location": {"type": "url", "uri": uri}})
}

fn tool_turn(calls: Value, results: Value) -> Value {
    json!([
        {"role": "user", "content": [{"text": "look"}]},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ])
}

#[tokio::test]
async fn a_tool_turn_goes_back_with_names_ids_and_signatures() {
    let sent = contents(tool_turn(
        json!([
            {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
            {"toolUse": {"toolUseId": "a", "name": "look", "input": {"at": "x"}, "reasoningSignature": "c2ln"}},
            {"toolUse": {"toolUseId": "b", "name": "look", "input": [7]}},
            {"toolUse": {"toolUseId": "c", "name": "look at <this>", "input": null}},
        ]),
        json!([
            {"text": "and hurry"},
            {"toolResult": {"toolUseId": "a", "status": "success", "content": [{"text": "seen"}, {"json": {"n": 1}}]}},
            {"toolResult": {"toolUseId": "b", "status": "error", "content": [{"text": "Error: dark"}]}},
            {"toolResult": {"toolUseId": "c", "status": "error", "content": []}},
        ]),
    ))
    .await;
    let expected = json!([
        {"role": "user", "parts": [{"text": "look"}]},
        {"role": "model", "parts": [
            {"text": "Hm.", "thought": true},
            {"functionCall": {"id": "a", "name": "look", "args": {"at": "x"}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"id": "b", "name": "look", "args": {"input": [7]}}},
            {"functionCall": {"id": "c", "name": "INVALID_TOOL_NAME", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "a", "name": "look", "response": {"output": ["seen", {"n": 1}]}}},
            {"functionResponse": {"id": "b", "name": "look", "response": {"error": "Error: dark"}}},
            {"functionResponse": {"id": "c", "name": "INVALID_TOOL_NAME", "response": {"error": ""}}},
            {"text": "and hurry"},
        ]},
    ]);
    assert_eq!(sent, expected);
}

/// The third generation refuses a call without a signature, so one that another model made is marked.
#[tokio::test]
async fn a_call_of_another_model_is_marked_where_signatures_are_wanted() {
    let calls = |signature: Value| {
        json!([
            {"toolUse": {"toolUseId": "a", "name": "look", "input": {}}},
            {"toolUse": {"toolUseId": "b", "name": "look", "input": {}, "reasoningSignature": signature}},
        ])
    };
    let results = json!([
        {"toolResult": {"toolUseId": "a", "content": []}},
        {"toolResult": {"toolUseId": "b", "content": []}},
    ]);
    for (id, signature, expected) in [
        ("gemini-2.5-pro", json!(null), json!([null, null])),
        ("gemini-2.5-pro", json!("c2ln"), json!([null, "c2ln"])),
        ("gemini-3-pro-preview", json!("c2ln"), json!([null, "c2ln"])),
        ("gemini-flash-latest", json!("c2ln"), json!([null, "c2ln"])),
        ("gemma-3-27b-it", json!("not base64!"), json!([null, null])),
    ] {
        let sent = contents_of(id, tool_turn(calls(signature.clone()), results.clone())).await;
        let parts = sent[1]["parts"].as_array().unwrap().iter();
        let signatures: Value = parts.map(|part| part["thoughtSignature"].clone()).collect();
        assert_eq!(signatures, expected, "{id} {signature}");
    }
    let bare = json!([{"toolUse": {"toolUseId": "a", "name": "look", "input": {}}}]);
    let results = json!([{"toolResult": {"toolUseId": "a", "content": []}}]);
    let sent = contents_of("gemini-3-pro-preview", tool_turn(bare, results)).await;
    assert_eq!(sent[1]["parts"][0]["thoughtSignature"], "skip_thought_signature_validator");
}

#[tokio::test]
async fn thoughts_go_back_with_signatures_of_these_models_only() {
    let thoughts = |text: &str, signature: &str| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}});
    let sent = contents(json!([
        {"role": "user", "content": [{"text": "?"}]},
        {"role": "assistant", "content": [thoughts("Hm.", "gemini:c2lnMQ=="), {"text": "So."}]},
        {"role": "user", "content": [{"text": "?"}]},
        {"role": "assistant", "content": [{"text": "So."}, thoughts("", "gemini:c2lnMg==")]},
        {"role": "user", "content": [{"text": "?"}]},
        {"role": "assistant", "content": [
            thoughts("foreign", "ErUBCkYIBBgC"), thoughts("broken", "gemini:?!"), {"text": "So."},
            {"reasoningContent": {"redactedContent": {"__bytes_encoded__": true, "data": "AQID"}}},
        ]},
        {"role": "user", "content": [{"text": "?"}]},
        {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "Alone."}}}]},
        {"role": "user", "content": [{"text": "?"}]},
    ]))
    .await;
    let parts: Vec<&Value> = [1, 3, 5, 7].iter().map(|at| &sent[at]["parts"]).collect();
    let expected = [
        json!([{"text": "Hm.", "thought": true}, {"text": "So.", "thoughtSignature": "c2lnMQ=="}]),
        json!([{"text": "So."}, {"text": "", "thoughtSignature": "c2lnMg=="}]),
        json!([{"text": "broken", "thought": true}, {"text": "So."}]),
        json!([{"text": "Alone.", "thought": true}, {"text": "[blank text]"}]),
    ];
    assert_eq!(parts, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn parts_that_are_no_blocks_go_back_as_they_came() {
    let code = json!({"executableCode": {"language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "c2ln"});
    let film = json!({"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 1}});
    let sent = contents(json!([
        {"role": "user", "content": [{"gemini": film}, {"text": "?"}]},
        {"role": "assistant", "content": [{"gemini": code}, {"text": "So."}, {"hologram": 7}]},
        {"role": "user", "content": [{"text": "?"}]},
    ]))
    .await;
    assert_eq!(sent[0]["parts"], json!([film, {"text": "?"}]));
    assert_eq!(sent[1]["parts"], json!([code, {"text": "So."}]));
}

#[tokio::test]
async fn media_become_parts() {
    let sent = user_parts(json!([
        {"image": {"format": "jpg", "source": bytes(&[1])}},
        {"image": {"format": "png", "source": at("https://example.org/a.png")}},
        {"document": {"format": "pdf", "name": "plan", "source": bytes(b"%PDF")}},
        {"document": {"format": "md", "name": "notes", "source": bytes("# Grüezi".as_bytes())}},
        {"document": {"format": "txt", "name": "far", "source": at("gs://bucket/far.txt")}},
        {"audio": {"format": "mp3", "source": bytes(&[1])}},
        {"video": {"format": "three_gp", "source": bytes(&[1])}},
        {"video": {"format": "mp4", "source": at("https://www.youtube.com/watch?v=x")}},
        {"cachePoint": {"type": "default"}},
        {"guardContent": {"text": {"text": "mind this"}}},
    ]))
    .await;
    let expected = json!([
        {"inlineData": {"mimeType": "image/jpeg", "data": "AQ=="}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.org/a.png"}},
        {"text": "Document `plan` (pdf):"},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
        {"text": "Document `notes` (md):\n\n# Grüezi"},
        {"text": "Document `far` (txt):"},
        {"fileData": {"mimeType": "text/plain", "fileUri": "gs://bucket/far.txt"}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": "AQ=="}},
        {"inlineData": {"mimeType": "video/3gpp", "data": "AQ=="}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://www.youtube.com/watch?v=x"}},
        {"text": "mind this"},
    ]);
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn what_cannot_be_carried_is_named_in_its_place() {
    let elsewhere = json!({"location": {"type": "s3", "uri": "s3://b/k"}});
    for (block, words) in [
        (json!({"image": {"format": "gif", "source": bytes(&[1])}}), "`gif`"),
        (json!({"image": {"format": "png", "source": elsewhere}}), "a picture is left out"),
        (json!({"video": {"format": "mkv", "source": bytes(&[1])}}), "`mkv`"),
        (json!({"audio": {"format": "mka", "source": bytes(&[1])}}), "`mka`"),
        (json!({"document": {"format": "docx", "name": "plan", "source": bytes(&[1])}}), "`docx`"),
        (json!({"document": {"format": "pdf", "name": "plan", "source": elsewhere}}), "`plan`"),
        (
            json!({"document": {"format": "txt", "name": "plan", "source": bytes(&[0xFF])}}),
            "no UTF-8",
        ),
    ] {
        let sent = user_parts(json!([block])).await;
        let said = sent[0]["text"].as_str().unwrap();
        assert!(said.contains(words) && sent[1].is_null(), "{sent}");
    }
}

#[tokio::test]
async fn media_of_results_go_into_them_or_behind_them() {
    let turn = || {
        tool_turn(
            json!([{"toolUse": {"toolUseId": "a", "name": "look", "input": {}}}]),
            json!([{"toolResult": {"toolUseId": "a", "content": [
                {"text": "seen"},
                {"image": {"format": "png", "source": bytes(&[1, 2, 3])}},
                {"image": {"format": "gif", "source": bytes(&[1])}},
            ]}}, {"text": "well?"}]),
        )
    };
    let gif = "[a picture is left out: its format `gif` can't be sent]";
    let png = json!({"inlineData": {"mimeType": "image/png", "data": "AQID"}});
    let sent = contents_of("gemini-3-flash-preview", turn()).await;
    let expected = json!([
        {"functionResponse": {"id": "a", "name": "look", "response": {"output": ["seen", gif]}, "parts": [png]}},
        {"text": "well?"},
    ]);
    assert_eq!(sent[2]["parts"], expected);
    let sent = contents(turn()).await;
    let behind = "[The picture is behind the tool results.]";
    let expected = json!([
        {"functionResponse": {"id": "a", "name": "look", "response": {"output": ["seen", behind, gif]}}},
        {"text": "The picture from the result of the tool call a:"},
        png,
        {"text": "well?"},
    ]);
    assert_eq!(sent[2]["parts"], expected);
}

#[tokio::test]
async fn roles_take_turns_from_the_user_on() {
    let sent = contents(json!([
        {"role": "assistant", "content": [{"text": "Good day."}]},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [{"text": " "}]},
        {"role": "user", "content": [{"text": "a"}, {"text": ""}]},
        {"role": "assistant", "content": [{"citationsContent": {"citations": [], "content": [{"text": "cited"}]}}]},
        {"role": "user", "content": [{"text": "b"}]},
    ]))
    .await;
    let blank = json!({"text": "[blank text]"});
    let expected = json!([
        {"role": "user", "parts": [blank]},
        {"role": "model", "parts": [{"text": "Good day."}, blank]},
        {"role": "user", "parts": [blank, {"text": "a"}]},
        {"role": "model", "parts": [{"text": "cited"}]},
        {"role": "user", "parts": [{"text": "b"}]},
    ]);
    assert_eq!(sent, expected);
}
