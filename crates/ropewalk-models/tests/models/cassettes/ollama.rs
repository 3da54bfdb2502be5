//! Ollama's own chat interface.

use ropewalk_core::{
    ContentBlock, ErrorKind, Message, Model, ModelRequest, ReasoningContent, ReasoningText, Role,
    ToolResult, ToolSpec, ToolUse, Usage,
};
use ropewalk_models::OllamaModel;
use serde_json::{Value, json};

use super::{Adapter, Exchange, exchanges, transcript, tried};
use crate::support::{Reply, Said, Server, ask, collect};

struct Ollama;

impl Adapter for Ollama {
    fn name(&self) -> &str {
        "Ollama"
    }

    fn takes(&self, exchange: &Exchange) -> bool {
        exchange.path == "/api/chat"
    }

    fn model(&self, origin: &str, exchange: &Exchange) -> Box<dyn Model> {
        let request = &exchange.request;
        let mut builder = OllamaModel::builder(request["model"].as_str().unwrap()).base_url(origin);
        for key in ["think", "stream", "options"] {
            if !request[key].is_null() {
                builder = builder.param(key, request[key].clone());
            }
        }
        Box::new(builder.build().unwrap())
    }

    fn read(&self, exchange: &Exchange) -> Said {
        read(exchange.text())
    }

    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String) {
        let body: Value = serde_json::from_str(exchange.text()).unwrap();
        (ErrorKind::InvalidRequest, body["error"].as_str().unwrap().to_owned())
    }

    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str> {
        conversation(&exchange.request)
    }

    fn normal(&self, request: &Value) -> Value {
        normal(request)
    }
}

#[tokio::test]
async fn recorded_ollama_answers_are_understood_and_sent_in_their_shape() {
    tried(&Ollama).await;
}

/// A stream that is cut off before its last line is whole is never a success.
#[tokio::test]
async fn a_recorded_ollama_answer_that_is_cut_off_is_an_error() {
    let Some(exchanges) = exchanges() else { return };
    let mut tried = 0;
    for exchange in exchanges.iter().filter(|exchange| Ollama.takes(exchange)) {
        let whole = exchange.text().trim_end();
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        let last = lines.len() - 1;
        for end in [0, last / 2, last] {
            let server = Server::start([Reply::sse(&lines[..end].concat())]).await;
            let (chunks, error) = collect(&*Ollama.model(&server.origin, exchange), ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{}: {chunks:?}", exchange.name));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tried += 1;
        }
        // In the middle of the last line there is no telling a break from nonsense.
        let server = Server::start([Reply::sse(&whole[..whole.len() - 1])]).await;
        let (_, error) = collect(&*Ollama.model(&server.origin, exchange), ask("?")).await;
        assert!(error.is_some(), "{}", exchange.name);
    }
    eprintln!("{tried} streams were cut off");
}

/// The plainest reading of an answer, with nothing of the adapter in it.
fn read(body: &str) -> Said {
    let mut said = Said::default();
    for line in body.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let message = &line["message"];
        said.text.push_str(message["content"].as_str().unwrap_or_default());
        said.reasoning.push_str(message["thinking"].as_str().unwrap_or_default());
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let function = &call["function"];
            let arguments = function["arguments"].to_string();
            said.calls.push((text(&call["id"]), text(&function["name"]), arguments));
        }
        if line["done"] == true {
            let number = |key: &str| line[key].as_u64().unwrap();
            said.usage = Usage::new(number("prompt_eval_count"), number("eval_count"));
            said.stop = match line["done_reason"].as_str().unwrap() {
                "stop" if said.calls.is_empty() => "end_turn",
                "stop" => "tool_use",
                "length" => "max_tokens",
                other => panic!("an unexpected reason to stop: {other:?}"),
            }
            .to_owned();
        }
    }
    said
}

/// The conversation of a recorded request. Ids are numbers, since none were sent.
fn conversation(request: &Value) -> Result<ModelRequest, &'static str> {
    let mut system = None;
    let mut messages: Vec<Message> = Vec::new();
    let mut open: Vec<(String, String)> = Vec::new();
    for message in request["messages"].as_array().ok_or("no messages")? {
        let text = message["content"].as_str().unwrap_or_default().to_owned();
        match message["role"].as_str().unwrap_or_default() {
            "system" => system = Some(text),
            "user" => messages.push(Message::user(text)),
            "assistant" => {
                let mut blocks = Vec::new();
                if let Some(text) = message["thinking"].as_str() {
                    let thoughts = ReasoningText { text: text.into(), ..Default::default() };
                    let thoughts = ReasoningContent::ReasoningText(thoughts);
                    blocks.push(ContentBlock::ReasoningContent(thoughts));
                }
                if !text.is_empty() {
                    blocks.push(ContentBlock::Text(text));
                }
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let function = &call["function"];
                    let name = function["name"].as_str().unwrap().to_owned();
                    let id = format!("call-{}", open.len());
                    let tool_use = ToolUse::new(&id, &name, function["arguments"].clone());
                    open.push((name, id));
                    blocks.push(tool_use.into());
                }
                messages.push(Message::new(Role::Assistant, blocks));
            }
            "tool" => {
                let name = message["tool_name"].as_str().ok_or("a result without a name")?;
                let called = open.iter_mut().find(|(other, _)| other == name);
                let (_, id) = std::mem::take(called.ok_or("a result without its call")?);
                let result = ToolResult::success(id, text);
                match messages.last_mut() {
                    Some(last) if last.results().count() > 0 => {
                        last.content.push(ContentBlock::ToolResult(result));
                    }
                    _ => messages.push(Message::tool_results([result])),
                }
            }
            _ => return Err("a role that is none of ours"),
        }
    }
    let mut rendered = ModelRequest::new(transcript(messages)?);
    if let Some(system) = system {
        rendered = rendered.with_system(system);
    }
    if request["format"].is_object() {
        rendered.output_schema = Some(request["format"].clone().into());
    }
    let tools = request["tools"].as_array().into_iter().flatten();
    Ok(rendered.with_tools(tools.map(|tool| {
        let function = &tool["function"];
        let text = |key: &str| function[key].as_str().unwrap_or_default().to_owned();
        ToolSpec::new(text("name"), text("description"), function["parameters"].clone())
    })))
}

/// A request without the freedoms that the interface leaves: ids, and what is not set.
fn normal(request: &Value) -> Value {
    let messages = request["messages"].as_array().unwrap().iter().map(|message| {
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let calls = calls.map(|call| json!([call["type"], call["function"]]));
        json!([
            message["role"],
            message["content"],
            message["thinking"],
            message["tool_name"],
            message["images"],
            calls.collect::<Vec<_>>(),
        ])
    });
    json!({
        "model": request["model"],
        "messages": messages.collect::<Vec<_>>(),
        "tools": request["tools"].as_array().filter(|tools| !tools.is_empty()),
        "format": request["format"],
        "think": request["think"],
        "stream": request["stream"],
        "options": request["options"].as_object().filter(|options| !options.is_empty()),
    })
}
