//! Looking at a log of decisions.
#![allow(clippy::unwrap_used)]

mod common;

use common::Bench;
use ropewalk_approvals::DecisionLog;
use serde_json::{Value, json};

/// A folder with a log of two decisions.
fn bench() -> (Bench, String) {
    let bench = Bench::new(vec![]);
    let log = DecisionLog::open(bench.path().join("d.jsonl")).unwrap();
    let deny = json!({"verdict": "deny", "tool": "shell", "rule": "no shell",
        "by": "ada", "reason": "no\u{1b}[2J"});
    log.append("run-1", "clerk", deny).unwrap();
    log.append("run-1", "clerk", json!({"verdict": "allow", "tool": "read"})).unwrap();
    let head = log.head().hash;
    (bench, head)
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_log_that_nobody_changed_is_found_whole() {
    let (bench, head) = bench();
    let ran = bench.run(&["decisions", "verify", "d.jsonl"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, format!("nothing was changed: 2 entries\nhead: {head}\n"));
    let ran = bench.run(&["--json", "decisions", "verify", "d.jsonl", "--head", &head]);
    let whole = json!({"whole": true, "entries": 2, "head": head, "repaired": 0});
    assert_eq!((ran.status, json(&ran.stdout)), (Some(0), whole));
}

#[test]
fn a_changed_or_shortened_log_exits_with_1_and_says_where() {
    let (bench, head) = bench();
    let good = bench.read("d.jsonl");
    std::fs::write(bench.path().join("d.jsonl"), good.replace("deny", "pass")).unwrap();
    let ran = bench.run(&["decisions", "verify", "d.jsonl"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("`d.jsonl` is not as it was written: line 2"), "{}", ran.stderr);
    let ran = bench.run(&["--json", "decisions", "verify", "d.jsonl"]);
    assert_eq!(ran.status, Some(1));
    assert_eq!(json(&ran.stdout)["line"], 2);

    let cut: String = good.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(bench.path().join("d.jsonl"), cut).unwrap();
    assert_eq!(bench.run(&["decisions", "verify", "d.jsonl"]).status, Some(0));
    let ran = bench.run(&["decisions", "verify", "d.jsonl", "--head", &head]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.stderr.contains("expected head"), "{}", ran.stderr);
}

#[test]
fn entries_are_shown_one_a_line_and_can_play_no_tricks() {
    let (bench, _) = bench();
    let ran = bench.run(&["decisions", "show", "d.jsonl"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("begins"), "{}", lines[0]);
    let said = "deny shell by rule no shell by ada: no\\u{1b}[2J [clerk, run run-1]";
    assert!(lines[1].starts_with("1  20") && lines[1].ends_with(said), "{}", lines[1]);
    let ran = bench.run(&["--json", "decisions", "show", "d.jsonl"]);
    let last = json(ran.stdout.lines().last().unwrap());
    assert_eq!(last["decision"], json!({"verdict": "allow", "tool": "read"}));
}

#[test]
fn a_file_that_cant_be_read_and_a_head_that_is_none_are_wrong_usage() {
    let (bench, _) = bench();
    let ran = bench.run(&["decisions", "verify", "none.jsonl"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("can't read the log of decisions `none.jsonl`"), "{}", ran.stderr);
    assert_eq!(bench.run(&["decisions", "show", "none.jsonl"]).status, Some(2));
    let ran = bench.run(&["decisions", "verify", "d.jsonl", "--head", "abc"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("64 hexadecimal digits"), "{}", ran.stderr);
}
