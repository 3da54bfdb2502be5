//! Sessions: memory, questions answered by another process, processes killed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, Ran, Reply, signal};
use serde_json::json;

fn two_tools() -> Reply {
    Reply::Tools(vec![
        ("t1", "shell", json!({"command": "echo ran >> shell.log"})),
        ("t2", "calculator", json!({"expression": "2 + 2"})),
    ])
}

#[test]
fn a_later_start_remembers() {
    let bench = Bench::new(vec![Reply::Text("Noted."), Reply::Text("Ada.")]);
    bench.run(&["--session", "me", "I am Ada."]);
    bench.run(&["--session", "me", "Who am I?"]);
    let messages = bench.server.requests()[1]["messages"].clone();
    let texts: Vec<_> = messages.as_array().unwrap().iter().map(|m| &m["content"]).collect();
    assert_eq!(texts, ["I am Ada.", "Noted.", "Who am I?"]);
}

#[test]
fn a_question_stops_one_process_and_another_answers_it() {
    let bench = Bench::new(vec![two_tools(), Reply::Text("Done.")]);
    let ran = bench.run(&["--session", "s", "go"]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("may shell run? {\"command\":\"echo ran >> shell.log\"}"));
    assert!(ran.stderr.contains("ropewalk resume s --answer 1=true"), "{}", ran.stderr);
    assert!(!bench.path().join("shell.log").exists());

    // Without an answer nothing changes, and a new prompt does not jump the question.
    assert_eq!(bench.run(&["resume", "s"]).status, Some(3));
    assert_eq!(bench.run(&["--session", "s", "something else"]).status, Some(3));
    // A wrong answer is refused and changes nothing.
    for wrong in ["2=true", "x=true", "1=", "1=null", "1"] {
        let ran = bench.run(&["resume", "s", "--answer", wrong]);
        assert_ne!(ran.status, Some(0), "{wrong}: {ran:?}");
        assert!(!bench.path().join("shell.log").exists());
    }

    let ran = bench.run(&["resume", "s", "--answer", "1=true"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "Done.\n"), "{ran:?}");
    assert!(ran.stderr.contains("← calculator 4\n"), "{}", ran.stderr);
    assert_eq!(bench.read("shell.log"), "ran\n");
    let requests = bench.server.requests();
    assert_eq!(requests.len(), 2);
    let messages = requests[1]["messages"].as_array().unwrap();
    assert_eq!(messages[2]["tool_call_id"], "t1");
    assert_eq!(messages[3]["tool_call_id"], "t2");
    assert_eq!(messages[3]["content"], "4");
    assert_eq!(bench.run(&["resume", "s"]).status, Some(0));
}

#[test]
fn a_denial_runs_nothing_and_the_model_is_told() {
    let bench = Bench::new(vec![two_tools(), Reply::Text("As you wish.")]);
    bench.run(&["--session", "s", "go"]);
    let ran = bench.run(&["resume", "s", "--answer", "1=false"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(!bench.path().join("shell.log").exists());
    let told = bench.server.requests()[1]["messages"][2]["content"].clone();
    assert_eq!(told, "The user did not allow this call.");
}

#[test]
fn an_answer_that_does_not_fit_puts_the_question_again() {
    let bench = Bench::new(vec![two_tools(), Reply::Text("Done.")]);
    bench.run(&["--session", "s", "go"]);
    let ran = bench.run(&["resume", "s", "--answer", "1=\"perhaps\""]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(!bench.path().join("shell.log").exists());
    assert_eq!(bench.run(&["resume", "s", "--answer", "1=true"]).status, Some(0));
    assert_eq!(bench.read("shell.log"), "ran\n");
}

#[cfg(unix)]
#[test]
fn kill_9_in_a_tool_and_the_finished_one_is_not_run_again_the_other_is_unknown() {
    let bench = Bench::new(vec![
        Reply::Tools(vec![
            ("t1", "shell", json!({"command": "echo one >> one.log"})),
            ("t2", "shell", json!({"command": "echo two >> two.log; sleep 30"})),
        ]),
        Reply::Text("I see."),
    ]);
    let mut child = bench.start(&["--session", "s", "--yes", "go"]);
    bench.await_file("one.log");
    bench.await_file("two.log");
    // The first tool's result reaches the disk right after it ran.
    bench.await_text("sessions/s.jsonl", "tool_finished");
    signal(&child, "-KILL");
    child.wait().unwrap();

    let ran = bench.run(&["resume", "s", "--yes"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "I see.\n"), "{ran:?}");
    assert!(ran.stderr.contains("it is not known whether shell ran"), "{}", ran.stderr);
    assert_eq!(bench.read("one.log"), "one\n");
    assert_eq!(bench.read("two.log"), "two\n");
    let messages = bench.server.requests()[1]["messages"].clone();
    assert!(!messages[2]["content"].as_str().unwrap().contains("unknown"), "{messages}");
    assert!(messages[3]["content"].as_str().unwrap().contains("unknown"), "{messages}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_and_the_session_goes_on() {
    let bench = Bench::new(vec![
        Reply::Tools(vec![("t1", "shell", json!({"command": "echo > begun; sleep 30"}))]),
        Reply::Text("Hello again."),
    ]);
    let child = bench.start(&["--session", "s", "--yes", "go"]);
    bench.await_file("begun");
    signal(&child, "-INT");
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("cancelling"), "{}", ran.stderr);
    let ran = bench.run(&["--session", "s", "hello"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "Hello again.\n"), "{ran:?}");
}

#[test]
fn a_damaged_session_is_refused_and_left_as_it_is() {
    let bench = Bench::new(vec![Reply::Text("Noted.")]);
    bench.run(&["--session", "s", "I am Ada."]);
    let file = bench.path().join("sessions/s.jsonl");
    let damaged = std::fs::read_to_string(&file).unwrap().replace("Ada", "Eva");
    std::fs::write(&file, &damaged).unwrap();
    let ran = bench.run(&["--session", "s", "Who am I?"]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.stderr.contains("is damaged in line 2"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), damaged);
}

#[cfg(unix)]
#[test]
fn two_at_once_on_one_session_the_second_is_refused() {
    let bench = Bench::new(vec![Reply::Tools(vec![(
        "t1",
        "shell",
        json!({"command": "echo > begun; sleep 30"}),
    )])]);
    let mut child = bench.start(&["--session", "s", "--yes", "go"]);
    bench.await_file("begun");
    let ran = bench.run(&["--session", "s", "hello"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("in use by another process"), "{}", ran.stderr);
    signal(&child, "-KILL");
    child.wait().unwrap();
}

#[test]
fn options_may_stand_before_and_behind_resume() {
    let bench = Bench::new(vec![]);
    for arguments in [
        &["--quiet", "resume", "nobody"][..],
        &["resume", "--quiet", "nobody"],
        &["resume", "nobody", "--quiet"],
        &["--model", "openai:x", "--yes", "resume", "nobody"],
    ] {
        let ran = bench.run(arguments);
        assert_eq!(ran.status, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("there is no session `nobody`"), "{}", ran.stderr);
    }
    assert_eq!(bench.run(&["resume", "a", "--session", "b"]).status, Some(2));
}

#[test]
fn a_prompt_that_can_not_be_answered_does_not_stop_the_ones_after_it() {
    let overflow = json!({"error": {"message": "too long", "code": "context_length_exceeded"}});
    let refused = json!({"error": {"message": "no"}});
    let bench = Bench::new(vec![
        Reply::Refuse(400, overflow),
        Reply::Refuse(400, refused),
        Reply::Text("Hello."),
    ]);
    assert_eq!(bench.run(&["--session", "s", "far too long"]).status, Some(1));
    assert_eq!(bench.run(&["--session", "s", "not liked"]).status, Some(1));
    assert_eq!(bench.run(&["--session", "s", "hello"]).stdout, "Hello.\n");
    let messages = bench.server.requests()[2]["messages"].clone();
    let texts: Vec<_> = messages.as_array().unwrap().iter().map(|m| &m["content"]).collect();
    assert_eq!(texts, ["not liked", "hello"], "what does not fit is taken back, the rest is kept");
}

#[test]
fn yes_and_deny_answer_a_question_that_is_open_already() {
    let bench =
        Bench::new(vec![two_tools(), Reply::Text("Denied."), two_tools(), Reply::Text("Done.")]);
    assert_eq!(bench.run(&["--session", "s", "go"]).status, Some(3));
    assert_eq!(bench.run(&["resume", "s", "--deny"]).stdout, "Denied.\n");
    assert!(!bench.path().join("shell.log").exists());
    assert_eq!(bench.run(&["--session", "s", "go"]).status, Some(3));
    assert_eq!(bench.run(&["resume", "s", "--yes", "--json"]).status, Some(0));
    assert_eq!(bench.read("shell.log"), "ran\n");
}

#[test]
fn a_start_that_fails_leaves_no_session() {
    let bench = Bench::new(vec![]);
    bench.run(&["--session", "s", "--model", "local:missing.gguf", "hi"]);
    assert!(!bench.path().join("sessions").exists());
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_in_the_middle_of_a_tool_leaves_its_outcome_known() {
    let bench = Bench::new(vec![
        Reply::Tools(vec![("t1", "shell", json!({"command": "echo > begun; sleep 30"}))]),
        Reply::Text("I see."),
    ]);
    let mut child = bench.start(&["--session", "s", "--yes", "--json", "go"]);
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{ran:?}");
    let ran = bench.run(&["--session", "s", "hello"]);
    assert!(!ran.stderr.contains("not known"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_second_ctrl_c_leaves_at_once_and_what_ran_is_ended() {
    let bench = Bench::new(vec![Reply::Tools(vec![(
        "t1",
        "shell",
        json!({"command": "trap '' TERM INT; exec 3> held; echo > begun; sleep 30; echo > survived"}),
    )])]);
    // The shell and what it starts hold the pipe open: its end is read when the last of them is gone,
    // whether or not somebody has asked for their exit status by then.
    let pipe = bench.path().join("held");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let gone = std::thread::spawn(move || std::fs::read(pipe).unwrap());
    let child = bench.start(&["--session", "s", "--yes", "go"]);
    bench.await_file("begun");
    signal(&child, "-TERM");
    signal(&child, "-INT");
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(matches!(ran.status, Some(1 | 130)), "{ran:?}");
    gone.join().unwrap();
    assert!(!bench.path().join("survived").exists(), "the shell outlived the command");
}
