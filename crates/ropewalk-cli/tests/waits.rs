//! What the command shows while it waits, where an answer counts for nothing, and at limits.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::{Bench, Ran, Reply};
use serde_json::json;

fn busy() -> Reply {
    Reply::Refuse(429, json!({"error": {"message": "slow down"}}))
}

/// A file with these lines, for `--config`.
fn config(bench: &Bench, lines: &str) -> String {
    let path = bench.path().join("agent.toml");
    std::fs::write(&path, format!("model = \"openai:scripted\"\n{lines}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_wait_says_why_and_how_long() {
    let bench = Bench::new(vec![busy(), Reply::Text("Hello.")]);
    let config = config(&bench, "[retry]\ninitial_delay_seconds = 1\njitter = false");
    let ran = bench.run(&["--config", &config, "hi"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "Hello.\n"), "{ran:?}");
    assert!(ran.stderr.contains("slow down"), "{}", ran.stderr);
    assert!(ran.stderr.contains("trying again in 1 s"), "{}", ran.stderr);
}

#[test]
fn an_answer_that_breaks_off_is_said_to_count_for_nothing() {
    let bench = Bench::new(vec![Reply::Half("Half an"), Reply::Text("A whole answer.")]);
    let config = config(&bench, "[retry]\ninitial_delay_seconds = 1\njitter = false");
    let ran = bench.run(&["--config", &config, "hi"]);
    // What was printed stands there; the whole answer has a line of its own.
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (Some(0), "Half an\nA whole answer.\n"),
        "{ran:?}"
    );
    let notes = ["the answer so far counts for nothing", "trying again in 1 s"];
    let at = notes.map(|note| ran.stderr.find(note).unwrap_or_else(|| panic!("{}", ran.stderr)));
    assert!(at[0] < at[1]);
}

#[test]
fn a_limit_is_named() {
    let call = || Reply::Tools(vec![("c1", "calculator", json!({"expression": "1 + 1"}))]);
    let bench = Bench::new(vec![call(), call()]);
    let config = config(&bench, "tools = [\"calculator\"]\n[limits]\nturns = 1");
    let ran = bench.run(&["--config", &config, "hi"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("stopped by a limit (limit_turns)"), "{}", ran.stderr);
}

#[test]
fn a_server_that_was_not_started_is_reported_within_seconds() {
    let bench = Bench::new(vec![]);
    let at_nobody = |arguments: &[&str]| {
        let began = Instant::now();
        let mut command = bench.command(arguments);
        command.env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
        (Ran::from(command.output().unwrap()), began.elapsed())
    };
    let (ran, took) = at_nobody(&["hi"]);
    assert_eq!(ran.status, Some(1));
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    assert_eq!(ran.stderr.matches("trying again").count(), 2, "{}", ran.stderr);
    for said in ["127.0.0.1:1", "asked 3 times", "Start the server", "--model local", "--retries N"]
    {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let (ran, took) = at_nobody(&["--retries", "0", "hi"]);
    assert_eq!(ran.status, Some(1));
    assert!(!ran.stderr.contains("trying again"), "{}", ran.stderr);
    assert!(took < Duration::from_secs(10), "it took {took:?}");
}

#[test]
fn retries_count_for_what_the_server_says_too() {
    let bench = Bench::new(vec![busy(), Reply::Text("never heard")]);
    let ran = bench.run(&["--retries", "0", "hi"]);
    assert_eq!((ran.status, bench.server.requests().len()), (Some(1), 1), "{ran:?}");
    assert!(ran.stderr.contains("slow down"), "{}", ran.stderr);
    // The command line counts more than the file.
    let bench = Bench::new(vec![busy(), Reply::Text("never heard")]);
    let config = config(&bench, "[retry]\nmax_attempts = 5");
    let ran = bench.run(&["--config", &config, "--retries", "0", "hi"]);
    assert_eq!((ran.status, bench.server.requests().len()), (Some(1), 1), "{ran:?}");
}
