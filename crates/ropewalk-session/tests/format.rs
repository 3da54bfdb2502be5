//! `docs/format.md` says all that is stored.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use ropewalk_core::{FORMAT_VERSION, Record};
use ropewalk_session::{Export, Sessions};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../docs/format.md");
/// Every kind of record with all its fields, and the runs that they lead to.
const STORIES: &str = include_str!("../../ropewalk-core/tests/stored/fixtures/format-2.jsonl");

/// The part of the page under a heading, up to the next one.
fn section(heading: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n{heading}\n")).expect(heading);
    let level = heading.split(' ').next().unwrap().len();
    let end = (1..=level).filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level)))).min();
    &rest[..end.unwrap_or(rest.len())]
}

/// The words in code.
fn code(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows of the tables of a section, by their cells.
fn rows(section: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = section.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    rows.map(|row| row.split('|').skip(1).map(str::trim).collect())
}

/// The words in code of the first cells.
fn first_cells(heading: &str) -> BTreeSet<String> {
    rows(section(heading)).skip(1).flat_map(|row| code(row[0])).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn stories() -> impl Iterator<Item = Value> {
    STORIES.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// The kinds that the code knows, as it tells them to whoever gives another.
fn kinds() -> BTreeSet<String> {
    let error = serde_json::from_value::<Record>(json!({"type": "?"})).unwrap_err().to_string();
    let (_, known) = error.split_once("expected one of").unwrap();
    code(known)
}

#[test]
fn every_kind_of_record_is_on_the_page_with_its_fields() {
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in stories() {
        let mut found = keys(&line["record"]);
        found.remove("type");
        fields
            .entry(line["record"]["type"].as_str().unwrap().to_owned())
            .or_default()
            .extend(found);
    }
    assert_eq!(fields.keys().cloned().collect::<BTreeSet<_>>(), kinds(), "a kind is in no story");
    let records: Vec<_> =
        rows(section("## Records")).skip(1).take_while(|row| row[0] != "in").collect();
    let page: BTreeMap<_, _> = records
        .iter()
        .flat_map(|row| code(row[0]).into_iter().map(|kind| (kind, code(row[1]))))
        .collect();
    assert_eq!(page, fields);
}

/// What a session of the first number holds came with it.
#[test]
fn the_page_says_since_when_there_is_a_kind() {
    let first: BTreeSet<_> =
        include_str!("../../ropewalk-core/tests/stored/fixtures/format-1.jsonl")
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|line| line["record"]["type"].as_str().unwrap().to_owned())
            .collect();
    let since_first: BTreeSet<_> = rows(section("## Records"))
        .filter(|row| row.get(3) == Some(&"1"))
        .flat_map(|row| code(row[0]))
        .collect();
    assert_eq!(since_first, first);
}

#[test]
fn every_key_of_a_run_is_on_the_page() {
    let mut keys: BTreeSet<_> = stories().flat_map(|line| keys(&line["run"])).collect();
    // No story loads a snapshot that is older than the run.
    keys.insert("highest".to_owned());
    assert_eq!(first_cells("## The snapshot"), keys);
}

#[tokio::test]
async fn the_header_the_lines_and_the_export_are_as_the_page_has_them() {
    assert!(PAGE.contains(&format!("The number of the form is {FORMAT_VERSION}.")));
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::in_folder(folder.path());
    drop(sessions.session("one").await.unwrap());
    sessions.fork("one", None, "two").await.unwrap();
    let record: Record = serde_json::from_str(r#"{"type":"abandoned"}"#).unwrap();
    let two = sessions.session("two").await.unwrap();
    ropewalk_core::Journal::append(&two, &[record]).await.unwrap();
    let text = std::fs::read_to_string(two.place()).unwrap();
    let (header, line) = text.split_once('\n').unwrap();
    let header: Value = serde_json::from_str(header).unwrap();
    assert_eq!(first_cells("## The header"), keys(&header));
    assert_eq!(keys(&header["forked_from"]), ["records", "run_id"].map(str::to_owned).into());
    // The page shows this very record.
    assert!(section("## Lines").contains(line.trim_end()), "{line}");
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(first_cells("## Lines"), keys(&line));
    drop(two);

    let export: Export = sessions.export("one").await.unwrap();
    let export: Value = serde_json::from_str(&export.to_json().unwrap()).unwrap();
    assert_eq!(first_cells("## An exported session"), keys(&export));
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_tables_are_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    drop(Sessions::in_sqlite(&path).await.unwrap());
    let database = rusqlite::Connection::open(&path).unwrap();
    let mut columns = database
        .prepare("SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.name NOT LIKE 'sqlite_%'")
        .unwrap();
    let columns: BTreeSet<(String, String)> = columns
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut page = BTreeSet::new();
    let mut table = String::new();
    for row in rows(section("### SQLite")).skip(1) {
        table = code(row[0]).pop_first().unwrap_or(table);
        page.extend(code(row[1]).into_iter().map(|column| (table.clone(), column)));
    }
    assert_eq!(page, columns);
}
