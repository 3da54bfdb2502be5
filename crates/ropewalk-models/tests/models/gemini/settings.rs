//! What is sent beside the conversation, and where to.

use pretty_assertions::assert_eq;
use ropewalk_core::{
    ErrorKind, Model as _, ModelRequest, NativeOutput, SystemBlock, SystemPrompt, ToolChoice,
    ToolSpec,
};
use ropewalk_models::{GeminiModel, GeminiModelBuilder};
use serde_json::{Value, json};

use super::{builder, builder_of};
use crate::support::{Reply, Seen, Server, ask, collect};

async fn sent_by(
    request: ModelRequest,
    set: impl FnOnce(GeminiModelBuilder) -> GeminiModelBuilder,
) -> Seen {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    collect(&set(builder(&server)).build().unwrap(), request).await;
    server.seen().remove(0)
}

#[tokio::test]
async fn a_plain_question_is_a_plain_request() {
    let system = SystemPrompt::new([
        SystemBlock::Text("Be brief.".into()),
        SystemBlock::CachePoint(Default::default()),
        SystemBlock::Text("And kind.".into()),
    ]);
    let seen = sent_by(ask("How high is Säntis?").with_system(system), |b| b).await;
    // The server makes all of the head small.
    assert_eq!(seen.path, "/v1beta/models/gemini-2.5-flash:streamgeneratecontent?alt=sse");
    assert!(seen.head.contains("x-goog-api-key: aiza-very-secret-key"));
    assert!(!seen.path.contains("aiza"));
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "And kind."}]},
        "contents": [{"role": "user", "parts": [{"text": "How high is Säntis?"}]}],
    });
    assert_eq!(seen.body, expected);
}

#[tokio::test]
async fn settings_stand_where_the_interface_wants_them() {
    let mut request = ask("?");
    request.max_output_tokens = Some(50);
    let seen = sent_by(request, |builder| {
        builder
            .temperature(0.5)
            .max_tokens(80)
            .param("top_k", 3)
            .param("generationConfig", json!({"stop_sequences": ["x"], "seed": 7}))
            .param("thinkingConfig", json!({"thinkingBudget": 0}))
            .param(
                "safety_settings",
                json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]),
            )
            .param("cachedContent", "cachedContents/x")
    })
    .await;
    let expected = json!({
        "contents": [{"role": "user", "parts": [{"text": "?"}]}],
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 50, "topK": 3, "seed": 7,
            "stopSequences": ["x"], "thinkingConfig": {"thinkingBudget": 0}},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "cachedContent": "cachedContents/x",
    });
    assert_eq!(seen.body, expected);
    let mut request = ask("?");
    request.max_output_tokens = Some(50);
    let seen = sent_by(request, |builder| builder.max_tokens(20)).await;
    assert_eq!(seen.body["generationConfig"]["maxOutputTokens"], 20);
}

#[tokio::test]
async fn tools_and_choices_are_sent_together_or_not_at_all() {
    let schema = json!({"type": "object", "properties": {"const": {"const": "x"},
        "deep": {"$ref": "#/$defs/deep", "description": "gone"}, "one": {"enum": [{"const": 1}]}},
        "$defs": {"deep": {"type": ["string", "null"]}}});
    let tools = || {
        [
            ToolSpec::new("look", "Looks.", schema.clone()),
            ToolSpec::new("wait", "Waits.", json!({"type": "object", "properties": {}})),
        ]
    };
    let declared = json!({"functionDeclarations": [
        {"name": "look", "description": "Looks.", "parametersJsonSchema": {"type": "object",
            "properties": {"const": {"enum": ["x"]}, "deep": {"$ref": "#/$defs/deep"}, "one": {"enum": [{"const": 1}]}},
            "$defs": {"deep": {"type": ["string", "null"]}}}},
        {"name": "wait", "description": "Waits."},
    ]});
    for (choice, expected) in [
        (None, Value::Null),
        (Some(ToolChoice::Auto {}), json!({"mode": "AUTO"})),
        (Some(ToolChoice::Any {}), json!({"mode": "ANY"})),
        (
            Some(ToolChoice::Tool { name: "look".into() }),
            json!({"mode": "ANY", "allowedFunctionNames": ["look"]}),
        ),
    ] {
        let mut request = ask("?").with_tools(tools());
        request.tool_choice = choice.clone();
        let body = sent_by(request, |b| b).await.body;
        assert_eq!(body["tools"], json!([declared]));
        assert_eq!(body["toolConfig"]["functionCallingConfig"], expected);
        let mut request = ask("?");
        request.tool_choice = choice;
        let body = sent_by(request, |b| b).await.body;
        assert!(body["tools"].is_null() && body["toolConfig"].is_null(), "{body}");
    }
    let mut request = ask("?").with_tools(tools());
    request.tool_choice = Some(ToolChoice::Any {});
    let body = sent_by(request, |builder| {
        builder
            .built_in_tool("googleSearch", json!({}))
            .param("toolConfig", json!({"includeServerSideToolInvocations": true}))
    })
    .await
    .body;
    assert_eq!(body["tools"], json!([declared, {"googleSearch": {}}]));
    let config =
        json!({"includeServerSideToolInvocations": true, "functionCallingConfig": {"mode": "ANY"}});
    assert_eq!(body["toolConfig"], config);
    let body =
        sent_by(ask("?"), |builder| builder.built_in_tool("urlContext", json!({}))).await.body;
    assert_eq!(body["tools"], json!([{"urlContext": {}}]));
}

#[tokio::test]
async fn a_schema_for_the_answer_is_sent_with_its_type() {
    let mut request = ask("?");
    request.output_schema =
        Some(json!({"type": "object", "properties": {"a": {"const": 1}}}).into());
    let body = sent_by(request, |builder| builder.temperature(0.0)).await.body;
    let expected = json!({"temperature": 0.0, "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {"a": {"enum": [1]}}}});
    assert_eq!(body["generationConfig"], expected);
}

#[tokio::test]
async fn how_far_models_hold_to_schemas_follows_their_generation() {
    let server = Server::start([]).await;
    for (id, expected) in [
        ("gemini-2.5-flash", NativeOutput::WithoutTools),
        ("gemini-3-pro-preview", NativeOutput::WithTools),
        ("gemini-flash-latest", NativeOutput::WithTools),
        ("gemma-3-27b-it", NativeOutput::No),
    ] {
        assert_eq!(builder_of(&server, id).build().unwrap().native_output(), expected, "{id}");
    }
    let set = builder(&server).native_output(NativeOutput::No).context_limit(9).build().unwrap();
    assert_eq!((set.native_output(), set.context_limit()), (NativeOutput::No, Some(9)));
}

#[tokio::test]
async fn ids_and_base_urls_are_taken_as_people_write_them() {
    for (base, id, path) in [
        ("", "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:streamgeneratecontent?alt=sse"),
        ("/", "models/gemini-x", "/v1beta/models/gemini-x:streamgeneratecontent?alt=sse"),
        ("/v1beta/", "tunedModels/mine", "/v1beta/tunedmodels/mine:streamgeneratecontent?alt=sse"),
        ("/v1/models", "m", "/v1/models/m:streamgeneratecontent?alt=sse"),
        ("/v1beta/openai/", "m", "/v1beta/models/m:streamgeneratecontent?alt=sse"),
        ("/gate/v1beta?k=v", "m", "/gate/v1beta/models/m:streamgeneratecontent?k=v&alt=sse"),
    ] {
        let server = Server::start([Reply::json(200, &[], "{}")]).await;
        let model = GeminiModel::builder(id).base_url(format!("{}{base}", server.origin));
        let model = model.build().unwrap();
        assert_eq!(model.id(), format!("gemini:{}", id.trim_start_matches("models/")));
        collect(&model, ask("?")).await;
        assert_eq!(server.seen()[0].path, path);
    }
    for builder in [GeminiModel::builder(" "), GeminiModel::builder("m").param("contents", 1)] {
        let error = builder.api_key("k").build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[tokio::test]
async fn the_models_of_the_server_are_listed() {
    let list = json!({"models": [{"name": "models/gemini-2.5-flash", "inputTokenLimit": 1048576}]});
    let server = Server::start([Reply::json(200, &[], &list.to_string())]).await;
    let models = builder(&server).build().unwrap().models().await.unwrap();
    let models: Vec<_> = models.iter().map(|info| (&*info.id, info.context_limit)).collect();
    assert_eq!(models, [("gemini-2.5-flash", Some(1_048_576))]);
    assert_eq!(server.seen()[0].path, "/v1beta/models?pagesize=1000");
}
