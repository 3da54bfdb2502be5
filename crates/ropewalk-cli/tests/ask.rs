//! Asking once: answers, tools, exit statuses.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, Reply};
use serde_json::json;

fn calculation() -> Vec<Reply> {
    vec![
        Reply::Tools(vec![("c1", "calculator", json!({"expression": "1234 * 5678"}))]),
        Reply::Text("It is 7006652."),
    ]
}

#[test]
fn the_answer_stands_on_standard_output_and_the_tool_call_beside_it() {
    let bench = Bench::new(calculation());
    let ran = bench.run(&["What is", "1234 * 5678?"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "It is 7006652.\n");
    assert_eq!(ran.stderr, "→ calculator {\"expression\":\"1234 * 5678\"}\n← calculator 7006652\n");
    let requests = bench.server.requests();
    assert_eq!(requests[0]["messages"][0]["content"], "What is 1234 * 5678?");
    assert_eq!(requests[1]["messages"][2]["content"], "7006652");
}

#[test]
fn quiet_prints_the_answer_only() {
    let bench = Bench::new(calculation());
    let ran = bench.run(&["--quiet", "What is 1234 * 5678?"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("It is 7006652.\n", ""));
}

#[test]
fn the_prompt_may_come_on_standard_input() {
    use std::io::Write as _;
    let bench = Bench::new(vec![Reply::Text("Hello.")]);
    let mut command = bench.command(&["--system", "Be brief."]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"Good day\n").unwrap();
    let ran = common::Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.stdout, "Hello.\n");
    let messages = bench.server.requests()[0]["messages"].clone();
    assert_eq!(messages[0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!(messages[1]["content"], "Good day");
}

#[test]
fn only_the_named_tools_are_offered() {
    let bench = Bench::new(vec![Reply::Text("a"), Reply::Text("b")]);
    bench.run(&["--tools", "calculator,file_read", "x"]);
    bench.run(&["--tools", "none", "x"]);
    let requests = bench.server.requests();
    let names: Vec<_> =
        requests[0]["tools"].as_array().unwrap().iter().map(|t| &t["function"]["name"]).collect();
    assert_eq!(names, ["calculator", "file_read"]);
    assert!(requests[1].get("tools").is_none());
}

#[test]
fn deny_refuses_what_would_ask_and_yes_lets_it_run() {
    let write =
        || Reply::Tools(vec![("w1", "file_write", json!({"path": "a.txt", "content": "x"}))]);
    let bench = Bench::new(vec![write(), Reply::Text("No."), write(), Reply::Text("Yes.")]);
    let ran = bench.run(&["--deny", "write"]);
    assert_eq!(ran.status, Some(0));
    assert!(!bench.path().join("a.txt").exists());
    assert!(ran.stderr.contains("was not allowed"), "{}", ran.stderr);
    bench.run(&["--yes", "write"]);
    assert_eq!(bench.read("a.txt"), "x");
}

#[test]
fn wrong_usage_says_what_is_wrong_and_exits_with_2() {
    let bench = Bench::new(vec![]);
    for (arguments, said) in [
        (&["--model", "teleport:x", "hi"][..], "there is no model `teleport:x`"),
        (&["--model", "bedrock:", "hi"], "needs the id of a model"),
        (&["--model", "openai:", "hi"], "needs the id of a model"),
        (&["--tools", "teleport", "hi"], "there is no tool `teleport`"),
        (&["--session", "../x", "hi"], "the session name `../x`"),
        (&["--yes", "--deny", "hi"], "cannot be used with"),
        (&["--nonsense", "hi"], "unexpected argument"),
        (&["resume", "nobody"], "there is no session `nobody`"),
        (&[""], "there is no prompt"),
    ] {
        let ran = bench.run(arguments);
        assert_eq!(ran.status, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn what_fails_says_why_and_exits_with_1() {
    let no = |status, message: &str| Reply::Refuse(status, json!({"error": {"message": message}}));
    let bench = Bench::new(vec![no(401, "bad key"), no(404, "no such model")]);
    let ran = bench.run(&["hi"]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.stderr.contains("bad key"), "{}", ran.stderr);
    assert!(bench.run(&["hi"]).stderr.contains("no such model"));

    let mut command = bench.command(&["hi"]);
    let ran = common::Ran::from(command.env_remove("OPENAI_BASE_URL").output().unwrap());
    assert_eq!(ran.status, Some(1));
    assert!(ran.stderr.contains("OPENAI_API_KEY"), "{}", ran.stderr);
}

#[test]
fn a_broken_model_file_is_refused() {
    let bench = Bench::new(vec![]);
    std::fs::write(bench.path().join("bad.gguf"), b"GGUF\x03\0\0\0\xff\xff\xff\xff").unwrap();
    let ran = bench.run(&["--model", "local:bad.gguf", "hi"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("bad.gguf"), "{}", ran.stderr);
    let ran = bench.run(&["--model", "local:missing.gguf", "hi"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("missing.gguf"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_leaves_early_is_no_error_worth_a_word() {
    let words: &str = Box::leak("word ".repeat(50_000).into_boxed_str());
    let bench = Bench::new(vec![Reply::Text(words)]);
    let mut child = bench.start(&["--quiet", "talk"]);
    drop(child.stdout.take());
    let ran = common::Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""));
}
