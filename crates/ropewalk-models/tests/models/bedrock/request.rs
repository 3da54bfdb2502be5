//! What is sent: the conversation, the tools, the settings and the headers.

use pretty_assertions::assert_eq;
use ropewalk_core::{
    CachePoint, Message, ModelRequest, SystemBlock, ToolChoice, ToolSpec, Transcript,
};
use ropewalk_models::{BedrockCaching, BedrockGuardrail, BedrockModelBuilder};
use serde_json::{Value, json};

use super::{builder_for, hello, reply};
use crate::support::{Seen, Server, ask, collect};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-6";
const NOVA: &str = "eu.amazon.nova-lite-v1:0";

/// What a model with these settings sends.
async fn sent_by(
    model: &str,
    request: ModelRequest,
    set: impl FnOnce(BedrockModelBuilder) -> BedrockModelBuilder,
) -> Seen {
    let server = Server::start([reply(&hello())]).await;
    let model = set(builder_for(&server, model)).build().unwrap();
    collect(&model, request).await;
    server.seen().remove(0)
}

async fn sent(model: &str, request: ModelRequest) -> Value {
    sent_by(model, request, |builder| builder).await.body
}

fn request(messages: Value) -> ModelRequest {
    let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
    ModelRequest::new(Transcript::from_messages(messages).unwrap())
}

fn bytes(bytes: &[u8]) -> Value {
    json!({"bytes": ropewalk_core::Blob::from(bytes.to_vec())})
}

fn look() -> ToolSpec {
    ToolSpec::new("look", "Looks.", json!({"type": "object", "properties": {}}))
}

#[tokio::test]
async fn a_plain_question_is_a_plain_request() {
    let seen = sent_by(NOVA, ask("How high is Säntis?").with_system("Be brief."), |b| b).await;
    assert_eq!(seen.path, "/model/eu.amazon.nova-lite-v1%3a0/converse-stream");
    assert!(
        seen.head.contains("authorization: aws4-hmac-sha256 credential=akidexample/"),
        "{}",
        seen.head
    );
    assert!(seen.head.contains("/eu-north-1/bedrock/aws4_request"), "{}", seen.head);
    assert!(seen.head.contains("content-type: application/json"));
    assert!(seen.head.contains("aws-sdk-rust/"), "{}", seen.head);
    let expected = json!({
        "messages": [{"role": "user", "content": [{"text": "How high is Säntis?"}]}],
        "system": [{"text": "Be brief."}],
    });
    assert_eq!(seen.body, expected);
    let seen = sent_by(NOVA, ask("?"), |b| b.api_key("bedrock-api-key")).await;
    assert!(seen.head.contains("authorization: bearer bedrock-api-key"), "{}", seen.head);
}

#[tokio::test]
async fn a_tool_turn_goes_back_as_it_was() {
    let conversation = || {
        request(json!([
            {"role": "user", "content": [{"text": "look"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
                {"reasoningContent": {"reasoningText": {"text": "Unsigned."}}},
                {"reasoningContent": {"reasoningText": {"text": "Gemini's.", "signature": "gemini:c2ln"}}},
                {"reasoningContent": {"redactedContent": {"__bytes_encoded__": true, "data": "AQID"}}},
                {"text": "  "},
                {"toolUse": {"toolUseId": "a:1", "name": "rm -rf", "input": [1]}},
                {"toolUse": {"toolUseId": "b", "name": "look", "input": {"at": "x"}}},
            ]},
            {"role": "user", "content": [
                {"text": "and hurry"},
                {"toolResult": {"toolUseId": "a:1", "status": "error", "content": []}},
                {"toolResult": {"toolUseId": "b", "status": "success", "content": [
                    {"text": "seen"}, {"json": {"n": 1}}, {"json": [1]},
                    {"image": {"format": "png", "source": bytes(&[1, 2, 3])}}]}},
            ]},
        ]))
    };
    let body = sent(CLAUDE, conversation()).await;
    let id = body["messages"][1]["content"][2]["toolUse"]["toolUseId"].as_str().unwrap().to_owned();
    let picture = json!({"image": {"format": "png", "source": {"bytes": "AQID"}}});
    let expected = json!([
        {"role": "user", "content": [{"text": "look"}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "AQID"}},
            {"toolUse": {"toolUseId": id, "name": "INVALID_TOOL_NAME", "input": {}}},
            {"toolUse": {"toolUseId": "b", "name": "look", "input": {"at": "x"}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": id, "status": "error", "content": [{"text": "[no output]"}]}},
            {"toolResult": {"toolUseId": "b", "status": "success", "content": [
                {"text": "seen"}, {"json": {"n": 1}}, {"text": "[1]"}, picture]}},
            {"text": "and hurry"},
        ]},
    ]);
    assert_eq!(body["messages"], expected);
    // Without a tool to declare, one that does nothing.
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "noop");

    let body = sent(NOVA, conversation()).await;
    let results = &body["messages"][2]["content"];
    assert_eq!(
        results[1]["toolResult"],
        json!({"toolUseId": "b", "content": [
        {"text": "seen"}, {"text": "{\"n\":1}"}, {"text": "[1]"}, picture]})
    );
    let body = sent_by(NOVA, conversation(), |b| b.tool_result_status(true)).await.body;
    assert_eq!(body["messages"][2]["content"][0]["toolResult"]["status"], "error");
    // DeepSeek takes no thoughts back.
    let body = sent("us.deepseek.r1-v1:0", conversation()).await;
    assert!(body["messages"][1]["content"][0].get("toolUse").is_some(), "{body}");
}

#[tokio::test]
async fn media_become_blocks_and_names_such_as_bedrock_takes() {
    let document = |name: &str, format: &str| json!({"document": {"format": format, "name": name, "source": bytes(b"x")}});
    let s3 = json!({"location": {"type": "s3", "uri": "s3://b/k", "bucketOwner": "1"}});
    let web = json!({"location": {"type": "url", "uri": "https://example.org/a.png"}});
    let mut cited = document("a/b  c.pdf", "pdf");
    cited["document"]["citations"] = json!({"enabled": true});
    cited["document"]["context"] = "the plan".into();
    let body = sent(CLAUDE, request(json!([
        {"role": "user", "content": [
            {"image": {"format": "jpg", "source": bytes(&[1])}},
            {"video": {"format": "mp4", "source": s3}},
            {"audio": {"format": "wav", "source": bytes(&[1])}},
            {"image": {"format": "png", "source": web}},
            {"image": {"format": "bmp", "source": bytes(&[1])}},
            cited,
            document("a-b c", "txt"),
            document("計画.pdf", "pdf"),
        ]},
        {"role": "assistant", "content": [{"text": "ok"}, {"image": {"format": "png", "source": bytes(&[1])}}]},
        {"role": "user", "content": [document("A-B C", "md")]},
    ]))).await;
    let source = json!({"bytes": "eA=="});
    let expected = json!([
        {"image": {"format": "jpeg", "source": {"bytes": "AQ=="}}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1"}}}},
        {"audio": {"format": "wav", "source": {"bytes": "AQ=="}}},
        {"text": "[a picture is left out: Bedrock fetches from S3 only]"},
        {"text": "[a picture is left out: Bedrock does not take its format `bmp`]"},
        {"document": {"format": "pdf", "name": "a-b c", "source": source,
            "citations": {"enabled": true}, "context": "the plan"}},
        {"document": {"format": "txt", "name": "a-b c (2)", "source": source}},
        {"document": {"format": "pdf", "name": "document", "source": source}},
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
    let note = &body["messages"][1]["content"][1]["text"];
    assert!(note.as_str().unwrap().starts_with("[a picture is left out"), "{note}");
    let alone = &body["messages"][2]["content"];
    assert_eq!(alone[0]["document"]["name"], "A-B C (3)");
    assert_eq!(alone[1], json!({"text": "[See the document.]"}));
}

#[tokio::test]
async fn roles_alternate_the_user_begins_and_nothing_is_blank() {
    let body = sent(CLAUDE, request(json!([
        {"role": "assistant", "content": [{"text": "Good day."}]},
        {"role": "user", "content": [{"text": "a"}, {"text": "\n"}]},
        {"role": "user", "content": [{"hologram": 1}, {"text": "b"}]},
        {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "Hm."}}}]},
        {"role": "user", "content": [{"text": "c"}]},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [{"text": ""}]},
    ]))).await;
    let text = |role: &str, texts: &[&str]| {
        let content: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
        json!({"role": role, "content": content})
    };
    let expected = json!([
        text("user", &["[The conversation begins.]"]),
        text("assistant", &["Good day."]),
        text("user", &["a", "b", "c"]),
        text("assistant", &["[blank text]"]),
        text("user", &["[blank text]"]),
    ]);
    assert_eq!(body["messages"], expected);
}

#[tokio::test]
async fn cited_and_guarded_texts_go_back_where_they_are_known() {
    let page = json!({"title": "Plan", "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}});
    let web = json!({"title": "Alps", "location": {"web": {"url": "https://example.org"}}});
    let conversation = || {
        request(json!([
            {"role": "user", "content": [
                {"guardContent": {"text": {"text": "mind this", "qualifiers": ["query"]}}}]},
            {"role": "assistant", "content": [
                {"citationsContent": {"citations": [page, web], "content": [{"text": "High."}, {"text": ""}]}}]},
            {"role": "user", "content": [{"text": "?"}]},
        ]))
    };
    let body = sent(CLAUDE, conversation()).await;
    let guarded = json!({"guardContent": {"text": {"text": "mind this", "qualifiers": ["query"]}}});
    assert_eq!(body["messages"][0]["content"], json!([guarded]));
    let cited = json!({"citationsContent": {"content": [{"text": "High."}], "citations": [page]}});
    assert_eq!(body["messages"][1]["content"], json!([cited]));
    let body = sent("us.meta.llama4-scout-17b-instruct-v1:0", conversation()).await;
    assert_eq!(body["messages"][1]["content"], json!([{"text": "High."}]));
}

#[tokio::test]
async fn tools_and_choices_are_sent_together_or_not_at_all() {
    let spec = json!({"toolSpec": {"name": "look", "description": "Looks.",
        "inputSchema": {"json": {"type": "object", "properties": {}}}}});
    for (choice, expected) in [
        (None, Value::Null),
        (Some(ToolChoice::Auto {}), json!({"auto": {}})),
        (Some(ToolChoice::Any {}), json!({"any": {}})),
        (Some(ToolChoice::Tool { name: "look".into() }), json!({"tool": {"name": "look"}})),
    ] {
        let mut request = ask("?").with_tools([look()]);
        request.tool_choice = choice.clone();
        let body = sent(CLAUDE, request).await;
        assert_eq!(body["toolConfig"]["tools"], json!([spec]));
        assert_eq!(body["toolConfig"]["toolChoice"], expected);
        let mut request = ask("?");
        request.tool_choice = choice;
        assert_eq!(sent(CLAUDE, request).await.get("toolConfig"), None);
    }
    let silent = ToolSpec::new("hush", " ", json!({"type": "object"}));
    let body = sent_by(CLAUDE, ask("?").with_tools([silent]), |b| b.strict_tools(true)).await.body;
    let expected =
        json!({"name": "hush", "inputSchema": {"json": {"type": "object"}}, "strict": true});
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"], expected);
}

#[tokio::test]
async fn settings_reach_the_wire() {
    let guardrail = BedrockGuardrail::new("gr-1", "2").stream_processing_mode("async");
    let set = |b: BedrockModelBuilder| {
        b.max_tokens(9)
            .temperature(0.5)
            .top_p(0.9)
            .stop_sequences(["x"])
            .additional_request_field("top_k", 3)
            .additional_response_field_paths(["/stop_sequence"])
            .service_tier("flex")
            .param("requestMetadata", json!({"team": "a"}))
            .guardrail(guardrail)
    };
    let body = sent_by(CLAUDE, ask("?"), set).await.body;
    let expected = json!({
        "messages": [{"role": "user", "content": [{"text": "?"}]}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["x"]},
        "additionalModelRequestFields": {"top_k": 3},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"team": "a"},
        "guardrailConfig": {"guardrailIdentifier": "gr-1", "guardrailVersion": "2", "trace": "enabled",
            "streamProcessingMode": "async"},
    });
    assert_eq!(body, expected);
    let guardrail =
        BedrockGuardrail::new("gr-1", "2").stream_processing_mode("async").trace("disabled");
    let seen = sent_by(CLAUDE, ask("?"), |b| b.guardrail(guardrail).streaming(false)).await;
    let config =
        json!({"guardrailIdentifier": "gr-1", "guardrailVersion": "2", "trace": "disabled"});
    assert_eq!((&seen.body["guardrailConfig"], seen.path.ends_with("/converse")), (&config, true));

    let mut limited = ask("?");
    limited.max_output_tokens = Some(7);
    let body = sent_by(CLAUDE, limited.clone(), |b| b.max_tokens(9)).await.body;
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 7}));
    assert_eq!(sent(CLAUDE, limited).await["inferenceConfig"], json!({"maxTokens": 7}));

    let mut shaped = ask("?");
    shaped.output_schema = Some(json!({"title": "Höhe", "type": "object"}).into());
    let format = sent(CLAUDE, shaped).await["outputConfig"]["textFormat"].take();
    assert_eq!(
        (&format["type"], &format["structure"]["jsonSchema"]["name"]),
        (&json!("json_schema"), &json!("H_he"))
    );
    let schema = format["structure"]["jsonSchema"]["schema"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(schema).unwrap()["title"], "Höhe");
}

#[tokio::test]
async fn a_forced_tool_and_thinking_exclude_each_other() {
    let set = |b: BedrockModelBuilder| {
        b.additional_request_field("thinking", json!({"type": "enabled", "budget_tokens": 1024}))
            .additional_request_field("top_k", 3)
    };
    for (choice, thinks) in [
        (ToolChoice::Auto {}, true),
        (ToolChoice::Any {}, false),
        (ToolChoice::Tool { name: "look".into() }, false),
    ] {
        let mut request = ask("?").with_tools([look()]);
        request.tool_choice = Some(choice);
        let fields =
            sent_by(CLAUDE, request, set).await.body["additionalModelRequestFields"].take();
        assert_eq!((fields.get("thinking").is_some(), &fields["top_k"]), (thinks, &json!(3)));
    }
    // Bedrock refuses an answer that is shorter than its thoughts may be.
    for (left, thinks) in [(1024, false), (1025, true)] {
        let mut request = ask("?");
        request.max_output_tokens = Some(left);
        let fields =
            sent_by(CLAUDE, request, set).await.body["additionalModelRequestFields"].take();
        assert_eq!(fields.get("thinking").is_some(), thinks);
    }
}

fn points(body: &Value) -> usize {
    body.to_string().matches("cachePoint").count()
}

#[tokio::test]
async fn cache_points_are_placed_and_never_too_many() {
    let point = json!({"cachePoint": {"type": "default"}});
    let conversation = || {
        request(json!([
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [{"text": "b"}]},
            {"role": "user", "content": [{"text": "c"}]},
        ]))
        .with_system("Be brief.")
        .with_tools([look()])
    };
    let auto = |b: BedrockModelBuilder| b.caching(BedrockCaching::auto());
    let body = sent_by(CLAUDE, conversation(), auto).await.body;
    assert_eq!(body["system"], json!([{"text": "Be brief."}, point]));
    assert_eq!(body["toolConfig"]["tools"][1], point);
    assert_eq!(body["messages"][2]["content"], json!([{"text": "c"}, point]));
    assert_eq!(points(&body), 3);
    let body = sent_by(NOVA, conversation(), auto).await.body;
    assert_eq!((points(&body), body["toolConfig"]["tools"].as_array().unwrap().len()), (2, 1));
    assert_eq!(points(&sent_by("meta.llama3-8b", conversation(), auto).await.body), 0);
    let body =
        sent_by(CLAUDE, conversation(), |b| b.caching(BedrockCaching::auto().ttl("1h"))).await.body;
    assert_eq!(body["system"][1], json!({"cachePoint": {"type": "default", "ttl": "1h"}}));

    // The earliest go first.
    let said =
        |text: &str| json!([{"text": text}, {"cachePoint": {"type": "default", "ttl": "5m"}}]);
    let many = request(json!([
        {"role": "user", "content": said("a")},
        {"role": "assistant", "content": said("b")},
        {"role": "user", "content": said("c")},
        {"role": "assistant", "content": said("d")},
        {"role": "user", "content": said("e")},
    ]));
    let system =
        [SystemBlock::Text("Be brief.".into()), SystemBlock::CachePoint(CachePoint::default())];
    let body = sent(CLAUDE, many.clone().with_system(system)).await;
    assert_eq!(points(&body), 4);
    let counts: Vec<usize> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["content"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [1, 1, 2, 2, 2]);
    assert_eq!(points(&sent("mistral.mistral-large", many).await), 0);
    // Points with nothing new before them are none.
    let odd = request(json!([{"role": "user", "content": [point, {"text": "a"}, point, point]}]));
    assert_eq!(sent(CLAUDE, odd).await["messages"][0]["content"], json!([{"text": "a"}, point]));
}

/// What the user said last is looked at, also while tools work on it; what was rendered before stays as it was.
#[tokio::test]
async fn the_guardrail_may_look_at_the_latest_words_only() {
    let guardrail = BedrockGuardrail::new("gr-1", "1").latest_message(true);
    let picture = json!({"image": {"format": "png", "source": bytes(&[1])}});
    let conversation = request(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [{"text": "b"}]},
        {"role": "user", "content": [{"text": "c"}, picture]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "look", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "seen"}]}}]},
    ]));
    let server = Server::start([reply(&hello()), reply(&hello())]).await;
    let model = builder_for(&server, NOVA).guardrail(guardrail).build().unwrap();
    collect(&model, conversation.clone()).await;
    let mut longer = conversation;
    longer.messages.push(Message::assistant("d")).unwrap();
    longer.messages.push(Message::user("e")).unwrap();
    collect(&model, longer).await;
    let seen = server.seen();
    let image = json!({"format": "png", "source": {"bytes": "AQ=="}});
    let content = |at: usize, message: usize| seen[at].body["messages"][message]["content"].clone();
    assert_eq!(content(0, 0), json!([{"text": "a"}]));
    let guarded =
        json!([{"guardContent": {"text": {"text": "c"}}}, {"guardContent": {"image": image}}]);
    assert_eq!(content(0, 2), guarded);
    assert_eq!(content(1, 2), json!([{"text": "c"}, {"image": image}]));
    assert_eq!(content(1, 6), json!([{"guardContent": {"text": {"text": "e"}}}]));
}
