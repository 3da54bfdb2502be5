//! The Gemini API.

use ropewalk_core::{
    AudioBlock, Blob, ContentBlock, ErrorKind, Message, Model, ModelRequest, ReasoningContent,
    ReasoningText, Role, Source, ToolChoice, ToolResult, ToolResultContent, ToolSpec, ToolUse,
    Usage,
};
use ropewalk_models::GeminiModel;
use serde_json::{Value, json};

use super::{Adapter, Exchange, exchanges, transcript, tried};
use crate::support::{Reply, Said, Server, ask, collect};

struct Gemini;

impl Adapter for Gemini {
    fn name(&self) -> &str {
        "Gemini"
    }

    fn takes(&self, exchange: &Exchange) -> bool {
        exchange.path.ends_with("enerateContent")
    }

    fn model(&self, origin: &str, exchange: &Exchange) -> Box<dyn Model> {
        let (_, id) = exchange.path.rsplit_once('/').unwrap();
        let id = id.split(':').next().unwrap();
        let mut builder = GeminiModel::builder(id).base_url(format!("{origin}/v1beta"));
        if let Value::Object(config) = &exchange.request["generationConfig"] {
            let set = config.iter().filter(|(_, value)| !value.is_null());
            let of_schema = |name: &str| name.starts_with("response");
            for (name, value) in set.filter(|(name, _)| !of_schema(name)) {
                builder = builder.param(name, value.clone());
            }
        }
        for tool in exchange.request["tools"].as_array().into_iter().flatten() {
            if tool["codeExecution"].is_object() {
                builder = builder.built_in_tool("codeExecution", json!({}));
            }
        }
        // None of our choices.
        let choice = &exchange.request["toolConfig"];
        if choice["functionCallingConfig"]["mode"] == "NONE" {
            builder = builder.param("toolConfig", choice.clone());
        }
        Box::new(builder.api_key("sk-very-secret-key").build().unwrap())
    }

    fn read(&self, exchange: &Exchange) -> Said {
        read(exchange.text())
    }

    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String) {
        let body: Value = serde_json::from_str(exchange.text()).unwrap();
        let kind = match body["error"]["details"][0]["reason"].as_str() {
            Some("API_KEY_INVALID") => ErrorKind::Authentication,
            _ => ErrorKind::InvalidRequest,
        };
        (kind, body["error"]["message"].as_str().unwrap().to_owned())
    }

    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str> {
        conversation(&exchange.request)
    }

    /// Without ids that the server did not give, which must all be different, and without marks of signatures.
    fn settled(&self, mut said: Said) -> Said {
        let mut made_up = Vec::new();
        for (id, _, _) in &mut said.calls {
            let random = id.strip_prefix("call_").unwrap_or_default();
            if random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                made_up.push(std::mem::take(id));
            }
        }
        let all = made_up.len();
        made_up.sort();
        made_up.dedup();
        assert_eq!(made_up.len(), all);
        said.signatures = said.signatures.replace("gemini:", "");
        said
    }

    fn normal(&self, request: &Value) -> Value {
        normal(request)
    }
}

#[tokio::test]
async fn recorded_gemini_answers_are_understood_and_sent_in_their_shape() {
    tried(&Gemini).await;
}

/// A stream that is cut off before a reason to stop is never a success.
#[tokio::test]
async fn a_recorded_gemini_answer_that_is_cut_off_is_an_error() {
    let Some(exchanges) = exchanges() else { return };
    let mut tried = 0;
    let streams = exchanges
        .iter()
        .filter(|exchange| Gemini.takes(exchange) && exchange.body.starts_with(b"data:"));
    for exchange in streams {
        let body = exchange.text().replace("\r\n", "\n");
        let events: Vec<&str> = body.split_inclusive("\n\n").collect();
        let reasoned = events.iter().position(|event| event.contains("\"finishReason\""));
        let middle = reasoned.unwrap() / 2;
        for end in [0, middle, reasoned.unwrap()] {
            // Also in the middle of an event.
            let rest = &events[end][..events[end].len() / 2];
            let cut = events[..end].concat() + rest;
            let server = Server::start([Reply::sse(&cut)]).await;
            let (chunks, error) = collect(&*Gemini.model(&server.origin, exchange), ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{}: {chunks:?}", exchange.name));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tried += 1;
        }
    }
    eprintln!("{tried} streams were cut off");
}

/// The plainest reading of an answer, with nothing of the adapter in it.
fn read(body: &str) -> Said {
    let mut said = Said::default();
    let mut finish = String::new();
    let events: Vec<Value> = match body.starts_with('{') {
        true => vec![serde_json::from_str(body).unwrap()],
        false => {
            let lines = body.lines().filter_map(|line| line.strip_prefix("data: "));
            lines.map(|data| serde_json::from_str(data).unwrap()).collect()
        }
    };
    for event in events {
        let usage = &event["usageMetadata"];
        let number = |key: &str| usage[key].as_u64().unwrap_or(0);
        said.usage = Usage::new(
            number("promptTokenCount") + number("toolUsePromptTokenCount"),
            number("candidatesTokenCount") + number("thoughtsTokenCount"),
        );
        said.usage.total_tokens = number("totalTokenCount");
        said.usage.cache_read_input_tokens = usage["cachedContentTokenCount"].as_u64();
        said.usage.reasoning_output_tokens = usage["thoughtsTokenCount"].as_u64();
        let candidate = &event["candidates"][0];
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            let signature = part["thoughtSignature"].as_str().unwrap_or_default();
            let call = &part["functionCall"];
            if call.is_object() {
                let text = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
                said.calls.push((text("id"), text("name"), call["args"].to_string()));
                said.signatures.push_str(signature);
            } else if let Some(text) = part["text"].as_str() {
                let to = if part["thought"] == true { &mut said.reasoning } else { &mut said.text };
                to.push_str(text);
                said.signatures.push_str(signature);
            } else {
                said.own.push(json!({"gemini": part}));
            }
        }
        if let Some(reason) = candidate["finishReason"].as_str() {
            finish = reason.to_owned();
        }
    }
    said.stop = match finish.as_str() {
        "STOP" if said.calls.is_empty() => "end_turn",
        "STOP" => "tool_use",
        "MAX_TOKENS" => "max_tokens",
        other => panic!("an unexpected reason to stop: {other:?}"),
    }
    .to_owned();
    said
}

/// The conversation of a recorded request. Ids are numbers, since none were sent.
fn conversation(request: &Value) -> Result<ModelRequest, &'static str> {
    let mut messages: Vec<Message> = Vec::new();
    let mut open: Vec<(String, String)> = Vec::new();
    for content in request["contents"].as_array().ok_or("no contents")? {
        let mut blocks = Vec::new();
        for part in content["parts"].as_array().ok_or("no parts")? {
            blocks.push(block(part, &mut open).ok_or("a part that is none of ours")?);
        }
        let role = if content["role"] == "model" { Role::Assistant } else { Role::User };
        messages.push(Message::new(role, blocks));
    }
    let mut rendered = ModelRequest::new(transcript(messages)?);
    if let Some(parts) = request["systemInstruction"]["parts"].as_array() {
        let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        rendered = rendered.with_system(texts.concat());
    }
    if request["generationConfig"]["responseJsonSchema"].is_object() {
        let schema = request["generationConfig"]["responseJsonSchema"].clone();
        rendered.output_schema = Some(schema.into());
    }
    let calling = &request["toolConfig"]["functionCallingConfig"];
    rendered.tool_choice = match calling["allowed_function_names"][0].as_str() {
        Some(name) => Some(ToolChoice::Tool { name: name.to_owned() }),
        None => (calling["mode"] == "ANY").then_some(ToolChoice::Any {}),
    };
    Ok(rendered.with_tools(declared(request).map(|tool| {
        let text = |key: &str| tool[key].as_str().unwrap_or_default().to_owned();
        ToolSpec::new(text("name"), text("description"), tool["parameters"].clone())
    })))
}

fn block(part: &Value, open: &mut Vec<(String, String)>) -> Option<ContentBlock> {
    let signature = part["thoughtSignature"].as_str();
    if let Some(text) = part["text"].as_str().map(str::to_owned) {
        return Some(match part["thought"] == true {
            true => {
                let thoughts = ReasoningText { text, ..ReasoningText::default() };
                ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thoughts))
            }
            false => ContentBlock::Text(text),
        });
    }
    if let Some(media) = part["inlineData"].as_object() {
        assert_eq!(media["mimeType"], "audio/mpeg");
        let data = json!({"__bytes_encoded__": true, "data": media["data"]});
        let bytes: Blob = serde_json::from_value(data).unwrap();
        let audio = json!({"format": "mp3", "source": Source::Bytes(bytes)});
        let audio: AudioBlock = serde_json::from_value(audio).unwrap();
        return Some(ContentBlock::Audio(audio));
    }
    if let Some(call) = part["functionCall"].as_object() {
        let name = call["name"].as_str()?.to_owned();
        let id = format!("call-{}", open.len());
        let mut tool_use = ToolUse::new(&id, &name, call["args"].clone());
        if let Some(signature) = signature {
            tool_use.extra.insert("reasoningSignature".into(), signature.into());
        }
        open.push((name, id));
        return Some(tool_use.into());
    }
    let response = part["functionResponse"].as_object()?;
    // Every call is answered once.
    let called = open.iter_mut().find(|(name, _)| response["name"] == **name)?;
    let (_, id) = std::mem::take(called);
    let mut result = ToolResult::success(id, "");
    result.content = vec![ToolResultContent::Json(response["response"]["result"].clone())];
    Some(ContentBlock::ToolResult(result))
}

fn declared(request: &Value) -> impl Iterator<Item = &Value> {
    let tools = request["tools"].as_array().into_iter().flatten();
    tools.flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten())
}

/// A request without the freedoms that the interface leaves: names of keys, ids, what is not set, and what the results
/// of tools are called.
fn normal(request: &Value) -> Value {
    // Contents of one role after the other are one.
    let mut contents: Vec<(&Value, Vec<Value>)> = Vec::new();
    for content in request["contents"].as_array().into_iter().flatten() {
        let parts = content["parts"].as_array().into_iter().flatten().map(normal_part);
        match contents.last_mut() {
            Some((role, before)) if **role == content["role"] => before.extend(parts),
            _ => contents.push((&content["role"], parts.collect())),
        }
    }
    let tools = declared(request).map(|tool| {
        let ours = &tool["parametersJsonSchema"];
        let schema = if ours.is_null() { &tool["parameters"] } else { ours };
        // Ours says nothing of parameters where there are none.
        let schema = Some(schema).filter(|schema| schema["properties"] != json!({}));
        json!([tool["name"], tool["description"], schema])
    });
    let calling = &request["toolConfig"]["functionCallingConfig"];
    let allowed = [&calling["allowedFunctionNames"], &calling["allowed_function_names"]];
    let has_code = request["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|tool| tool["codeExecution"].is_object());
    let system = request["systemInstruction"]["parts"].as_array().into_iter().flatten();
    json!({
        "contents": contents,
        "system": system.map(|part| &part["text"]).collect::<Vec<_>>(),
        "config": without_nulls(&request["generationConfig"]),
        "tools": tools.collect::<Vec<_>>(),
        "code": has_code,
        "mode": calling["mode"],
        "allowed": allowed.into_iter().find(|names| !names.is_null()),
    })
}

fn normal_part(part: &Value) -> Value {
    let (call, response) = (&part["functionCall"], &part["functionResponse"]);
    let given = [&response["response"]["result"], &response["response"]["output"]];
    json!([
        part["text"],
        part["thought"] == true,
        part["inlineData"],
        [&call["name"], &call["args"]],
        [
            &response["name"],
            given.into_iter().find(|given| !given.is_null()).unwrap_or(&Value::Null)
        ],
        part["thoughtSignature"],
    ])
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let set = map.iter().filter(|(_, value)| !value.is_null());
            set.map(|(key, value)| (key.clone(), without_nulls(value))).collect()
        }
        Value::Null => json!({}),
        other => other.clone(),
    }
}
