//! Calls of programs.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use ropewalk_core::{ToolContext, ToolOutput, ToolResultContent, ToolStatus};
use serde_json::{Value, json};

use crate::support::{Place, call, context, error, ok, sh, text, tool};

/// Writes a byte every twentieth of a second, for ever, in a child of a child.
const ALIVE: &str = "sh -c 'while :; do printf x >> alive; sleep 0.05; done'";

impl Place {
    /// What a call of a tool with this body gives.
    async fn run(&self, body: &str, input: Value) -> ToolOutput {
        self.sh("t", body);
        let directory = self.open().await;
        call(&tool(&directory, "t"), input).await
    }

    /// Whether something that should have been ended goes on writing.
    async fn is_quiet(&self) -> bool {
        let size = || std::fs::metadata(self.work().join("alive")).map_or(0, |file| file.len());
        let before = size();
        tokio::time::sleep(Duration::from_millis(300)).await;
        size() == before && before > 0
    }
}

#[tokio::test]
async fn the_input_is_json_and_the_output_text() {
    let place = Place::new();
    assert_eq!(
        text(&place.run("cat", json!({"a": "ü", "b": [1]})).await),
        ok(r#"{"a":"ü","b":[1]}"#)
    );
    assert_eq!(text(&place.run("cat", Value::Null).await), ok("{}"));
    assert_eq!(text(&place.run("true", json!({})).await), ok("(it printed nothing)"));
    assert_eq!(
        text(&place.run("echo 5", json!({})).await),
        ok("5"),
        "JSON that is no result is a text"
    );
    assert_eq!(text(&place.run("echo a; echo log >&2", json!({})).await), ok("a"));
    let there = place.work().display().to_string();
    assert_eq!(text(&place.run("pwd", json!({})).await), ok(&there));
    assert_eq!(text(&place.run("printf '\\377'", json!({})).await), ok("\u{fffd}"));
}

#[tokio::test]
async fn python_will_do() {
    let place = Place::new();
    let program = r#"#!/usr/bin/env python3
import json, sys
SPEC = {
    "name": "word_count",
    "description": "Counts words.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}
if sys.argv[1:] == ["--tool-spec"]:
    print(json.dumps(SPEC))
else:
    words = json.load(sys.stdin)["text"].split()
    print(json.dumps({"status": "success", "content": [{"json": {"words": len(words)}}], "took": 1}))
"#;
    place.program("word_count.py", program);
    let directory = place.open().await;
    let tool = tool(&directory, "word_count");
    let output = call(&tool, json!({"text": "as long as a rope"})).await;
    assert_eq!(output.content, [ToolResultContent::Json(json!({"words": 5}))]);
    assert_eq!(output.extra["took"], 1, "further keys are kept");
    let (status, said) = text(&call(&tool, json!({})).await);
    assert_eq!(status, ToolStatus::Error);
    assert!(said.starts_with("Exit code 1.\n") && said.contains("KeyError: 'text'"), "{said}");
}

/// §7.4 and §7.2: a result with status and content is used as it is; anything else is a text, where
/// Strands' module tools must give a result
#[tokio::test]
async fn a_tool_result_may_be_printed() {
    let place = Place::new();
    let printed = r#"echo '{"toolUseId": "x", "status": "error", "content": [{"text": "no hemp"}, {"text": "b"}]}'"#;
    let output = place.run(printed, json!({})).await;
    assert_eq!((output.status, output.content.len()), (ToolStatus::Error, 2));
    let printed = r#"echo '{"status": "success"}'"#;
    assert_eq!(text(&place.run(printed, json!({})).await), ok(r#"{"status": "success"}"#));
    let printed = r#"echo '{"status": "odd", "content": []}'"#;
    assert_eq!(text(&place.run(printed, json!({})).await).0, ToolStatus::Success);
}

/// §7.4 errors: `Error: <text>`; a program's error has its exit status too
#[tokio::test]
async fn an_exit_status_other_than_0_is_an_error() {
    let place = Place::new();
    let run = async |body| text(&place.run(body, json!({})).await);
    assert_eq!(run("echo out; echo bad >&2; exit 3").await, error("Exit code 3.\nbad"));
    assert_eq!(run("echo out; exit 3").await, error("Exit code 3.\nout"));
    assert_eq!(run("exit 3").await, error("Exit code 3.\n(it printed nothing)"));
    let result = r#"echo '{"status": "success", "content": [{"text": "fine"}]}'; exit 1"#;
    assert_eq!(run(result).await.0, ToolStatus::Error, "the status of the process counts");
    assert!(run("kill -9 $$").await.1.starts_with("The tool was killed"));
}

#[tokio::test]
async fn each_call_has_its_key_in_the_environment() {
    let place = Place::new();
    let body = "echo \"$ROPEWALK_TOOL_USE_ID $ROPEWALK_IDEMPOTENCY_KEY\"";
    assert_eq!(text(&place.run(body, json!({})).await), ok("t1 t1"));
}

#[tokio::test]
async fn much_output_is_cut_and_kept_at_both_ends() {
    let place = Place::new();
    let shown = async |body: &str| text(&place.run(body, json!({})).await).1;
    let cut = shown("echo begin; head -c 9000000 /dev/zero | tr '\\0' x; echo end").await;
    assert!(cut.len() < 25_000, "{}", cut.len());
    assert!(cut.starts_with("begin\nxx") && cut.ends_with("xxend"));
    assert!(cut.contains("bytes are left out here"));
    let many = "python3 -c 'import json; print(json.dumps({\"status\": \"success\", \"content\": [{KIND: VALUE}]}))'";
    let text = many.replace("KIND", "\"text\"").replace("VALUE", "\"y\" * 100000");
    let json = many.replace("KIND", "\"json\"").replace("VALUE", "[\"y\" * 100000]");
    for body in [text, json] {
        let cut = shown(&body).await;
        assert!(cut.len() < 25_000 && cut.contains("bytes are left out here"), "{}", cut.len());
    }
    let error =
        shown("head -c 90000 /dev/zero | tr '\\0' x >&2; echo 'the reason' >&2; exit 1").await;
    assert!(error.len() < 25_000 && error.ends_with("the reason"), "{}", error.len());
}

/// A program that reads nothing, and one that prints before it reads: neither hangs.
#[tokio::test]
async fn much_input_need_not_be_read() {
    let place = Place::new();
    let input = json!({"text": "z".repeat(1_000_000)});
    assert_eq!(text(&place.run("echo done", input.clone()).await), ok("done"));
    let body = "head -c 300000 /dev/zero | tr '\\0' x; wc -c";
    let (status, said) = text(&place.run(body, input).await);
    assert!(
        status == ToolStatus::Success && said.ends_with("1000011"),
        "{}",
        &said[said.len() - 20..]
    );
}

#[tokio::test]
async fn what_takes_too_long_is_ended_with_all_it_started() {
    let place = Place::new();
    place.sh("t", &format!("echo begun >&2\n{ALIVE} &\n{ALIVE}"));
    let options = place.options().with_watch(false).with_call_timeout(Duration::from_millis(400));
    let directory = place.open_with(options).await;
    let said = text(&call(&tool(&directory, "t"), json!({})).await);
    let text = "The tool was stopped because it took longer than 0.4 seconds.\nbegun";
    assert_eq!(said, error(text));
    assert!(place.is_quiet().await);
}

#[tokio::test]
async fn a_cancel_ends_all_it_started() {
    let place = Place::new();
    place.sh("t", ALIVE);
    let directory = place.open().await;
    let context = context(&json!({}));
    let cancel = context.cancel().clone();
    let tool = tool(&directory, "t");
    let (output, ()) = tokio::join!(tool.call(json!({}), context), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    });
    assert!(
        text(&output.unwrap()).1.starts_with("The tool was stopped because the run was cancelled.")
    );
    assert!(place.is_quiet().await);
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_all_it_started() {
    let place = Place::new();
    place.sh("t", ALIVE);
    let directory = place.open().await;
    let tool = tool(&directory, "t");
    let call = tool.call(json!({}), ToolContext::clone(&context(&json!({}))));
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    assert!(place.is_quiet().await);
}

#[tokio::test]
async fn what_it_leaves_behind_is_ended_and_not_waited_for() {
    let place = Place::new();
    let started = Instant::now();
    let said = place.run(&format!("{ALIVE} &\nsleep 0.2; echo done"), json!({})).await;
    assert_eq!(text(&said), ok("done"));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(place.is_quiet().await);
}

/// What was approved is what runs.
#[tokio::test]
async fn a_program_that_has_changed_is_not_run_before_it_was_asked_again() {
    let place = Place::new();
    place.sh("t", "echo old");
    let directory = place.open().await;
    let old = tool(&directory, "t");
    place.program("t", &sh("t", "touch ran; echo new"));
    let (status, said) = text(&call(&old, json!({})).await);
    assert!(
        status == ToolStatus::Error && said.contains("has changed since it said what it does"),
        "{said}"
    );
    assert!(!place.work().join("ran").exists());
    directory.reload().await.unwrap();
    assert_eq!(text(&call(&tool(&directory, "t"), json!({})).await), ok("new"));
    std::fs::remove_file(place.tools().join("t")).unwrap();
    assert_eq!(text(&call(&tool(&directory, "t"), json!({})).await).0, ToolStatus::Error);
}
