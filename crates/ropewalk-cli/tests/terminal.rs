//! A person at a terminal: the question is shown whole and takes yes, no, always.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use common::{Bench, Ran, Reply};
use serde_json::json;

/// Runs the command in a pseudo-terminal (`script` of util-linux) and types: each line when the
/// text before it stands on the screen.
fn typed(bench: &Bench, arguments: &str, lines: &[(&str, &str)]) -> Ran {
    let program = env!("CARGO_BIN_EXE_ropewalk");
    let mut child = Command::new("script")
        .args(["-qec", &format!("{program} {arguments}"), "/dev/null"])
        .current_dir(bench.path())
        .env("OPENAI_BASE_URL", &bench.server.url)
        .env("ROPEWALK_MODEL", "openai:scripted")
        .env("ROPEWALK_SESSIONS", bench.path().join("sessions"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut keys = child.stdin.take().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let mut shown = String::new();
    let mut seen = 0;
    let mut bytes = [0; 4096];
    let mut read = |shown: &mut String| {
        let count = screen.read(&mut bytes).unwrap_or(0);
        shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    };
    for (wait_for, line) in lines {
        while !shown[seen..].contains(wait_for) {
            assert!(read(&mut shown), "`{wait_for}` did not come: {shown}");
        }
        seen += shown[seen..].find(wait_for).unwrap() + wait_for.len();
        keys.write_all(line.as_bytes()).unwrap();
    }
    while read(&mut shown) {}
    let status = child.wait().unwrap().code();
    Ran { status, stdout: shown, stderr: String::new() }
}

fn write(id: &'static str, path: &str) -> (&'static str, &'static str, serde_json::Value) {
    (id, "file_write", json!({"path": path, "content": "line one\nline two\u{1b}[2K"}))
}

#[test]
fn yes_runs_it_once_and_the_whole_call_is_shown_without_tricks() {
    let bench = Bench::new(vec![Reply::Tools(vec![write("t1", "a.txt")]), Reply::Text("Done.")]);
    let ran = typed(&bench, "write", &[("Run it?", "what?\n"), ("Run it?", "y\n")]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let shown = ran.stdout.replace('\r', "");
    assert!(shown.contains("The agent wants to run file_write:"), "{shown}");
    assert!(shown.contains("  | line one\n  | line two\\u{1b}[2K\n"), "{shown}");
    assert!(shown.contains("  path: a.txt\n"), "{shown}");
    assert!(bench.read("a.txt").starts_with("line one"));
}

#[test]
fn no_runs_nothing() {
    let bench = Bench::new(vec![Reply::Tools(vec![write("t1", "a.txt")]), Reply::Text("Well.")]);
    let ran = typed(&bench, "write", &[("Run it?", "n\n")]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(!bench.path().join("a.txt").exists());
}

#[test]
fn always_asks_once_for_this_tool() {
    let bench = Bench::new(vec![
        Reply::Tools(vec![write("t1", "a.txt"), write("t2", "b.txt")]),
        Reply::Tools(vec![write("t3", "c.txt")]),
        Reply::Text("Done."),
    ]);
    let ran = typed(&bench, "write", &[("Run it?", "a\n")]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stdout.matches("Run it?").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("It would:") && ran.stdout.contains("+++ a.txt"), "{}", ran.stdout);
    for name in ["a.txt", "b.txt", "c.txt"] {
        assert!(bench.path().join(name).exists());
    }
}

#[test]
fn a_chat_goes_on_until_an_empty_line() {
    let bench = Bench::new(vec![Reply::Text("Good day."), Reply::Text("Fine.")]);
    let ran = typed(&bench, "", &[("> ", "hello\n"), ("> ", "how are you?\n"), ("> ", "\n")]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("Good day.") && ran.stdout.contains("Fine."), "{}", ran.stdout);
    assert_eq!(bench.server.requests()[1]["messages"].as_array().unwrap().len(), 3);
}

#[test]
fn the_open_question_is_put_again_at_the_next_start() {
    let bench = Bench::new(vec![
        Reply::Tools(vec![write("t1", "a.txt")]),
        Reply::Text("Done."),
        Reply::Text("Hello."),
    ]);
    assert_eq!(bench.run(&["--session", "s", "write"]).status, Some(3));
    let ran = typed(&bench, "--session s hello", &[("Run it?", "y\n")]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("The agent wants to run file_write:"));
    assert!(ran.stdout.contains("Done.") && ran.stdout.contains("Hello."), "{}", ran.stdout);
    assert!(bench.path().join("a.txt").exists());
}

#[test]
fn a_line_that_was_pasted_before_the_question_is_no_answer_to_it() {
    let bench = Bench::new(vec![Reply::Tools(vec![write("t1", "a.txt")]), Reply::Text("Well.")]);
    let ran = typed(&bench, "", &[("> ", "write\ny\n"), ("Run it?", "n\n"), ("> ", "\n")]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(!bench.path().join("a.txt").exists(), "{}", ran.stdout);
}
