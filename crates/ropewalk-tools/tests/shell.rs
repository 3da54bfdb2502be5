//! Shell commands.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use ropewalk_core::{Tool, ToolContext, ToolStatus, ToolUse};
use ropewalk_tools::WorkingFolder;
use serde_json::{Value, json};
use tempfile::TempDir;

struct Place {
    dir: TempDir,
    folder: WorkingFolder,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = WorkingFolder::open(dir.path()).unwrap();
        Self { dir, folder }
    }

    fn context(input: &Value) -> ToolContext {
        ToolContext::detached(ToolUse::new("t1", "shell", input.clone()))
    }

    async fn call(&self, input: Value) -> (ToolStatus, String) {
        let context = Self::context(&input);
        self.call_in(input, context).await
    }

    async fn call_in(&self, input: Value, context: ToolContext) -> (ToolStatus, String) {
        match self.folder.shell().call(input, context).await {
            Ok(output) => {
                let content = serde_json::to_value(&output.content).unwrap();
                (output.status, content[0]["text"].as_str().unwrap().to_owned())
            }
            Err(error) => (ToolStatus::Error, format!("Error: {error}")),
        }
    }

    async fn run(&self, command: &str) -> (ToolStatus, String) {
        self.call(json!({"command": command})).await
    }

    /// How much was written by what runs.
    fn written(&self) -> u64 {
        std::fs::metadata(self.dir.path().join("alive")).map_or(0, |file| file.len())
    }

    /// Waits until what was started runs.
    async fn runs(&self) {
        let start = Instant::now();
        while self.written() == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "nothing was started");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether something that should have been ended goes on writing.
    async fn is_quiet(&self) -> bool {
        let before = self.written();
        tokio::time::sleep(Duration::from_millis(400)).await;
        self.written() == before && before > 0
    }
}

/// Writes a byte every tenth of a second, for ever, in a child of a child.
const ALIVE: &str = "sh -c 'while :; do printf x >> alive; sleep 0.1; done'";

fn ok(text: &str) -> (ToolStatus, String) {
    (ToolStatus::Success, text.to_owned())
}

fn error(text: &str) -> (ToolStatus, String) {
    (ToolStatus::Error, text.to_owned())
}

#[tokio::test]
async fn it_gives_what_is_printed() {
    let place = Place::new();
    assert_eq!(
        place.run("echo hello; pwd").await,
        ok(&format!("hello\n{}", place.folder.path().display()))
    );
    assert_eq!(place.run("true").await, ok("(it printed nothing)"));
    assert_eq!(place.run("echo a; echo b >&2").await, ok("a\n[standard error]\nb"));
    assert_eq!(place.run("cat").await, ok("(it printed nothing)"), "there is no input");
    assert_eq!(place.run("printf '\\377'").await, ok("\u{fffd}"));
}

#[tokio::test]
async fn failures_are_errors_with_what_was_printed() {
    let place = Place::new();
    assert_eq!(place.run("echo a; exit 3").await, error("Exit code 3.\na"));
    assert_eq!(place.run("exit 1").await, error("Exit code 1.\n(it printed nothing)"));
    let (status, text) = place.run("kill -9 $$").await;
    assert_eq!(status, ToolStatus::Error);
    assert!(text.starts_with("The command was killed (signal: 9"), "{text}");
    let text = "Error: the command is empty: give a command line such as `ls`";
    assert_eq!(place.run("  ").await, error(text));
    let input = json!({"command": "true", "timeout_seconds": 0});
    let text = "Error: a timeout of 0 seconds is not possible: give 1 to 3600";
    assert_eq!(place.call(input).await, error(text));
}

#[tokio::test]
async fn much_output_keeps_its_beginning_and_its_end() {
    let place = Place::new();
    let (status, text) =
        place.run("echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo last").await;
    assert_eq!(status, ToolStatus::Success);
    assert!(text.starts_with("first\nxxx") && text.ends_with("xxxlast"), "{}", &text[..99]);
    assert!(text.contains("[… 2975435 bytes are left out here …]"));
    assert!(text.len() < 25_000);
}

#[tokio::test]
async fn a_timeout_ends_children_too() {
    let place = Place::new();
    let start = Instant::now();
    let input = json!({"command": format!("echo a; {ALIVE} & {ALIVE}"), "timeout_seconds": 2});
    let text = "The command was stopped because it took longer than 2 seconds.\na";
    assert_eq!(place.call(input).await, error(text));
    assert!(start.elapsed() < Duration::from_secs(60));
    assert!(place.is_quiet().await);
}

#[tokio::test]
async fn cancelling_ends_children_too() {
    let place = Place::new();
    let input = json!({"command": ALIVE});
    let context = Place::context(&input);
    let cancel = context.cancel().clone();
    let (ended, ()) = tokio::join!(place.call_in(input, context), async {
        place.runs().await;
        cancel.cancel();
    });
    let text = "The command was stopped because the run was cancelled.\n(it printed nothing)";
    assert_eq!(ended, error(text));
    assert!(place.is_quiet().await);
}

#[tokio::test]
async fn giving_the_call_up_ends_children_too() {
    let place = Place::new();
    tokio::select! {
        ended = place.run(ALIVE) => panic!("it ended: {ended:?}"),
        () = place.runs() => {}
    }
    assert!(place.is_quiet().await);
}

#[tokio::test]
async fn what_is_left_running_is_ended() {
    let place = Place::new();
    let start = Instant::now();
    let command = format!("{ALIVE} & while [ ! -s alive ]; do sleep 0.05; done; echo started");
    assert_eq!(place.run(&command).await, ok("started"));
    assert!(place.is_quiet().await);
    // It closes its output, so that only the shell's end is waited for.
    assert_eq!(place.run("exec >&- 2>&-; sleep 0.2").await, ok("(it printed nothing)"));
    assert!(start.elapsed() < Duration::from_secs(60));
}
