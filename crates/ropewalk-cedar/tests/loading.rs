//! Reading policies, and what is said of those that can't be used.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use pretty_assertions::assert_eq;
use ropewalk_cedar::{CedarPolicy, Ruling, ToolRequest};
use ropewalk_core::{Error, ErrorKind};
use serde_json::json;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn wrong(result: Result<CedarPolicy, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    error.to_string()
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn a_folder_brings_its_schema_and_its_entities() {
    let policy = CedarPolicy::from_dir(fixture("shop")).unwrap();
    let debug = format!("{policy:?}");
    assert_says(&debug, &["policies: 5", "schema: true"]);
}

#[test]
fn ids_are_the_policies_own_or_tell_the_file() {
    let tools = [fixture("shop/orders.cedar"), fixture("shop/limits.cedar")];
    let policy = CedarPolicy::from_files(tools)
        .unwrap()
        .with_entities(
            r#"[{"uid": {"type": "Tool", "id": "refund"}, "attrs": {"risk": 9}, "parents": []}]"#,
        )
        .unwrap();
    let call = ToolRequest::new("refund", json!({"note": "blocked?"}));
    let Ruling::Deny { policies, .. } = policy.decide(&call) else { panic!("permitted") };
    assert_eq!(policies, ["limits/policy1", "no blocked customers"]);
}

#[test]
fn a_text_that_is_no_cedar_is_named_with_its_line() {
    let text = wrong(CedarPolicy::from_files([
        fixture("shop/orders.cedar"),
        fixture("wrong/syntax.cedar"),
    ]));
    assert_says(&text, &["syntax.cedar:4: ", "wen"]);
    let text = wrong("permit (principal, action, resource)\nwhen {".parse());
    assert_says(&text, &["policies:2: "]);
}

#[test]
fn a_policy_that_does_not_fit_the_schema_is_named_with_its_file_line_and_id() {
    let policy = CedarPolicy::from_files([fixture("wrong/misfit.cedar")]).unwrap();
    let text = wrong(policy.with_schema_file(fixture("shop/schema.cedarschema")));
    assert_says(
        &text,
        &[
            "don't fit the schema",
            "did you mean `cents`?",
            "misfit.cedar:6: policy `typo`: ",
            "sents",
        ],
    );
    assert_eq!(text.matches("typo").count(), 1, "{text}");
    assert!(!text.contains("`fine`"), "{text}");
}

#[test]
fn a_schema_that_is_none_is_named_with_its_line() {
    let policy: CedarPolicy = "permit (principal, action, resource);".parse().unwrap();
    let text = wrong(policy.clone().with_schema("entity User;\nentity 7;"));
    assert_says(&text, &["this schema can't be used", "schema:2: "]);
    for json in [r#"{"": {"entityTypes": 3}}"#, r#"{"": {"entityTypes""#] {
        let text = wrong(policy.clone().with_schema(json));
        assert_says(&text, &["this schema can't be used", "schema: ", "line 1"]);
    }
}

#[test]
fn a_schema_may_be_json() {
    let (schema, _) = cedar_policy::SchemaFragment::from_cedarschema_str(
        &std::fs::read_to_string(fixture("shop/schema.cedarschema")).unwrap(),
    )
    .unwrap();
    let policy = CedarPolicy::from_files([fixture("shop/orders.cedar")]).unwrap();
    policy.with_schema(&schema.to_json_string().unwrap()).unwrap();
}

#[test]
fn two_of_one_id_templates_and_odd_folders_are_refused() {
    let twice = r#"@id("x") permit (principal, action, resource);
                   @id("x") forbid (principal, action, resource);"#;
    assert_says(&wrong(twice.parse()), &["policy `x`", "give it an `@id"]);
    let text = wrong(CedarPolicy::from_files([fixture("wrong/template.cedar")]));
    assert_says(&text, &["template.cedar: policy `policy0` is a template"]);
    let two = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("shop/orders.cedar"), two.path().join("orders.cedar")).unwrap();
    for name in ["schema.cedarschema", "schema.cedarschema.json"] {
        std::fs::write(two.path().join(name), "").unwrap();
    }
    assert_says(&wrong(CedarPolicy::from_dir(two.path())), &["there are two schemas in"]);
    let empty = tempfile::tempdir().unwrap();
    assert_says(&wrong(CedarPolicy::from_dir(empty.path())), &["there is no policy in", "*.cedar"]);
    assert_says(&wrong(CedarPolicy::from_dir(empty.path().join("x"))), &["can't be read"]);
    assert_says(&wrong(CedarPolicy::from_files([empty.path().join("x.cedar")])), &["x.cedar"]);
}

#[test]
fn entities_that_are_none_or_do_not_fit_are_refused() {
    let policy = CedarPolicy::from_dir(fixture("shop")).unwrap();
    assert_says(&wrong(policy.clone().with_entities("{")), &["entities: the entities can't be"]);
    let rope = r#"[{"uid": {"type": "Rope", "id": "r"}, "attrs": {}, "parents": []}]"#;
    assert_says(&wrong(policy.with_entities(rope)), &["Rope"]);
}
