//! A whole tool turn against a foreign server, aimock, over a socket.
//!
//! `ROPEWALK_AIMOCK` names the folder in which `npm i @copilotkit/aimock@1.43.0` was run; it needs
//! `node`. Without it the test says that it was left out.

use std::process::Command;

use crate::foreign::{self, Foreign};
use crate::support::{ask, collect};
use ropewalk_core::{
    ErrorKind, Message, MessageAssembler, Model, ModelRequest, ModelTurn, StopReason, ToolResult,
    ToolSpec, Transcript,
};
use serde_json::json;

/// Starts aimock with what [`lead`] is answered; none if it is not there.
pub(crate) async fn start() -> Option<Foreign> {
    let folder = foreign::folder("ROPEWALK_AIMOCK", "aimock")?;
    let cli = folder.join("node_modules/@copilotkit/aimock/dist/cli.js");
    assert!(cli.is_file(), "{} is missing", cli.display());
    let fixtures = json!({"fixtures": [
        {"match": {"userMessage": "weather", "hasToolResult": false}, "response": {"blocks": [
            {"type": "text", "text": "Let me check."},
            {"type": "toolCall", "name": "get_weather", "arguments": "{\"city\":\"Zürich\"}"},
            {"type": "toolCall", "name": "get_weather", "arguments": "{\"city\":\"Bern\"}"}]}},
        {"match": {"userMessage": "weather", "hasToolResult": true},
            "response": {"content": "7 degrees in Zürich, 9 in Bern."}},
        {"match": {"userMessage": "busy"}, "response": {
            "error": {"message": "Too many requests", "type": "rate_limit_error"}, "status": 429}},
    ]});
    let fixtures = foreign::file(".json", &fixtures);
    let mut command = Command::new("node");
    command.arg(cli).args(["-p", "0", "-h", "127.0.0.1", "-c", "4", "-f"]).arg(fixtures.path());
    Some(Foreign::start("aimock", command, "listening on ").await)
}

async fn turn(model: &dyn Model, messages: &Transcript) -> (ModelTurn, usize) {
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let request = ModelRequest::new(messages.clone())
        .with_system("You know the weather.")
        .with_tools([ToolSpec::new("get_weather", "The weather in a city.", schema)]);
    let (chunks, error) = collect(model, request).await;
    assert!(error.is_none(), "{error:?}");
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    (assembler.finish().unwrap(), chunks.len())
}

/// Leads a conversation of two turns, with two calls in the first, with the model that is made for a server at this
/// origin (`http://127.0.0.1:1`); and is refused once.
pub(crate) async fn tool_turn<M: Model>(model: impl FnOnce(&str) -> M) {
    if let Some(server) = start().await {
        lead(&model(&server.origin)).await;
    }
}

/// The conversation of [`tool_turn`], with a model that has aimock behind it.
pub(crate) async fn lead(model: &dyn Model) {
    let mut messages =
        Transcript::from_messages([Message::user("weather in Zürich and Bern?")]).unwrap();
    let (asked, chunks) = turn(model, &messages).await;
    assert_eq!(asked.stop_reason, StopReason::ToolUse);
    assert_eq!(asked.message.text(), "Let me check.");
    let inputs: Vec<_> = asked.message.tool_uses().map(|call| call.input["city"].clone()).collect();
    assert_eq!(inputs, ["Zürich", "Bern"]);
    assert!(chunks > 12, "aimock streams in pieces, so must we: {chunks} chunks");

    let results = asked.message.tool_uses().map(|call| ToolResult::success(&call.tool_use_id, "7"));
    let results = results.collect();
    messages.push_tool_turn(asked.message, results).unwrap();
    let (answered, _) = turn(model, &messages).await;
    assert_eq!(answered.stop_reason, StopReason::EndTurn);
    assert_eq!(answered.message.text(), "7 degrees in Zürich, 9 in Bern.");

    let error = collect(model, ask("busy?")).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
}
