//! The command against a foreign OpenAI-compatible server, aimock, over a socket: a run with tools
//! and a question, answered by another process.
//!
//! `ROPEWALK_AIMOCK` names the folder in which `npm i @copilotkit/aimock@1.43.0` was run; it needs
//! `node`. Without it the test says that it was left out.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Bench, Ran};
use serde_json::{Value, json};

struct Aimock {
    child: Child,
    url: String,
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Aimock {
    fn start(folder: &Path, scratch: &Path) -> Self {
        let cli = folder.join("node_modules/@copilotkit/aimock/dist/cli.js");
        assert!(cli.is_file(), "{} is missing", cli.display());
        let fixtures = json!({"fixtures": [
            {"match": {"userMessage": "6 * 7", "hasToolResult": false}, "response": {"blocks": [
                {"type": "text", "text": "Let me see."},
                {"type": "toolCall", "name": "calculator", "arguments": "{\"expression\":\"6 * 7\"}"},
                {"type": "toolCall", "name": "file_write",
                 "arguments": "{\"path\":\"answer.txt\",\"content\":\"42\"}"}]}},
            {"match": {"userMessage": "6 * 7", "hasToolResult": true},
                "response": {"content": "It is 42, and I wrote it down."}},
        ]});
        let path = scratch.join("fixtures.json");
        std::fs::write(&path, fixtures.to_string()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("node")
            .arg(cli)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-f"])
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "aimock did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, url: format!("http://127.0.0.1:{port}/v1") }
    }
}

#[test]
fn a_run_with_tools_and_a_question() {
    let Some(folder) = std::env::var_os("ROPEWALK_AIMOCK") else {
        eprintln!("left out: ROPEWALK_AIMOCK names no folder with aimock");
        return;
    };
    let bench = Bench::new(vec![]);
    let server = Aimock::start(Path::new(&folder), bench.path());
    let run = |arguments: &[&str]| {
        let mut command = bench.command(arguments);
        Ran::from(command.env("OPENAI_BASE_URL", &server.url).output().unwrap())
    };

    let ran = run(&["--json", "--session", "s", "What is 6 * 7? Write it down."]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let events: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let asked = events.iter().find_map(|event| event.get("tool_interrupt_event")).unwrap();
    let question = &asked["interrupts"][0];
    assert_eq!(question["reason"]["tool"], "file_write");
    let result = &events.last().unwrap()["result"];
    assert_eq!(result["stop_reason"], "interrupt");
    assert_eq!(result["interrupts"][0], *question);
    assert!(!bench.path().join("answer.txt").exists());

    let answer = format!("{}=true", question["id"].as_str().unwrap());
    let ran = run(&["resume", "s", "--json", "--answer", &answer]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["result"]["message"]["content"][0]["text"], "It is 42, and I wrote it down.");
    assert_eq!(bench.read("answer.txt"), "42");
}
