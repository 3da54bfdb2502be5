//! A server that speaks the OpenAI chat protocol over a real socket and follows a script, and the
//! command started against it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What the server says to one request.
pub enum Reply {
    Text(&'static str),
    /// A text that breaks off.
    Half(&'static str),
    /// Calls: id, tool, arguments.
    Tools(Vec<(&'static str, &'static str, Value)>),
    /// A status and a body.
    Refuse(u16, Value),
}

pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut replies = replies.into_iter();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&mut stream) else { continue };
                seen.lock().unwrap().push(request);
                let reply = replies.next().unwrap_or(Reply::Refuse(
                    500,
                    json!({"error": {"message": "the script is over"}}),
                ));
                // A killed client does not wait for its answer.
                let _ = answer(&mut stream, &reply);
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn answer(stream: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "model": "scripted",
               "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let mut events = Vec::new();
    match reply {
        Reply::Refuse(status, body) => {
            let body = body.to_string();
            write!(
                stream,
                "HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )?;
            return stream.flush();
        }
        Reply::Half(text) => {
            events.push(chunk(json!({"role": "assistant", "content": text}), Value::Null));
        }
        Reply::Text(text) => {
            for piece in text.split_inclusive(' ') {
                events.push(chunk(json!({"role": "assistant", "content": piece}), Value::Null));
            }
            events.push(chunk(json!({}), json!("stop")));
        }
        Reply::Tools(calls) => {
            for (index, (id, name, input)) in calls.iter().enumerate() {
                let input = input.to_string();
                let (head, tail) = input.split_at(input.len() / 2);
                events.push(chunk(
                    json!({"role": "assistant", "tool_calls": [{"index": index, "id": id,
                        "type": "function", "function": {"name": name, "arguments": head}}]}),
                    Value::Null,
                ));
                events.push(chunk(
                    json!({"tool_calls": [{"index": index, "function": {"arguments": tail}}]}),
                    Value::Null,
                ));
            }
            events.push(chunk(json!({}), json!("tool_calls")));
        }
    }
    let whole = !matches!(reply, Reply::Half(_));
    if whole {
        events.push(json!({"id": "c1", "object": "chat.completion.chunk", "choices": [],
            "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}}));
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    )?;
    for event in events {
        write!(stream, "data: {event}\n\n")?;
    }
    if whole {
        write!(stream, "data: [DONE]\n\n")?;
    }
    stream.flush()
}

/// The command, in a folder of its own, against a server.
pub struct Bench {
    pub folder: TempDir,
    pub server: Server,
}

impl Bench {
    pub fn new(replies: Vec<Reply>) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: Server::start(replies) }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ropewalk"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("OPENAI_API_KEY")
            .env("OPENAI_BASE_URL", &self.server.url)
            .env("ROPEWALK_MODEL", "openai:scripted")
            .env("ROPEWALK_SESSIONS", self.folder.path().join("sessions"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Waits until a file is there.
    pub fn await_file(&self, name: &str) {
        let start = Instant::now();
        while !self.path().join(name).exists() {
            assert!(start.elapsed() < Duration::from_secs(20), "{name} did not appear");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a file holds a text.
    pub fn await_text(&self, name: &str, text: &str) {
        let start = Instant::now();
        while !self.read(name).contains(text) {
            assert!(start.elapsed() < Duration::from_secs(20), "{name} did not hold {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }
}

/// What the command did.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Sends a signal, as a terminal or an operator would.
pub fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
