//! Whatever stands in a session's stored form, with right checksums or none: it is read or refused, and what is
//! read is the same when it was written again. Nothing panics.
#![allow(clippy::unwrap_used)]

mod hostile;

use std::sync::LazyLock;

use futures_executor::block_on;
use proptest::prelude::*;
use proptest::sample::Index;
use ropewalk_core::{Error, Journal as _, Record};
use ropewalk_session::{Export, Sessions};
use serde_json::{Value, json};

use hostile::{HEADER, kept, read_export, read_in_every_way, sealed};

/// Every kind of record, and runs that stand everywhere.
const SESSION: &str = include_str!("fixtures/session-v2.jsonl");
const STORIES: &str = include_str!("../../ropewalk-core/tests/stored/fixtures/format-2.jsonl");

fn read(header: &str, lines: &[String], snapshot: Option<&str>) -> Result<usize, Error> {
    block_on(async { read_in_every_way(&kept(header, lines, snapshot).await).await })
}

/// Values that somebody might put where others are expected.
fn odd() -> impl Strategy<Value = Value> {
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just(u64::MAX), Just(u64::MAX - 1), 0..4_u64].prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(deep),
    ]
}

/// One change of a document: at which of its values, and what is done there.
#[derive(Clone, Debug)]
enum Change {
    Put(Value),
    Remove,
    Double,
    /// What stands at another place stands here too.
    Copy(Index),
}

fn changes() -> impl Strategy<Value = Vec<(Index, Change)>> {
    let change = prop_oneof![
        4 => odd().prop_map(Change::Put),
        2 => Just(Change::Remove),
        2 => Just(Change::Double),
        2 => any::<Index>().prop_map(Change::Copy),
    ];
    prop::collection::vec((any::<Index>(), change), 1..4)
}

/// The places of all values in a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, item)| places(item, &format!("{at}/{n}"), found));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            places(value, &format!("{at}/{key}"), found);
        }),
        _ => {}
    }
}

fn numbers(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    places(value, "", &mut all);
    all.retain(|place| value.pointer(place).is_some_and(Value::is_u64));
    all
}

fn change(document: &mut Value, changes: &[(Index, Change)]) {
    for (at, change) in changes {
        let mut all = Vec::new();
        places(document, "", &mut all);
        let place = at.get::<String>(&all);
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        match change {
            Change::Put(value) => *document.pointer_mut(place).unwrap() = value.clone(),
            Change::Copy(from) => {
                let copied = document.pointer(from.get::<String>(&all)).unwrap().clone();
                *document.pointer_mut(place).unwrap() = copied;
            }
            Change::Remove => match document.pointer_mut(parent).unwrap() {
                Value::Object(map) => drop(map.remove(key)),
                Value::Array(items) if !items.is_empty() => drop(items.remove(0)),
                _ => {}
            },
            Change::Double => match document.pointer_mut(place).unwrap() {
                Value::Array(items) => items.extend(items.clone()),
                Value::Number(number) => {
                    let twice = number.as_u64().unwrap_or_default().saturating_mul(2);
                    *document.pointer_mut(place).unwrap() = twice.into();
                }
                _ => {}
            },
        }
    }
}

fn records() -> Vec<Value> {
    let records = SESSION
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["record"].take());
    records.collect()
}

fn lines(records: &Value) -> Vec<String> {
    let records = records.as_array().into_iter().flatten();
    (0..).zip(records).map(|(seq, record)| sealed(seq, &record.to_string())).collect()
}

/// Runs that stand everywhere.
static RUNS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let run = |line| serde_json::from_str::<Value>(line).unwrap()["run"].take();
    STORIES.lines().map(run).collect()
});

/// Reads a run as the snapshot of a session: as it is, and as one that fits a session without records.
fn read_run(mut run: Value) {
    let applied = run["applied"].as_u64().unwrap_or_default();
    let _ = read(HEADER, &[], Some(&sealed(applied, &run.to_string())));
    if let Some(run) = run.as_object_mut() {
        run.insert("id".to_owned(), "r".into());
        run.insert("applied".to_owned(), 0.into());
    }
    let _ = read(HEADER, &[], Some(&sealed(0, &run.to_string())));
}

#[test]
fn what_is_in_order_is_read_whole() {
    assert_eq!(read(HEADER, &lines(&records().into()), None).unwrap(), records().len());
    let export = json!({"format": "ropewalk-session-export", "version": 2, "run_id": "r", "records": records()});
    assert!(read_export(&export.to_string()).is_some());
}

/// What counts up must not wrap around, and what counts places must not allocate them.
#[test]
fn a_number_that_is_as_large_as_can_be_is_read_or_refused() {
    for run in RUNS.iter() {
        for place in numbers(run) {
            let mut run = run.clone();
            *run.pointer_mut(&place).unwrap() = u64::MAX.into();
            read_run(run);
        }
    }
    let records = Value::from(records());
    for place in numbers(&records) {
        let mut records = records.clone();
        *records.pointer_mut(&place).unwrap() = u64::MAX.into();
        let _ = read(HEADER, &lines(&records), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_read_or_refused(
        header in ".{0,80}",
        texts in prop::collection::vec(".{0,80}", 0..4),
        snapshot in ".{0,80}",
    ) {
        let _ = read(&header, &texts, Some(&snapshot));
        let _ = read(HEADER, &texts, Some(&snapshot));
        prop_assert!(Export::from_json(&header).is_err());
    }

    #[test]
    fn a_changed_session_is_read_or_refused(changes in changes()) {
        let mut document = Value::from(records());
        change(&mut document, &changes);
        let _ = read(HEADER, &lines(&document), None);
        let mut header: Value = serde_json::from_str(HEADER).unwrap();
        change(&mut header, &changes);
        let _ = read(&header.to_string(), &lines(&records().into()), None);
        let mut export = json!({
            "format": "ropewalk-session-export", "version": 2, "run_id": "r", "records": records(),
        });
        change(&mut export, &changes);
        read_export(&export.to_string());
    }

    #[test]
    fn a_changed_snapshot_is_read_or_refused(which in any::<Index>(), changes in changes()) {
        let mut run = which.get::<Value>(&RUNS).clone();
        change(&mut run, &changes);
        read_run(run);
    }

    /// Above all numbers: an approval is bound to the arguments as they are.
    #[test]
    fn a_record_comes_back_as_it_was(number in any::<f64>(), text in ".*", whole in any::<i64>()) {
        let input = json!({"number": number, text.clone(): text, "whole": whole});
        let record: Record = serde_json::from_value(json!({
            "type": "state_changed", "state": input,
        })).unwrap();
        block_on(async {
            let session = Sessions::in_memory().session("s").await.unwrap();
            session.append(std::slice::from_ref(&record)).await.unwrap();
            assert_eq!(session.load().await.unwrap(), [record]);
        });
    }
}
