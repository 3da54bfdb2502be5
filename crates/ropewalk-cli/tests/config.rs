//! Agents from a file, and programs as tools.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::{Bench, Reply};
use serde_json::{Value, json};

const AGENT: &str = r#"
name = "Ropemaker"
system_prompt = "Be brief."
tools = ["calculator"]

[session]
name = "kept"
folder = "own-sessions"
"#;

/// A program that says that it ran.
fn program(bench: &Bench, name: &str) {
    let path = bench.path().join("tools").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = json!({"name": name, "description": "Runs."});
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --tool-spec ]; then echo '{spec}'; else touch ran; echo it ran; fi\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn offered(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect()
}

#[test]
fn an_agent_from_a_file_has_what_the_file_says() {
    let bench = Bench::new(vec![Reply::Text("one"), Reply::Text("two"), Reply::Text("three")]);
    std::fs::write(bench.path().join("agent.toml"), AGENT).unwrap();
    let ran = bench.run(&["--config", "agent.toml", "q"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "one\n"), "{ran:?}");
    // The session is that of the file; its folder is the environment's, which counts more.
    let kept: Vec<_> = std::fs::read_dir(bench.path().join("sessions")).unwrap().collect();
    assert!(
        kept.iter().flatten().any(|entry| entry.file_name().to_string_lossy().contains("kept"))
    );
    assert!(!bench.path().join("own-sessions").exists());
    bench.run(&["--config", "agent.toml", "again"]);
    let more = ["--config", "agent.toml", "--system", "Be wordy.", "--tools", "none", "x"];
    bench.run(&more);
    let requests = bench.server.requests();
    assert_eq!(requests[0]["messages"][0]["content"], "Be brief.");
    assert_eq!(offered(&requests[0]), ["calculator"]);
    assert_eq!(requests[1]["messages"].as_array().unwrap().len(), 4, "it goes on");
    assert_eq!(requests[2]["messages"][0]["content"], "Be wordy.", "the command line counts more");
    assert!(requests[2].get("tools").is_none());
}

#[test]
fn a_file_that_is_wrong_is_wrong_usage() {
    let bench = Bench::new(vec![]);
    std::fs::write(bench.path().join("agent.toml"), "nmae = 'x'").unwrap();
    for (file, said) in [("agent.toml", "did you mean `name`?"), ("none.toml", "can't be read")] {
        let ran = bench.run(&["--config", file, "q"]);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn programs_are_tools_and_ask_first() {
    let call = || Reply::Tools(vec![("p1", "part", json!({}))]);
    let bench = Bench::new(vec![call(), Reply::Text("No."), call(), Reply::Text("Yes.")]);
    program(&bench, "part");
    let arguments = ["--tools", "calculator", "--tools-dir", "tools"];
    let denied = bench.run(&[&arguments[..], &["--deny", "q"]].concat());
    assert_eq!(denied.status, Some(0), "{denied:?}");
    assert!(!bench.path().join("ran").exists());
    assert_eq!(offered(&bench.server.requests()[0]), ["calculator", "part"]);
    let allowed = bench.run(&[&arguments[..], &["--yes", "q"]].concat());
    assert_eq!(allowed.status, Some(0), "{allowed:?}");
    assert!(bench.path().join("ran").exists());
}

/// A program can't get by without being asked for by taking the name of a tool that does.
#[test]
fn a_program_with_the_name_of_a_harmless_tool_asks_too() {
    let call = Reply::Tools(vec![("p1", "calculator", json!({}))]);
    let bench = Bench::new(vec![call, Reply::Text("No.")]);
    program(&bench, "calculator");
    let ran = bench.run(&["--tools-dir", "tools", "--deny", "q"]);
    assert_eq!(ran.status, Some(2), "the name is taken: {ran:?}");
    assert!(ran.stderr.contains("there is a tool `calculator` already"), "{}", ran.stderr);
    let ran = bench.run(&["--tools", "none", "--tools-dir", "tools", "--deny", "q"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(!bench.path().join("ran").exists());
}

#[test]
fn a_broken_program_is_named_and_left_out() {
    let bench = Bench::new(vec![Reply::Text("ok")]);
    program(&bench, "part");
    let broken = bench.path().join("tools").join("broken");
    std::fs::write(&broken, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ran = bench.run(&["--tools", "none", "--tools-dir", "tools", "q"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(
        ran.stderr.contains("broken` is left out: with `--tool-spec` it failed"),
        "{}",
        ran.stderr
    );
    assert_eq!(offered(&bench.server.requests()[0]), ["part"]);
    let ran = bench.run(&["--tools-dir", "nowhere", "q"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("`nowhere` can't be opened"), "{}", ran.stderr);
}
