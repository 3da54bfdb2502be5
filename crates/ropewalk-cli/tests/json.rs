//! `--json`: one event a line, in the page's form, and nothing else.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, Reply};
use ropewalk_testkit::sorted_json;
use serde_json::{Value, json};

/// The events as text, without the times and ids that differ from run to run, and with sorted keys: their
/// order depends on what else is in the build.
fn events(stdout: &str) -> String {
    let lines = stdout.lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        steady(&mut event);
        sorted_json(event).to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn steady(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let text = value.as_str().unwrap_or_default();
                if matches!(key.as_str(), "latencyMs" | "timeToFirstByteMs") {
                    *value = json!(0);
                } else if text.starts_with("v1:tool_call_guard:") {
                    // It is bound to the run, whose id is another one each time.
                    let call = text.split(':').nth(2).unwrap_or_default();
                    *value = json!(format!("v1:tool_call_guard:{call}:[…]"));
                } else {
                    steady(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(steady),
        _ => {}
    }
}

#[test]
fn a_run_with_tools_and_a_question() {
    let bench = Bench::new(vec![
        Reply::Tools(vec![
            ("t1", "calculator", json!({"expression": "6 * 7"})),
            ("t2", "file_write", json!({"path": "answer.txt", "content": "42"})),
        ]),
        Reply::Text("It is 42, and I wrote it down."),
    ]);
    let ran = bench.run(&["--json", "--session", "s", "What is 6 * 7? Write it down."]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    insta::assert_snapshot!("paused", events(&ran.stdout));
    let ran = bench.run(&["resume", "s", "--json", "--answer", "1=true"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    insta::assert_snapshot!("resumed", events(&ran.stdout));
    assert_eq!(bench.read("answer.txt"), "42");
}

#[test]
fn an_error_is_an_event_too() {
    let refusal = Reply::Refuse(400, json!({"error": {"message": "no"}}));
    let ran = Bench::new(vec![refusal]).run(&["--json", "hi"]);
    assert_eq!(ran.status, Some(1));
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["force_stop"], true);
    assert!(ran.stderr.starts_with("error:"));
}
