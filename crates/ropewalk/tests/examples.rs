//! The examples, run as a user runs them. `cargo test` has built them beside this test.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;

fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().join("examples");
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    path
}

struct Ran {
    ok: bool,
    stdout: String,
    stderr: String,
}

fn run(name: &str, folder: &Path, arguments: &[&str], typed: &str) -> Ran {
    let mut child = Command::new(example(name))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    Ran {
        ok: output.status.success(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn lines(name: &str, typed: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(name, folder.path(), &[], typed);
    assert!(ran.ok, "{}", ran.stderr);
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn hooks() {
    let lines = lines("hooks", "");
    for part in ["call limit", "for ada: It rains in New York.", "only 2 calls", "saw OutOfHemp"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
}

#[test]
fn wrap_cache() {
    let lines = lines("wrap_cache", "");
    let asked = lines.iter().filter(|line| line.contains("asking the bank")).count();
    assert_eq!(asked, 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("from the cache")), "{lines:#?}");
}

#[test]
fn agent_from_file() {
    let lines = lines("agent_from_file", "");
    let told =
        ["Ropemaker:", "  calculator gave 660", "Three strands of 220 m take 660 m of yarn."];
    assert_eq!(lines[..3], told);
    assert!(
        lines[3].contains("line 2, column 1") && lines[3].contains("`system_prompt`?"),
        "{lines:?}"
    );
}

#[cfg(unix)]
#[test]
fn tools_from_directory() {
    let lines = lines("tools_from_directory", "");
    assert!(lines[0].contains("broken.sh` is left out"), "{lines:#?}");
    assert!(lines[1].contains("greet gave Good day from"), "{lines:#?}");
    let told = ["I greeted them.", "  word_count gave 5 words", "There are 5."];
    assert_eq!(lines[2..], told);
}

#[test]
fn approvals_rules() {
    assert!(!lines("approvals_rules", "").is_empty());
}

#[test]
fn approve_in_terminal() {
    let told = |typed| lines("approve_in_terminal", typed).join("\n");
    assert!(told("yes\n").contains("the model was told: tmp/ is gone"));
    for typed in ["no\n", "", "whatever\n"] {
        assert!(told(typed).contains("the model was told: a person said no"), "{typed:?}");
    }
}

#[test]
fn approve_later() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run("approve_later", folder.path(), arguments, "");
    let asked = run(&[]);
    assert!(asked.ok && asked.stdout.contains("this process ends"), "{}", asked.stderr);
    let refused = run(&["yes", "mallory"]);
    assert!(!refused.ok && refused.stderr.contains("only ada, grace may answer, not mallory"));
    let answered = run(&["yes", "grace"]);
    assert!(answered.ok && answered.stdout.contains("A-17 is paid"), "{}", answered.stderr);
}

#[test]
fn without_async() {
    let lines = lines("without_async", "");
    let expected = [
        "",
        "Tool #1: ring",
        "The bell was rung.",
        "it took 2 model calls; rung: 1",
        "the same: true; rung: 1",
        "Again? No.",
        "it ended with end_turn",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn registry() {
    let lines = lines("registry", "");
    let expected = [
        "Request started for agent: my agent",
        "provider: start",
        "back from my agent, with 0 questions",
        "provider: end",
        "Request ended",
        "provider: end",
    ];
    let told: Vec<&String> =
        lines.iter().filter(|line| expected.contains(&line.as_str())).collect();
    assert_eq!(told, expected, "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("refused: the callback")), "{lines:#?}");
}

#[test]
fn prompts() {
    let lines = lines("prompts", "");
    assert_eq!(lines.iter().filter(|line| line.starts_with("User")).count(), 3, "{lines:#?}");
    assert!(lines.contains(&"As I said: yes?".to_owned()), "{lines:#?}");
}

#[test]
fn stream() {
    let lines = lines("stream", "");
    for part in ["[weather {", r#"{"init_event_loop":true}"#, "Take an umbrella.", "[end_turn"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
}

#[test]
fn direct_tool_call() {
    let lines = lines("direct_tool_call", "");
    for part in ["about to run calculator", "7006652", "agent.tool.calculator was called."] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
}

#[test]
fn structured_output() {
    let lines = lines("structured_output", "");
    assert_eq!(lines[0], "Oslo has 717710 people", "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("none: ")), "{lines:#?}");
    assert_eq!(lines.last().unwrap(), r#"whole: {"name":"Rome","people":2746984}"#, "{lines:#?}");
}

#[test]
fn policy_cedar() {
    let lines = lines("policy_cedar", "");
    for part in [
        "read_file notes/todo.md: Success",
        "read_file notes/../secrets.md: Error",
        "? \"",
        "-> yes",
    ] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
}

#[test]
fn model_fallback() {
    let lines = lines("model_fallback", "");
    let answers: Vec<_> = lines.iter().filter(|line| line.contains("metres high")).collect();
    assert_eq!(answers.len(), 4, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains(r#""cached":true"#)), "{lines:#?}");
}
