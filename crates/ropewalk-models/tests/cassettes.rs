//! Recorded answers of real providers, through a real socket, whole and cut into pieces; and the
//! recorded conversations, rendered by this adapter.
//!
//! The recordings are not part of the project: `ROPEWALK_CASSETTES` names their folder.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

use ropewalk_core::{
    ContentBlock, ErrorKind, Message, MessageAssembler, ModelRequest, Role, ToolResult, ToolUse,
    Transcript, Usage,
};
use serde_json::Value;
use support::{Reply, Said, Server, ask, collect, said};
use yaml_rust2::{Yaml, YamlLoader};

const PROVIDERS: [&str; 7] =
    ["openai", "groq", "mistral", "deepseek", "xai", "openrouter", "llamacpp"];

struct Exchange {
    name: String,
    request: Value,
    status: u16,
    body: String,
}

fn exchanges() -> Option<Vec<Exchange>> {
    let Some(folder) = std::env::var_os("ROPEWALK_CASSETTES") else {
        eprintln!("left out: ROPEWALK_CASSETTES names no folder with recordings");
        return None;
    };
    let mut found = Vec::new();
    for provider in PROVIDERS {
        let folder = Path::new(&folder).join(provider);
        assert!(folder.is_dir(), "{} is no folder", folder.display());
        for file in files(&folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (at, document) in YamlLoader::load_from_str(&text).unwrap().iter().enumerate() {
                let (when, then) = (&document["when"], &document["then"]);
                if !when["path"].as_str().is_some_and(|path| path.ends_with("/chat/completions")) {
                    continue;
                }
                found.push(Exchange {
                    name: format!("{} #{at}", file.strip_prefix(&folder).unwrap().display()),
                    request: serde_json::from_str(when["body"].as_str().unwrap()).unwrap(),
                    status: u16::try_from(then["status"].as_i64().unwrap()).unwrap(),
                    body: text_of(&then["body"]),
                });
            }
        }
    }
    assert!(found.len() > 400, "only {} exchanges were found", found.len());
    Some(found)
}

fn text_of(yaml: &Yaml) -> String {
    yaml.as_str().unwrap_or_default().to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// The plainest reading of an answer, with nothing of the adapter in it.
fn read(body: &str) -> Said {
    let mut said = Said::default();
    let mut finish = String::new();
    let events: Vec<Value> = if body.trim_start().starts_with('{') {
        vec![serde_json::from_str(body).unwrap()]
    } else {
        body.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    };
    let mut calls: std::collections::BTreeMap<u64, (String, String, String)> = Default::default();
    for event in events {
        let usage = &event["usage"];
        if usage.is_object() {
            let number = |key: &str| usage[key].as_u64().unwrap();
            said.usage = Usage::new(number("prompt_tokens"), number("completion_tokens"));
            said.usage.total_tokens = number("total_tokens");
            said.usage.cache_read_input_tokens =
                usage["prompt_tokens_details"]["cached_tokens"].as_u64();
            said.usage.cache_write_input_tokens =
                usage["prompt_tokens_details"]["cache_write_tokens"].as_u64();
        }
        for choice in event["choices"].as_array().into_iter().flatten() {
            if choice["index"] != 0 {
                continue;
            }
            let delta =
                if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
            for key in ["content", "refusal"] {
                said.text.push_str(delta[key].as_str().unwrap_or_default());
            }
            for key in ["reasoning_content", "reasoning"] {
                said.reasoning.push_str(delta[key].as_str().unwrap_or_default());
            }
            for (at, call) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
                let index = call["index"].as_u64().unwrap_or(at as u64);
                let entry = calls.entry(index).or_default();
                entry.0.push_str(call["id"].as_str().unwrap_or_default());
                entry.1.push_str(call["function"]["name"].as_str().unwrap_or_default());
                entry.2.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
            // OpenRouter says it twice.
            if let Some(reason) = choice["finish_reason"].as_str() {
                finish = reason.to_owned();
            }
        }
    }
    said.stop = match finish.as_str() {
        "stop" if calls.is_empty() => "end_turn",
        "stop" | "tool_calls" => "tool_use",
        "length" => "max_tokens",
        "content_filter" => "content_filtered",
        other => panic!("an unexpected reason to stop: {other:?}"),
    }
    .to_owned();
    said.calls = calls.into_values().collect();
    said
}

/// Cuts bytes into pieces of changing odd lengths.
fn pieces(bytes: &[u8], seed: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    let mut number = seed * 7919 + 1;
    while !rest.is_empty() {
        number = (number * 48_271) % 2_147_483_647;
        let (head, tail) = rest.split_at((1 + number % 97).min(rest.len()));
        pieces.push(head);
        rest = tail;
    }
    pieces
}

#[tokio::test]
async fn recorded_answers_are_understood_however_they_are_cut() {
    let Some(exchanges) = exchanges() else { return };
    let good: Vec<&Exchange> = exchanges.iter().filter(|exchange| exchange.status == 200).collect();
    for (seed, exchange) in good.iter().enumerate() {
        let expected = read(&exchange.body);
        let body = exchange.body.as_bytes();
        let whole = Reply::pieces("text/event-stream", [body]);
        let cut = Reply::pieces("text/event-stream", pieces(body, seed));
        let server = Server::start([whole, cut]).await;
        for way in ["whole", "cut"] {
            let (chunks, error) = collect(&server.model(), ask("?")).await;
            assert!(error.is_none(), "{} ({way}): {error:?}", exchange.name);
            assert_eq!(said(&chunks), expected, "{} ({way})", exchange.name);
            let mut assembler = MessageAssembler::new();
            chunks.iter().for_each(|chunk| assembler.push(chunk));
            assembler.finish().unwrap();
        }
    }
    eprintln!("{} answers were read, each whole and in pieces", good.len());
}

/// A stream that is cut off before its end is never a success. Byte by byte would take long: each
/// line is enough, since a broken line is no event.
#[tokio::test]
async fn a_recorded_stream_that_is_cut_off_is_an_error() {
    let Some(exchanges) = exchanges() else { return };
    let mut tried = 0;
    for exchange in
        exchanges.iter().filter(|exchange| exchange.body.starts_with("data:")).step_by(5)
    {
        let body = &exchange.body;
        let events: Vec<&str> = body.split_inclusive("\n\n").collect();
        let reasoned = events.iter().position(|event| !event.contains("\"finish_reason\":null"));
        for end in (0..reasoned.unwrap()).step_by(3) {
            let server = Server::start([Reply::sse(&events[..end].concat())]).await;
            let (chunks, error) = collect(&server.model(), ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{}: {chunks:?}", exchange.name));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tried += 1;
        }
    }
    eprintln!("{tried} streams were cut off");
}

#[tokio::test]
async fn recorded_refusals_have_their_kind_and_their_words() {
    let Some(exchanges) = exchanges() else { return };
    let bad: Vec<&Exchange> = exchanges.iter().filter(|exchange| exchange.status != 200).collect();
    assert!(bad.len() > 10);
    for exchange in &bad {
        let server = Server::start([Reply::json(exchange.status, &[], &exchange.body)]).await;
        let (chunks, error) = collect(&server.model(), ask("?")).await;
        let error = error.unwrap();
        assert!(chunks.is_empty());
        let expected = match exchange.status {
            401 => ErrorKind::Authentication,
            400 if exchange.body.contains("exceed_context_size") => ErrorKind::ContextOverflow,
            400..500 => ErrorKind::InvalidRequest,
            _ => ErrorKind::Unavailable,
        };
        assert_eq!(error.kind(), expected, "{}: {error}", exchange.name);
        let body: Value = serde_json::from_str(&exchange.body).unwrap();
        let words = [&body["error"]["message"], &body["message"], &body["detail"]];
        let words = words.into_iter().find_map(|words| words.as_str()).unwrap();
        assert!(error.to_string().contains(words), "{}: {error}", exchange.name);
    }
    eprintln!("{} refusals were read", bad.len());
}

/// The conversation of a recorded request, if it is one of texts and tool calls.
fn conversation(request: &Value) -> Option<ModelRequest> {
    let mut system = Vec::new();
    let mut messages: Vec<Message> = Vec::new();
    for message in request["messages"].as_array()? {
        let text = plain_text(&message["content"])?;
        match message["role"].as_str()? {
            "system" => system.push(text),
            "user" => messages.push(Message::user(text)),
            "assistant" => {
                let mut blocks = Vec::new();
                if !text.is_empty() {
                    blocks.push(ContentBlock::Text(text));
                }
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let input =
                        serde_json::from_str(call["function"]["arguments"].as_str()?).ok()?;
                    let (id, name) = (call["id"].as_str()?, call["function"]["name"].as_str()?);
                    blocks.push(ContentBlock::ToolUse(ToolUse::new(id, name, input)));
                }
                messages.push(Message::new(Role::Assistant, blocks));
            }
            "tool" => {
                let result = ToolResult::success(message["tool_call_id"].as_str()?, text);
                match messages.last_mut() {
                    Some(last) if last.results().count() > 0 => {
                        last.content.push(ContentBlock::ToolResult(result));
                    }
                    _ => messages.push(Message::tool_results([result])),
                }
            }
            _ => return None,
        }
    }
    let mut rendered = ModelRequest::new(Transcript::from_messages(messages).ok()?);
    if !system.is_empty() {
        rendered = rendered.with_system(system.join("\n"));
    }
    let tools = request["tools"].as_array().into_iter().flatten();
    Some(rendered.with_tools(tools.map(|tool| {
        let function = &tool["function"];
        let text = |key: &str| function[key].as_str().unwrap_or_default().to_owned();
        ropewalk_core::ToolSpec::new(
            text("name"),
            text("description"),
            function["parameters"].clone(),
        )
    })))
}

fn plain_text(content: &Value) -> Option<String> {
    match content {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Option<Vec<&str>> = parts.iter().map(|part| part["text"].as_str()).collect();
            Some(texts?.join("\n"))
        }
        _ => None,
    }
}

/// A request without the freedoms that the interface leaves.
fn normal(request: &Value) -> Vec<Value> {
    let mut normal = Vec::new();
    for message in request["messages"].as_array().unwrap() {
        let calls: Vec<Value> = message["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|call| {
                let arguments = call["function"]["arguments"].as_str().unwrap();
                let arguments: Value = serde_json::from_str(arguments).unwrap();
                serde_json::json!([call["id"], call["type"], call["function"]["name"], arguments])
            })
            .collect();
        let text = plain_text(&message["content"]).unwrap();
        normal.push(serde_json::json!([message["role"], text, message["tool_call_id"], calls]));
    }
    for tool in request["tools"].as_array().into_iter().flatten() {
        let function = &tool["function"];
        normal.push(serde_json::json!([
            tool["type"],
            function["name"],
            function["description"],
            function["parameters"]
        ]));
    }
    normal
}

#[tokio::test]
async fn recorded_conversations_are_sent_in_the_recorded_shape() {
    let Some(exchanges) = exchanges() else { return };
    let mut compared = 0;
    for exchange in exchanges.iter().filter(|exchange| exchange.status == 200) {
        let Some(request) = conversation(&exchange.request) else { continue };
        // Several system messages become one.
        let systems = exchange.request["messages"].as_array().unwrap().iter();
        if systems.filter(|message| message["role"] == "system").count() > 1 {
            continue;
        }
        let server = Server::start([Reply::json(200, &[], "{}")]).await;
        let _ = collect(&server.model(), request).await;
        let seen = server.seen();
        assert_eq!(normal(&seen[0].body), normal(&exchange.request), "{}", exchange.name);
        compared += 1;
    }
    assert!(compared > 200, "only {compared} conversations could be compared");
    eprintln!("{compared} conversations were sent in the recorded shape");
}
