//! A whole tool turn against a foreign server, aimock, over a socket.
//!
//! `ROPEWALK_AIMOCK` names the folder in which `npm i @copilotkit/aimock@1.43.0` was run; it needs
//! `node`. Without it the test says that it was left out.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::support::collect;
use ropewalk_core::{
    ErrorKind, Message, MessageAssembler, Model, ModelRequest, ModelTurn, StopReason, ToolResult,
    ToolSpec, Transcript,
};
use serde_json::json;
use tokio::process::{Child, Command};

struct Aimock {
    /// Dies with this value.
    _child: Child,
    /// Without a path.
    origin: String,
    fixtures: PathBuf,
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.fixtures);
    }
}

impl Aimock {
    async fn start(folder: &Path) -> Self {
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
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = std::env::temp_dir().join(format!("ropewalk-aimock-{port}.json"));
        std::fs::write(&path, fixtures.to_string()).unwrap();
        let child = Command::new("node")
            .arg(cli)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-c", "4", "-f"])
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node could not be started");
        let began = std::time::Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "aimock does not come up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { _child: child, origin: format!("http://127.0.0.1:{port}"), fixtures: path }
    }
}

async fn turn(model: &impl Model, messages: &Transcript) -> (ModelTurn, usize) {
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
    let Some(folder) = std::env::var_os("ROPEWALK_AIMOCK") else {
        eprintln!("left out: ROPEWALK_AIMOCK names no folder with aimock");
        return;
    };
    let server = Aimock::start(Path::new(&folder)).await;
    let model = model(&server.origin);
    let mut messages =
        Transcript::from_messages([Message::user("weather in Zürich and Bern?")]).unwrap();
    let (asked, chunks) = turn(&model, &messages).await;
    assert_eq!(asked.stop_reason, StopReason::ToolUse);
    assert_eq!(asked.message.text(), "Let me check.");
    let inputs: Vec<_> = asked.message.tool_uses().map(|call| call.input["city"].clone()).collect();
    assert_eq!(inputs, ["Zürich", "Bern"]);
    assert!(chunks > 12, "aimock streams in pieces, so must we: {chunks} chunks");

    let results = asked.message.tool_uses().map(|call| ToolResult::success(&call.tool_use_id, "7"));
    let results = results.collect();
    messages.push_tool_turn(asked.message, results).unwrap();
    let (answered, _) = turn(&model, &messages).await;
    assert_eq!(answered.stop_reason, StopReason::EndTurn);
    assert_eq!(answered.message.text(), "7 degrees in Zürich, 9 in Bern.");

    let busy = ModelRequest::new(Transcript::from_messages([Message::user("busy?")]).unwrap());
    let error = collect(&model, busy).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
}
