//! The two sides of a session, and the server that both ask.

use std::borrow::Borrow;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use ropewalk::models::OpenAiChat;
use ropewalk::prelude::*;
use ropewalk::session::FileSessionManager;
use ropewalk::{AgentBuilder, BoxError, BoxFuture, ToolSpec};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

const VERSIONS: [&str; 2] = ["1.21.0", "1.62.0"];
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strands");

/// Shows something with each version of Strands.
pub(crate) async fn each_version(show: impl AsyncFn(Sides)) {
    let Some(folder) = std::env::var_os("ROPEWALK_STRANDS").map(PathBuf::from) else {
        eprintln!("left out: ROPEWALK_STRANDS is not set (see CONTRIBUTING.md)");
        return;
    };
    static LOADED: OnceLock<Vec<Version>> = OnceLock::new();
    let versions = LOADED.get_or_init(|| VERSIONS.map(|name| Version::load(&folder, name)).into());
    for version in versions {
        eprintln!("Strands {}", version.name);
        show(Sides { folder: tempfile::tempdir().unwrap(), version }).await;
    }
}

/// A version of Strands, loaded once for all tests, and a server.
struct Version {
    name: &'static str,
    url: String,
    strands: Mutex<Talk>,
    _server: Talk,
}

impl Version {
    fn load(folder: &Path, name: &'static str) -> Self {
        let python = folder.join(name).join("bin").join("python");
        assert!(python.is_file(), "{} is missing: run scripts/strands-interop", python.display());
        let mut server = Talk::start(&python, "server.py", &[]);
        let url = format!("http://127.0.0.1:{}/v1", server.hear());
        let strands = Mutex::new(Talk::start(&python, "side.py", &[&url]));
        Self { name, url, strands, _server: server }
    }
}

/// A process that is told one line at a time, and tells one. It ends with its input.
struct Talk {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Talk {
    fn start(python: &Path, script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(format!("{HERE}/{script}"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python could not be started");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { _child: child, input, output: BufReader::new(output) }
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "Python has ended; it says above why");
        line.trim_end().to_owned()
    }
}

/// A session with both sides of it.
pub(crate) struct Sides {
    folder: TempDir,
    version: &'static Version,
}

impl Sides {
    pub(crate) fn version(&self) -> &str {
        self.version.name
    }

    /// Lets Strands do one step, in a process of its own.
    pub(crate) fn strands(&self, step: Value) -> Strands {
        let mut strands = self.version.strands.lock().unwrap();
        writeln!(strands.input, "{}", json!([self.folder.path(), step])).unwrap();
        let said: Value = serde_json::from_str(&strands.hear()).unwrap();
        assert!(said["failed"].is_null(), "{step}: {}", said["failed"]);
        serde_json::from_value(said).unwrap()
    }

    /// Opens the session here.
    pub(crate) async fn ropewalk(&self) -> Agent {
        self.builder("scripted").build().await.unwrap()
    }

    /// What opens the session here, with this model of the server.
    pub(crate) fn builder(&self, model: &str) -> AgentBuilder {
        let model = OpenAiChat::builder(model).base_url(&self.version.url).api_key("none");
        let sessions =
            FileSessionManager::new("s").storage_dir(self.folder.path().join("sessions"));
        let tool = |name: &str| TestTool {
            spec: ToolSpec::new(name, "A tool.", json!({"type": "object"})),
            log: self.folder.path().join("ran"),
        };
        Agent::builder()
            .model(model.build().unwrap())
            .tools([tool("delete"), tool("add")])
            .hook(approve)
            .session_manager(sessions)
            .no_callback_handler()
    }

    /// Which tools ran, on which side, in their order.
    pub(crate) fn ran(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("ran")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// How Strands has left a session.
#[derive(Deserialize)]
pub(crate) struct Strands {
    messages: Vec<Message>,
    /// The questions that are open.
    pub(crate) asked: Vec<Interrupt>,
    pub(crate) state: Value,
}

impl Strands {
    pub(crate) fn history(&self) -> Vec<Message> {
        history(&self.messages)
    }

    pub(crate) fn last_text(&self) -> String {
        self.messages.last().unwrap().text()
    }
}

/// A history without the ids that Strands gives to messages since 1.47, also to those it only loads.
pub(crate) fn history<M: Borrow<Message>>(messages: &[M]) -> Vec<Message> {
    let mut messages: Vec<Message> =
        messages.iter().map(|message| message.borrow().clone()).collect();
    for message in &mut messages {
        message.extra.remove("tracking_id");
    }
    messages
}

/// Asks before each deletion, like the hook on the other side.
fn approve(event: &mut BeforeToolCallEvent) -> HookResult {
    if event.tool_use().name != "delete" {
        return Ok(());
    }
    let path = event.tool_use().input["path"].clone();
    let answer: String = event.interrupt("approve", &path)?;
    match answer.as_str() {
        "yes" => {}
        "stuck" => event.invocation_state().set("stuck", path)?,
        _ => event.cancel_tool("not approved"),
    }
    Ok(())
}

#[derive(Debug)]
struct TestTool {
    spec: ToolSpec,
    log: PathBuf,
}

impl Tool for TestTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async move {
            let path = input["path"].as_str().unwrap_or_default();
            let mut log = std::fs::OpenOptions::new().append(true).create(true).open(&self.log)?;
            writeln!(log, "{}", format!("ropewalk {} {path}", self.spec.name).trim_end())?;
            if context.invocation_state().value("stuck").is_some_and(|stuck| stuck == path) {
                std::future::pending::<()>().await;
            }
            Ok(ToolOutput::text(match self.spec.name.as_str() {
                "add" => "3".to_owned(),
                _ => format!("{path} is gone"),
            }))
        })
    }
}
