//! `ropewalk sessions`, `approve` and `deny`.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, Ran, Reply};
use serde_json::{Value, json};

fn asks() -> Reply {
    Reply::Tools(vec![("t1", "shell", json!({"command": "echo ran >> shell.log"}))])
}

#[test]
fn a_question_is_approved_from_another_process() {
    let bench = Bench::new(vec![asks(), Reply::Text("Done.")]);
    bench.run(&["--session", "s", "go"]);
    let ran = bench.run(&["approve", "s"]);
    assert_eq!(ran.status, Some(2), "which question must be said: {ran:?}");
    assert_eq!(bench.run(&["approve", "s", "2"]).status, Some(2));
    let ran = bench.run(&["approve", "s", "1"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "Done.\n"), "{ran:?}");
    assert_eq!(bench.read("shell.log"), "ran\n");
    // It was used.
    assert_eq!(bench.run(&["approve", "s", "1"]).status, Some(2));
    assert_eq!(bench.read("shell.log"), "ran\n");
}

#[test]
fn a_question_is_denied_by_its_id() {
    let bench = Bench::new(vec![asks(), Reply::Text("As you wish.")]);
    bench.run(&["--session", "s", "go"]);
    let shown = bench.run(&["sessions", "show", "s"]).stdout;
    let id = shown.split("**Open question** `").nth(1).unwrap();
    let id = id.split("(`").nth(1).unwrap().split('`').next().unwrap();
    let ran = bench.run(&["deny", "s", id]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(!bench.path().join("shell.log").exists());
}

#[test]
fn sessions_are_listed_shown_and_checked() {
    let bench = Bench::new(vec![Reply::Text("Noted."), asks()]);
    let none = bench.run(&["sessions", "list"]);
    assert_eq!((none.status, none.stdout.as_str()), (Some(0), ""));
    bench.run(&["--session", "ada", "I am Ada."]);
    bench.run(&["--session", "bob", "go"]);
    let list = bench.run(&["sessions", "list"]);
    assert_eq!(list.stdout, "ada  2 messages\nbob  1 messages  1 open question\n", "{list:?}");
    let json = bench.run(&["sessions", "list", "--json"]).stdout;
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[1]["name"], &lines[1]["open_questions"]), (&json!("bob"), &json!(1)));

    let shown = bench.run(&["sessions", "show", "ada"]).stdout;
    assert!(shown.contains("## User\n\nI am Ada.\n\n## Assistant\n\nNoted.\n"), "{shown}");
    let shown = bench.run(&["sessions", "show", "ada", "--json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["transcript"][0]["role"], "user");

    assert!(bench.run(&["sessions", "verify"]).stdout.contains("ada  whole: 3 records"));
    let path = bench.path().join("sessions/ada.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("Noted.", "Gnawed")).unwrap();
    let ran = bench.run(&["sessions", "verify"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("damaged in line"), "{ran:?}");
    assert!(ran.stdout.contains("bob  whole"), "the others are checked too: {ran:?}");
}

#[test]
fn sessions_are_moved_branched_taken_back_and_removed() {
    let replies = ["Noted.", "Ada.", "Branched."].map(Reply::Text);
    let bench = Bench::new(replies.into());
    bench.run(&["--session", "me", "I am Ada."]);
    let document = bench.run(&["sessions", "export", "me"]).stdout;
    std::fs::write(bench.path().join("me.json"), &document).unwrap();
    let ran = bench.run(&["sessions", "import", "copy", "me.json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(bench.run(&["sessions", "export", "copy"]).stdout, document);
    for wrong in [
        &["sessions", "import", "copy", "me.json"][..],
        &["sessions", "import", "other", "none.json"],
        &["sessions", "fork", "none", "other"],
        &["sessions", "fork", "me", "other", "--at", "99"],
        &["sessions", "rewind", "me", "--to", "99"],
        &["sessions", "remove", "none"],
        &["sessions", "show", "../me"],
    ] {
        let ran = bench.run(wrong);
        assert_eq!(ran.status, Some(2), "{wrong:?}: {ran:?}");
        assert!(!ran.stderr.is_empty());
    }

    bench.run(&["--session", "me", "Who am I?"]);
    let ran = bench.run(&["sessions", "fork", "me", "branch", "--at", "3"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    bench.run(&["--session", "branch", "And now?"]);
    let messages = bench.server.requests()[2]["messages"].clone();
    let texts: Vec<_> = messages.as_array().unwrap().iter().map(|m| &m["content"]).collect();
    assert_eq!(texts, ["I am Ada.", "Noted.", "And now?"]);

    assert_eq!(bench.run(&["sessions", "rewind", "me", "--to", "3"]).status, Some(0));
    let shown = bench.run(&["sessions", "show", "me"]).stdout;
    assert!(!shown.contains("Who am I?"), "{shown}");
    assert_eq!(bench.run(&["sessions", "remove", "copy"]).status, Some(0));
    let list = bench.run(&["sessions", "list"]).stdout;
    assert_eq!(list, "branch  4 messages\nme  2 messages\n");
}

#[test]
fn sessions_lie_in_one_database_unless_a_folder_is_named() {
    let bench = Bench::new(vec![asks(), Reply::Text("Done.")]);
    let data = bench.path().join("data");
    let start = |arguments: &[&str]| {
        let mut command = bench.command(arguments);
        command.env_remove("ROPEWALK_SESSIONS").env("HOME", &data).env("XDG_DATA_HOME", &data);
        Ran::from(command.output().unwrap())
    };
    assert_eq!(start(&["--session", "s", "go"]).status, Some(3));
    assert_eq!(start(&["sessions", "list"]).stdout, "s  1 messages  1 open question\n");
    let ran = start(&["approve", "s", "1"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "Done.\n"), "{ran:?}");

    // The same database under its name, and nothing of it in a folder.
    let database = data.join("ropewalk/sessions.db");
    if cfg!(target_os = "linux") {
        let named = ["sessions", "verify", "--sessions", database.to_str().unwrap()];
        assert!(bench.run(&named).stdout.starts_with("s  whole:"));
    }
    assert_eq!(bench.run(&["sessions", "list"]).stdout, "");
}
