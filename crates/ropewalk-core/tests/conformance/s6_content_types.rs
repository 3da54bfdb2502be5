//! §6 Content types: their JSON, to the letter.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{agent_with, assert_valid, echo};
use crate::support::texts;

/// Reads the JSON, writes it again, and expects the very same.
#[track_caller]
fn round_trip(json: Value) -> ContentBlock {
    let block: ContentBlock = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&block).unwrap(), json);
    block
}

#[track_caller]
fn refused(json: Value) -> String {
    serde_json::from_value::<ContentBlock>(json).unwrap_err().to_string()
}

fn bytes() -> Value {
    json!({"__bytes_encoded__": true, "data": "aGVtcA=="})
}

/// §6 The table of blocks, sources and citations, row by row
#[test]
fn every_block_of_strands_reads_and_writes_the_same_json() {
    let blocks = [
        json!({"text": "hemp"}),
        json!({"text": ""}),
        json!({"image": {"format": "png", "source": {"bytes": bytes()}}}),
        json!({"image": {"format": "webp", "source": {"location":
            {"type": "s3", "uri": "s3://b/k", "bucketOwner": "1"}}}}),
        json!({"document": {"format": "pdf", "name": "n", "source": {"bytes": bytes()},
            "citations": {"enabled": true}, "context": "c"}}),
        json!({"video": {"format": "three_gp", "source": {"bytes": bytes()}}}),
        json!({"audio": {"format": "x-aac", "source": {"bytes": bytes()}}}),
        json!({"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": [1, null, 1.5]}}}),
        json!({"toolUse": {"toolUseId": "t", "name": "n", "input": 7,
            "reasoningSignature": "s"}}),
        json!({"toolResult": {"toolUseId": "t", "status": "success", "content": [
            {"text": "a"}, {"json": {"b": null}},
            {"image": {"format": "gif", "source": {"bytes": bytes()}}},
            {"document": {"format": "md", "name": "d", "source": {"bytes": bytes()}}}]}}),
        json!({"toolResult": {"toolUseId": "t", "status": "error", "content": []}}),
        json!({"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}),
        json!({"reasoningContent": {"reasoningText": {"text": "hm"}}}),
        json!({"reasoningContent": {"redactedContent": bytes()}}),
        json!({"cachePoint": {"type": "default"}}),
        json!({"cachePoint": {"type": "default", "ttl": "1h"}}),
        json!({"guardContent": {"text": {"text": "q", "qualifiers": ["query"]}}}),
        json!({"guardContent": {"text": {"text": "q"}}}),
        json!({"citationsContent": {"citations": [
            {"location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
             "sourceContent": [{"text": "s"}], "title": "t"},
            {"location": {"web": {"url": "u", "domain": "d"}}}, {}],
            "content": [{"text": "c"}]}}),
        json!({"interruptResponse": {"interruptId": "i", "response": false}}),
    ];
    for block in blocks {
        let read = round_trip(block.clone());
        assert!(!matches!(read, ContentBlock::Unknown(_)), "{block} was not understood");
    }
}

/// §6 Unknown kinds are kept: a later version's history passes through
#[test]
fn a_block_that_is_not_known_is_kept_whole() {
    for block in [
        json!({"hologram": {"angle": 7}}),
        json!({"hologram": null}),
        json!({"hologram": 1, "more": 2}),
    ] {
        assert!(matches!(round_trip(block), ContentBlock::Unknown(_)));
    }
}

/// §6 `metadata`, `tracking_id`, and keys of blocks that are not known. Ids of messages are kept where they come
/// from Strands; none are made here.
#[test]
fn keys_that_are_not_known_are_kept() {
    round_trip(json!({"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "x": [1]}}));
    round_trip(json!({"toolResult":
        {"toolUseId": "t", "status": "success", "content": [{"hologram": 1}], "x": {"y": 1}}}));
    round_trip(json!({"cachePoint": {"type": "default", "x": 1}}));
    round_trip(json!({"reasoningContent": {"reasoningText": {"text": "", "x": 1}}}));
    round_trip(json!({"reasoningContent": {"sealedElsewhere": 1}}));
    round_trip(json!({"image": {"format": "png", "source": {"cloud": "c"}, "x": 1}}));
    let message = json!({"role": "user", "content": [{"text": "a"}], "tracking_id": "u",
        "metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
            "metrics": {"latencyMs": 4}, "custom": {"a": 1}, "x": 1}});
    let read: Message = serde_json::from_value(message.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), message);
}

/// §6 "a block may technically contain several keys … A Rust enum should reject this."
#[test]
fn an_object_with_several_keys_is_refused_by_name() {
    let text = refused(json!({"text": "a", "toolUse": {}}));
    assert!(text.contains("`text`") && text.contains("`toolUse`"), "{text}");
    let text = refused(json!({"aaa": 1, "text": "a"}));
    assert!(text.contains("`aaa`") && text.contains("`text`"), "{text}");
    assert!(refused(json!({})).contains("a content block is empty"));
    assert!(refused(json!("text")).contains("a content block: an object with one key"));
}

/// §6 What does not have the shape is refused; Strands takes any map
#[test]
fn a_malformed_block_says_which_one_and_what_is_wrong() {
    for (block, words) in [
        (json!({"text": 7}), ["text", "expected a string"]),
        (json!({"text": null}), ["text", "expected a string"]),
        (json!({"toolUse": {"name": "n", "input": {}}}), ["toolUse", "`toolUseId`"]),
        (json!({"toolUse": {"toolUseId": "t", "input": {}}}), ["toolUse", "`name`"]),
        (
            json!({"toolResult": {"toolUseId": "t", "status": "fine", "content": []}}),
            ["toolResult", "`fine`"],
        ),
        (json!({"image": {"format": "png"}}), ["image", "`source`"]),
    ] {
        let text = refused(block);
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

/// §6 "on disk `{"__bytes_encoded__": true, "data": <base64>}`"
#[test]
fn bytes_must_be_marked_and_be_base64() {
    let source = |bytes: Value| json!({"image": {"format": "png", "source": {"bytes": bytes}}});
    let block = round_trip(source(bytes()));
    let ContentBlock::Image(image) = block else { panic!("{block:?}") };
    let Source::Bytes(blob) = image.source else { panic!() };
    assert_eq!((&blob[..], blob.to_base64().as_str()), (&b"hemp"[..], "aGVtcA=="));
    let text = refused(source(json!({"__bytes_encoded__": false, "data": ""})));
    assert!(text.contains("__bytes_encoded__"), "{text}");
    let text = refused(source(json!({"__bytes_encoded__": true, "data": "aGVtcA"})));
    assert!(text.contains("not base64 with padding"), "{text}");
}

/// §6 `status`: one that is missing, as tools of other SDKs leave it out
#[test]
fn a_result_without_a_status_went_well() {
    let json = json!({"toolUseId": "t", "content": []});
    let result: ToolResult = serde_json::from_value(json).unwrap();
    assert_eq!(result.status, ToolStatus::Success);
}

/// §6 "There is no system role."
#[test]
fn a_role_that_is_not_known_is_refused() {
    let json = json!({"role": "system", "content": []});
    assert!(serde_json::from_value::<Message>(json).is_err());
}

/// §4.9 "text blocks and the texts inside `citationsContent`"
#[test]
fn the_text_of_a_message_counts_plain_and_cited_text_only() {
    let message: Message = serde_json::from_value(json!({"role": "assistant", "content": [
        {"text": "a"},
        {"reasoningContent": {"reasoningText": {"text": "hm"}}},
        {"citationsContent": {"citations": [], "content": [{"text": "b"}, {"text": "c"}]}},
    ]}))
    .unwrap();
    assert_eq!(message.text(), "a\nb\nc");
}

/// §6 "System blocks: `text`, `cachePoint`."
#[test]
fn a_system_prompt_keeps_its_blocks_and_gives_its_text() {
    let json = json!([{"text": "a"}, {"cachePoint": {"type": "default"}}, {"text": "b"}]);
    let prompt: SystemPrompt = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(prompt.text().as_deref(), Some("a\nb"));
    assert_eq!(serde_json::to_value(&prompt).unwrap(), json);
    assert_eq!(SystemPrompt::new([]).text(), None);
}

#[test]
fn usage_adds_up_without_overflow() {
    let mut usage = Usage::new(u64::MAX, 1);
    usage += Usage {
        cache_read_input_tokens: Some(2),
        reasoning_output_tokens: Some(1),
        ..Usage::new(1, 2)
    };
    let expected = Usage {
        input_tokens: u64::MAX,
        output_tokens: 3,
        total_tokens: u64::MAX,
        cache_read_input_tokens: Some(2),
        cache_write_input_tokens: None,
        reasoning_output_tokens: Some(1),
    };
    assert_eq!(usage, expected);
}

/// §6 Tool choice
#[test]
fn tool_choices_have_strands_json() {
    for (choice, json) in [
        (ToolChoice::Auto {}, json!({"auto": {}})),
        (ToolChoice::Any {}, json!({"any": {}})),
        (ToolChoice::Tool { name: "n".into() }, json!({"tool": {"name": "n"}})),
    ] {
        assert_eq!(serde_json::to_value(&choice).unwrap(), json);
        assert_eq!(serde_json::from_value::<ToolChoice>(json).unwrap(), choice);
    }
}

/// §6 The formats of pictures, documents, films and sound: all words of the page, and those that a later
/// version may have
#[test]
fn every_format_is_read_and_written() {
    let kinds = [
        ("image", "png jpeg gif webp avif"),
        ("document", "pdf csv doc docx xls xlsx html txt md odt"),
        ("video", "flv mkv mov mpeg mpg mp4 three_gp webm wmv avi"),
        ("audio", "mp3 opus wav aac flac mp4 ogg mkv mka x-aac m4a mpeg mpga pcm webm aiff"),
    ];
    for (kind, formats) in kinds {
        for format in formats.split(' ') {
            let mut block = json!({"format": format, "source": {"bytes": bytes()}});
            if kind == "document" {
                block["name"] = json!("plan");
            }
            round_trip(json!({kind: block}));
        }
    }
}

/// §6 "other location types allowed by the type, rejected by providers"
#[test]
fn a_source_may_be_anywhere() {
    for location in [
        json!({"type": "s3", "uri": "s3://b/k"}),
        json!({"type": "s3", "uri": "s3://b/k", "bucketOwner": "1"}),
        json!({"type": "https", "uri": "https://example.com/a.png"}),
    ] {
        round_trip(json!({"image": {"format": "png", "source": {"location": location}}}));
    }
}

/// §6 Citation locations: "L is one of (single key)"
#[test]
fn a_citation_may_point_anywhere() {
    let part = json!({"documentIndex": 0, "start": 1, "end": 2});
    for location in [
        json!({"documentChar": part}),
        json!({"documentPage": part}),
        json!({"documentChunk": part}),
        json!({"searchResultLocation": {"searchResultIndex": 0, "start": 1, "end": 2}}),
        json!({"web": {"url": "https://example.com"}}),
        json!({"web": {"url": "https://example.com", "domain": "example.com"}}),
    ] {
        round_trip(json!({"citationsContent":
            {"citations": [{"location": location}], "content": [{"text": "a"}]}}));
    }
}

/// §6 "Guardrail trace (in metadata)": kept as it came
#[test]
fn the_trace_of_a_guardrail_is_kept() {
    let found = json!({"topicPolicy": {"topics": [{"action": "BLOCKED", "detected": true}]}});
    let chunk = json!({"metadata": {
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
        "metrics": {"latencyMs": 4},
        "trace": {"guardrail": {"inputAssessment": {"g": found}, "outputAssessments": {},
            "modelOutput": []}}}});
    let read: ModelChunk = serde_json::from_value(chunk.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), chunk);
}

/// An answer that a guardrail replaced, together with what was said before it.
fn redacted() -> Reply {
    let mut chunks =
        ModelChunk::text_message("x", StopReason::GuardrailIntervened, Usage::default());
    chunks.push(ModelChunk::RedactContent(RedactChunk {
        redact_user_content_message: Some("[gone]".into()),
        redact_assistant_content_message: Some("no".into()),
    }));
    Reply::chunks(chunks)
}

/// §6 User-content redaction: "otherwise the whole content becomes one text block"
#[tokio::test]
async fn a_guardrail_replaces_the_prompt_in_the_history() {
    let model = ScriptedModel::new([redacted(), Reply::text("ok")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    agent.invoke(vec!["secret".into(), "more of it".into()] as Vec<ContentBlock>).await.unwrap();
    assert_eq!(texts(&agent), ["[gone]", "no"]);
    assert_eq!(agent.messages()[0].content, ["[gone]".into()]);
    agent.invoke("and?").await.unwrap();
    assert_eq!(model.requests()[1].messages[0].text(), "[gone]");
}

/// §6 User-content redaction: "If it has tool results: only these are kept, each with its content replaced"
#[tokio::test]
async fn a_guardrail_replaces_tool_results_and_leaves_them_to_their_uses() {
    let uses = [("t1", "a", json!({})), ("t2", "a", json!({}))];
    let model = ScriptedModel::new([Reply::tools(uses), redacted()]);
    let mut agent = agent_with(model, [echo("a")]).await;
    agent.invoke("q").await.unwrap();
    let messages = agent.messages();
    let results: Vec<String> = messages[2].results().map(ToolResult::text).collect();
    assert_eq!(results, ["[gone]", "[gone]"]);
    assert_eq!((messages[0].text().as_str(), messages[3].text().as_str()), ("q", "no"));
    assert_valid(&messages);
}
