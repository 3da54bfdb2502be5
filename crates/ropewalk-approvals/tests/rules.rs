//! Which rule holds for which call.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::prelude::*;
use ropewalk_approvals::{Action, Approvals, Remember, Rule};
use ropewalk_core::{ErrorKind, ToolUse};
use serde_json::{Value, json};

use Action::{Allow, Ask, Deny};

fn call(tool: &str, input: Value) -> ToolUse {
    ToolUse::new("t1", tool, input)
}

fn action(approvals: &Approvals, tool: &str, input: Value) -> Action {
    approvals.judge(&call(tool, input)).action
}

#[test]
fn the_first_rule_that_fits_holds_and_else_somebody_is_asked() {
    let approvals = Approvals::new([
        Rule::deny("read_secret"),
        Rule::allow("read_*"),
        Rule::allow("{add,subtract}"),
        Rule::ask("delete_*").named("deletions"),
        Rule::deny("delete_*"),
    ])
    .unwrap();
    let table = [
        ("read_secret", Deny, "deny read_secret"),
        ("read_file", Allow, "allow read_*"),
        ("add", Allow, "allow {add,subtract}"),
        ("delete_all", Ask, "deletions"),
        ("Read_file", Ask, "otherwise"),
        ("shell", Ask, "otherwise"),
    ];
    for (tool, action, rule) in table {
        let judgement = approvals.judge(&call(tool, json!({})));
        assert_eq!((judgement.action, judgement.rule.as_str()), (action, rule), "{tool}");
    }
    assert_eq!(action(&approvals.otherwise(Deny), "shell", json!({})), Deny);
    assert_eq!(action(&Approvals::default(), "add", json!({})), Ask);
}

#[test]
fn arguments_are_judged_and_what_cant_be_judged_is_never_allowed() {
    let allow = Approvals::new([Rule::allow("write").arg("path", "tmp/**")]).unwrap();
    let deny =
        Approvals::new([Rule::deny("write").arg("path", "tmp/**"), Rule::allow("*")]).unwrap();
    // What becomes of it where `tmp/**` is allowed, and where it is denied.
    let table = [
        (json!({"path": "tmp/a"}), Allow, Deny),
        (json!({"path": "tmp/a/b", "more": 1}), Allow, Deny),
        (json!({"path": "./tmp/a"}), Allow, Deny),
        (json!({"path": "src/a"}), Ask, Allow),
        (json!({"path": "tmp/../src/a"}), Ask, Deny),
        (json!({"path": "src/../tmp/a"}), Ask, Deny),
        (json!({"path": "src/%2e%2e/tmp/a"}), Ask, Deny),
        (json!({"path": "../proj/tmp/a"}), Ask, Deny),
        (json!({"path": "TMP/a"}), Ask, Deny),
        (json!({"path": ["tmp/a", "tmp/b"]}), Allow, Deny),
        (json!({"path": ["tmp/a", "src/b"]}), Ask, Deny),
        (json!({"path": ["src/a", "src/b"]}), Ask, Allow),
        (json!({"path": []}), Ask, Deny),
        (json!({"path": null}), Ask, Deny),
        (json!({"path": {"tmp/a": 1}}), Ask, Deny),
        (json!({"path": 1.0}), Ask, Deny),
        (json!({"path": 7}), Ask, Allow),
        (json!({}), Ask, Deny),
        (json!({"Path": "tmp/a"}), Ask, Deny),
        (json!("tmp/a"), Ask, Deny),
    ];
    for (input, allowed, denied) in table {
        assert_eq!(action(&allow, "write", input.clone()), allowed, "allow: {input}");
        assert_eq!(action(&deny, "write", input.clone()), denied, "deny: {input}");
    }
}

#[test]
fn a_rule_that_cant_be_judged_gives_way_to_a_stricter_one() {
    let approvals = Approvals::new([
        Rule::ask("write").arg("path", "tmp/**").named("tmp"),
        Rule::deny("write").named("rest"),
    ])
    .unwrap();
    let rule = |input| approvals.judge(&call("write", input)).rule;
    assert_eq!(rule(json!({"path": "tmp/a"})), "tmp");
    assert_eq!(rule(json!({"path": "tmp/../a"})), "rest");
    assert_eq!(rule(json!({})), "rest");
}

#[test]
fn nested_arguments_are_found_by_path_or_pointer() {
    let input = json!({"to": {"host": "example.com", "a.b": "x"}, "n": 3, "dry": true});
    for (path, glob) in [
        ("to.host", "*.com"),
        ("/to/host", "example.*"),
        ("/to/a.b", "x"),
        ("n", "3"),
        ("dry", "true"),
    ] {
        let approvals = Approvals::new([Rule::allow("send").arg(path, glob)]).unwrap();
        assert_eq!(action(&approvals, "send", input.clone()), Allow, "{path}");
    }
    let both = [Rule::allow("send").arg("to.host", "*.com").arg("n", "4")];
    assert_eq!(action(&Approvals::new(both).unwrap(), "send", input), Ask);
}

#[test]
fn a_test_of_ones_own_narrows_a_rule() {
    let small = Rule::allow("pay").when(|call| call.input["amount"].as_u64() < Some(100));
    let approvals =
        Approvals::new([Rule::deny("pay").when(|call| call.input["amount"].is_null()), small])
            .unwrap();
    assert_eq!(action(&approvals, "pay", json!({"amount": 99})), Allow);
    assert_eq!(action(&approvals, "pay", json!({"amount": 100})), Ask);
    assert_eq!(action(&approvals, "pay", json!({})), Deny);
}

#[test]
fn a_wrong_rule_is_refused_with_its_number_and_why() {
    let table = [
        (Rule::allow("[a"), "is no glob"),
        (Rule::allow(""), "an empty glob"),
        (Rule::allow("a").arg("b..c", "*"), "names no argument"),
        (Rule::allow("a").arg("b", "{x"), "argument `b`"),
        (Rule::allow("a").approvers(["x"]), "`approvers` has no effect"),
        (Rule::deny("a").expires_in(Duration::from_secs(1)), "`expires_in` has no effect"),
        (Rule::ask("a").scopes([]), "`scopes` is empty"),
        (Rule::ask("a").approvers([""]), "names nobody"),
        (Rule::ask("a").approvers(Vec::<String>::new()), "names nobody"),
        (Rule::ask("a").expires_in(Duration::ZERO), "`expires_in` is zero"),
        (Rule::ask("a").remember(Remember::Arguments(vec![])), "names no argument"),
        (Rule::ask("a").remember(Remember::Arguments(vec!["".into()])), "names no argument"),
        (Rule::ask("a").named(" "), "its name is empty"),
        (Rule::ask("a").named("first"), "another rule has this name"),
    ];
    for (rule, why) in table {
        let error = Approvals::new([Rule::allow("x").named("first"), rule]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.starts_with("approval rule 2") && text.contains(why), "{text}");
    }
}

#[test]
fn rules_come_from_a_file_and_what_is_unknown_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.json");
    let good = json!({"rules": [
        {"allow": "read_*", "args": {"path": "docs/**"}},
        {"ask": "read_*", "risk": "low", "scopes": ["once", "always"], "remember": "tool"},
        {"deny": "*"},
    ]});
    std::fs::write(&path, good.to_string()).unwrap();
    let approvals = Approvals::from_file(&path).unwrap();
    assert_eq!(action(&approvals, "read_file", json!({"path": "docs/a"})), Allow);
    assert_eq!(action(&approvals, "read_file", json!({"path": "src/a"})), Ask);
    assert_eq!(action(&approvals, "shell", json!({})), Deny);

    let bad = [
        (r#"{"rules": [], "extra": 1}"#, "extra"),
        (r#"{"rules": [{"allow": "a", "arg": {}}]}"#, "arg"),
        (r#"{"rules": [{"allow": "a", "deny": "a"}]}"#, "rule 1"),
        (r#"{"rules": [{"args": {}}]}"#, "rule 1"),
        (r#"{"rules": [{"allow": "a", "args": {"x": "1", "x": "*"}}]}"#, "stands twice"),
        (r#"{"rules": [{"allow": "a", "allow": "*"}]}"#, "duplicate"),
        (r#"{"rules": [{"allow": "a", "risk": "low"}]}"#, "`risk` has no effect"),
        (r#"{"rules": [{"ask": "a", "scopes": ["forever"]}]}"#, "forever"),
        (r#"{"otherwise": "deny"}"#, "rules"),
        ("allow everything", "can't be read"),
    ];
    for (text, why) in bad {
        std::fs::write(&path, text).unwrap();
        let error = Approvals::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("rules.json") && error.contains(why), "{text}: {error}");
    }
    let missing = Approvals::from_file(folder.path().join("none.json")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::InvalidInput);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is made of these parts: what is allowed stays in the folder.
    #[test]
    fn no_path_that_is_allowed_leads_out_of_the_folder(
        parts in prop::collection::vec(
            prop::sample::select(vec!["tmp", "..", ".", "", "a", "%2e%2e", ".. ", "...", "TMP"]), 1..6),
        separators in prop::collection::vec(prop::sample::select(vec!["/", "\\", "//", "%2f"]), 6),
    ) {
        let path: String = parts.iter().zip(&separators).map(|(part, sep)| format!("{part}{sep}")).collect();
        let approvals = Approvals::new([Rule::allow("write").arg("path", "tmp/**")]).unwrap();
        if action(&approvals, "write", json!({"path": path.clone()})) == Allow {
            let plain = path.replace("%2f", "/").replace("%2e", ".").replace('\\', "/");
            let mut depth = Vec::new();
            for part in plain.split('/') {
                match part.trim() {
                    "" | "." => {}
                    ".." => drop(depth.pop()),
                    part => depth.push(part),
                }
            }
            prop_assert!(!plain.starts_with('/') && depth.first() == Some(&"tmp"), "{path}");
            prop_assert!(!plain.split('/').any(|part| part.trim() == ".."), "{path}");
        }
    }
}
