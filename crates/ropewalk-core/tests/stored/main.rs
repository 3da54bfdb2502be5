//! The stored form: what this version and earlier ones wrote stays readable, and is written the same.
//!
//! A fixture holds, line by line, a record and the run that it led to, for each story of `stories.rs`.
//! After a change that adds to the form, `ROPEWALK_WRITE_FIXTURE=2 cargo test -p ropewalk-core --test stored`
//! writes that of format 2 anew: look at what changed in it. That of format 1 was written by the version that
//! had it, and stays as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod stories;

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::sorted_json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const FORMAT_1: &str = include_str!("fixtures/format-1.jsonl");
const FORMAT_2: &str = include_str!("fixtures/format-2.jsonl");

/// One line of a fixture: a record, and the run after it.
#[derive(Deserialize)]
struct Line {
    story: String,
    record: Value,
    run: Value,
}

fn lines(fixture: &str) -> Vec<Line> {
    fixture.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All records of all stories, each with the run that it led to.
fn told() -> Vec<(&'static str, Record, Run)> {
    let mut told = Vec::new();
    for (story, records) in stories::all() {
        let mut run = Run::new("frozen");
        for record in records {
            run.apply(record.clone()).unwrap_or_else(|error| panic!("{story}: {error}"));
            told.push((story, record, run.clone()));
        }
    }
    told
}

/// A value that has only one JSON form.
fn read<T: DeserializeOwned>(json: &Value) -> T {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[test]
fn format_2_is_read_and_written_the_same() {
    let told = told();
    if std::env::var_os("ROPEWALK_WRITE_FIXTURE").is_some_and(|wanted| wanted == *"2") {
        let line = |(story, record, run): &(&str, Record, Run)| {
            sorted_json(json!({"story": story, "record": record, "run": run})).to_string() + "\n"
        };
        let text: String = told.iter().map(line).collect();
        std::fs::write("tests/stored/fixtures/format-2.jsonl", text).unwrap();
        return;
    }
    let lines = lines(FORMAT_2);
    assert_eq!(lines.len(), told.len(), "the stories have changed: see how fixtures are written");
    for (line, (story, record, run)) in lines.iter().zip(told) {
        assert_eq!(line.story, story);
        assert_eq!(read::<Record>(&line.record), record, "{story}");
        assert_eq!(read::<Run>(&line.run), run, "{story}: after {record:?}");
        let again = (sorted_json(&record), sorted_json(&run));
        assert_eq!(again, (sorted_json(&line.record), sorted_json(&line.run)), "{story}");
    }
}

/// What can be seen of a run from outside.
fn seen(run: &Run) -> impl PartialEq + std::fmt::Debug {
    let step = match run.next() {
        Step::Idle => "idle",
        Step::Begin(_) => "begin",
        Step::Model => "model",
        Step::Answer(_) => "answer",
        Step::Output(_) => "output",
        Step::Tools(_) => "tools",
        Step::Wait(_) => "wait",
        Step::Finish(_) => "finish",
    };
    let calls: Vec<_> = run.calls().iter().map(|call| call.state.clone()).collect();
    (
        step,
        run.transcript().clone(),
        calls,
        run.open_interrupts(),
        (run.invocation(), run.cycles(), run.applied()),
        (run.usage(), run.total_usage()),
    )
}

/// Format 1 counted less, and kept the questions with the tools.
#[test]
fn format_1_is_read() {
    let mut run = Run::new("frozen");
    let lines = lines(FORMAT_1);
    assert_eq!(lines.len(), 28);
    for line in lines {
        assert_eq!((&line.run["version"], &*line.story), (&json!(1), "format 1"));
        run.apply(read(&line.record)).unwrap();
        let stored: Run = read(&line.run);
        assert_eq!(seen(&stored), seen(&run), "after {}", line.record);
        // It goes on as one of today, and is one when it is stored.
        let mut stored = stored;
        if run.is_idle() {
            stored.apply(stories::started("and now?")).unwrap();
            assert!(matches!(stored.next(), Step::Model));
        }
        assert_eq!(serde_json::to_value(stored).unwrap()["version"], FORMAT_VERSION);
    }
    assert!(run.is_idle());
}

/// The number of an invocation must not come again: idempotency keys are made of it.
#[test]
fn a_run_that_has_counted_further_than_runs_do_is_refused() {
    let run = serde_json::to_value(Run::new("r")).unwrap();
    for key in ["invocation", "highest", "applied"] {
        let mut far = run.clone();
        far[key] = (1_u64 << 53).into();
        read::<Run>(&far);
        far[key] = ((1_u64 << 53) + 1).into();
        let error = serde_json::from_value::<Run>(far).unwrap_err().to_string();
        assert!(error.contains("no run has counted so far"), "{error}");
    }
}

/// The names that a type knows, as it tells them to whoever gives another.
fn names<T: DeserializeOwned>(unknown: Value) -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(unknown) else { panic!("it is known") };
    let text = error.to_string();
    let (_, names) = text.split_once("expected ").expect(&text);
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names under this key, wherever it stands.
fn under(key: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if name == key => drop(found.insert(text.clone())),
                    Value::Object(one) if name == key => found.extend(one.keys().cloned()),
                    _ => {}
                }
                under(key, value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| under(key, item, found)),
        _ => {}
    }
}

/// A record that is added, or a kind of place, of end, of waiting answer, stands in the fixture from then on.
#[test]
fn the_fixture_holds_every_kind_of_record() {
    let mut records = BTreeSet::new();
    let [mut sites, mut finishes, mut held] = [const { BTreeSet::new() }; 3];
    let [mut phases, mut states] = [const { BTreeSet::new() }; 2];
    for line in lines(FORMAT_2) {
        records.insert(line.record["type"].as_str().unwrap().to_owned());
        under("site", &line.record, &mut sites);
        under("finish", &line.record, &mut finishes);
        under("held", &line.record, &mut held);
        under("phase", &line.run, &mut phases);
        under("state", &line.run["phase"], &mut states);
    }
    assert_eq!(records, names::<Record>(json!({"type": "?"})));
    assert_eq!(sites, names::<Site>(json!("?")));
    assert_eq!(finishes, names::<Finish>(json!("?")));
    assert_eq!(held, names::<HeldAnswer>(json!({"?": 1})));
    assert_eq!(states, names::<CallState>(json!("?")));
    let expected = ["answer", "ended", "held", "idle", "model", "output", "tools"];
    assert_eq!(phases, expected.map(str::to_owned).into_iter().collect::<BTreeSet<_>>());
}
