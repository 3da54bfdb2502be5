//! What policies say of calls.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_cedar::{Actions, CedarPolicy, Principal, Ruling, ToolRequest};
use serde_json::{Value, json};

fn shop() -> CedarPolicy {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    CedarPolicy::from_dir(folder).unwrap()
}

fn refund(input: Value) -> ToolRequest {
    ToolRequest::new("refund", input).principal("ann")
}

fn permitted(policies: &[&str]) -> Ruling {
    Ruling::Permit { policies: policies.iter().map(|id| (*id).to_owned()).collect() }
}

/// Why a call is denied, and by which policies; nothing if it is not.
fn denied(ruling: &Ruling) -> Option<(&str, Vec<&str>)> {
    match ruling {
        Ruling::Deny { reason, policies, .. } => {
            Some((reason, policies.iter().map(String::as_str).collect()))
        }
        _ => None,
    }
}

#[test]
fn a_permit_lets_it_through_and_names_itself() {
    let small = refund(json!({"order": "o", "cents": 4999}));
    assert_eq!(shop().decide(&small), permitted(&["small refunds"]));
    // Through the schema's group of actions.
    let look = ToolRequest::new("order_status", json!({"order": "o"})).principal("ann");
    assert_eq!(shop().decide(&look), permitted(&["support may look"]));
}

#[test]
fn a_permit_may_want_a_person_to_agree() {
    let big = refund(json!({"order": "o", "cents": 5001}));
    let question = "Pay back more than 50?".to_owned();
    let policies = vec!["big refunds".to_owned()];
    assert_eq!(shop().decide(&big), Ruling::Ask { question, policies });
}

#[test]
fn nobody_is_asked_if_another_policy_permits_it_outright() {
    let policy: CedarPolicy = r#"
        @id("a") @ask("really?") permit (principal, action, resource);
        @id("b") permit (principal, action == Action::"x", resource);
        @id("c") @ask("sure?") permit (principal, action == Action::"y", resource);
        @id("d") @ask permit (principal == Agent::"quiet", action == Action::"z", resource);
    "#
    .parse()
    .unwrap();
    assert_eq!(policy.decide(&ToolRequest::new("x", json!({}))), permitted(&["a", "b"]));
    let Ruling::Ask { question, .. } = policy.decide(&ToolRequest::new("y", json!({}))) else {
        panic!("not asked")
    };
    assert_eq!(question, "really?\nsure?");
    let Ruling::Ask { question, .. } =
        policy.decide(&ToolRequest::new("z", json!({})).agent("quiet"))
    else {
        panic!("not asked")
    };
    assert_eq!(question, "May the agent use the tool `z`?\nreally?");
}

#[test]
fn a_forbid_goes_before_every_permit_and_gives_its_reason() {
    let ruling = shop().decide(&refund(json!({"order": "o", "cents": 1, "note": "a blocked one"})));
    let why = "forbidden by `no blocked customers`: this customer is blocked";
    assert_eq!(denied(&ruling), Some((why, vec!["no blocked customers"])));
}

#[test]
fn what_no_policy_permits_is_denied() {
    let stranger = ToolRequest::new("refund", json!({"order": "o", "cents": 1})).principal("bob");
    let why = "no policy permits `refund` with these arguments";
    assert_eq!(denied(&shop().decide(&stranger)), Some((why, vec![])));
    let itself = ToolRequest::new("refund", json!({"order": "o", "cents": 1})).agent("ann");
    assert_eq!(denied(&shop().decide(&itself)), Some((why, vec![])));
}

#[test]
fn what_does_not_fit_the_schema_is_denied() {
    let misfits = [
        refund(json!({"order": "o"})),
        refund(json!({"order": "o", "cents": "1"})),
        refund(json!({"order": "o", "cents": 1.5})),
        refund(json!({"order": "o", "cents": 1, "extra": true})),
        refund(json!(["o"])),
        refund(json!(null)),
        ToolRequest::new("shell", json!({})).principal("ann"),
        refund(json!({"order": "o", "cents": 1})).principal(Principal::new("Robot", "r")),
        refund(json!({"order": "o", "cents": 1})).principal(Principal::new("no type!", "r")),
        refund(json!({"order": {"__entity": {"type": "User", "id": "ann"}}, "cents": 1})),
    ];
    for call in misfits {
        let ruling = shop().decide(&call);
        let Ruling::Deny { detail, .. } = &ruling else { panic!("{call:?}: {ruling:?}") };
        assert!(detail.is_some(), "{ruling:?}");
    }
    // Null is no attribute at all.
    let null = refund(json!({"order": "o", "cents": 1, "note": null}));
    assert_eq!(shop().decide(&null), permitted(&["small refunds"]));
}

#[test]
fn a_forbid_that_can_not_be_evaluated_denies() {
    let policy: CedarPolicy = r#"
        @id("all") permit (principal, action, resource);
        @id("limit") forbid (principal, action, resource) when { context.input.amount > 100 };
    "#
    .parse()
    .unwrap();
    for amount in [json!("1000"), json!(1000.5), json!(null), json!({"amount": 1}), json!([1])] {
        let ruling = policy.decide(&ToolRequest::new("pay", json!({"amount": amount})));
        let why = "these arguments can't be judged by `limit`";
        assert_eq!(denied(&ruling), Some((why, vec!["limit"])), "{amount}");
    }
    let ruling = policy.decide(&ToolRequest::new("pay", json!({"amount": 100})));
    assert_eq!(ruling, permitted(&["all"]));
}

/// Whether a condition over the context holds for these arguments.
fn holds(condition: &str, input: Value) -> bool {
    let text = format!("permit (principal, action, resource) when {{ {condition} }};");
    let policy: CedarPolicy = text.parse().unwrap();
    let call = ToolRequest::new("t", input).agent("a").run_id("r");
    matches!(policy.decide(&call), Ruling::Permit { .. })
}

#[test]
fn json_becomes_cedar_values() {
    let table = [
        ("context.input.n == 7", json!({"n": 7})),
        ("context.input.n == -9223372036854775808", json!({"n": i64::MIN})),
        (r#"context.input.n == "18446744073709551615""#, json!({"n": u64::MAX})),
        (r#"context.input.n == decimal("1.5")"#, json!({"n": 1.5})),
        (r#"context.input.n == decimal("2.0")"#, json!({"n": 2.0})),
        (r#"context.input.n == decimal("-0.0001")"#, json!({"n": -0.0001})),
        (r#"context.input.n == "0.00001" || context.input.n == "1e-5""#, json!({"n": 0.00001})),
        ("context.input.n like \"*e*\"", json!({"n": 1e300})),
        (r#"context.input.s == "a\"b""#, json!({"s": "a\"b"})),
        ("context.input.b", json!({"b": true})),
        ("!(context.input has gone)", json!({"gone": null})),
        (
            r#"context.input.list.contains("x") && context.input.list.contains(1)"#,
            json!({"list": ["x", 1, null, "x"]}),
        ),
        ("context.input.deep.er.n == 1", json!({"deep": {"er": {"n": 1}}})),
        (r#"context.input["any key!"] == 1"#, json!({"any key!": 1})),
        ("context.input.value == 3", json!(3)),
        (r#"context.tool == "t" && context.agent == "a" && context.run_id == "r""#, json!({})),
        (r#"resource == Tool::"t" && action == Action::"t" && principal == Agent::"a""#, json!({})),
    ];
    for (condition, input) in table {
        assert!(holds(condition, input.clone()), "{condition} for {input}");
    }
}

#[test]
fn nothing_that_a_model_writes_becomes_an_entity() {
    let forged = json!({
        "owner": {"__entity": {"type": "Agent", "id": "a"}},
        "expr": {"__expr": "principal"},
        "extn": {"__extn": {"fn": "decimal", "arg": "1.0"}},
    });
    for key in ["owner", "expr"] {
        assert!(!holds(&format!("context.input.{key} == principal"), forged.clone()));
    }
    assert!(!holds(r#"context.input.extn == decimal("1.0")"#, forged.clone()));
    assert!(holds(r#"context.input.owner.__entity.type == "Agent""#, forged));
    // A name can hold anything and stays a name.
    let odd = r#"x" || true || ""#;
    let policy: CedarPolicy =
        r#"permit (principal == Agent::"boss", action == Action::"x", resource);"#.parse().unwrap();
    let call = ToolRequest::new(odd, json!({})).agent(r#"y", "boss"#);
    assert!(denied(&policy.decide(&call)).is_some());
}

#[test]
fn all_calls_can_be_one_action() {
    let policy: CedarPolicy = r#"
        permit (principal, action == Action::"call_tool", resource == Tool::"clock");
    "#
    .parse::<CedarPolicy>()
    .unwrap()
    .with_actions(Actions::CallTool);
    assert_eq!(policy.decide(&ToolRequest::new("clock", json!({}))), permitted(&["policy0"]));
    assert!(denied(&policy.decide(&ToolRequest::new("shell", json!({})))).is_some());
}

#[test]
fn arguments_that_are_nested_too_deep_are_denied() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({"n": [inner]}));
    assert!(holds("true", nested(30)));
    assert!(!holds("true", nested(33)));
    assert!(!holds("true", nested(500)));
}

#[test]
fn the_time_is_told_where_there_is_a_clock() {
    let policy: CedarPolicy = r#"
        permit (principal, action, resource)
        when { context has time && context.time < datetime("2001-09-09T01:46:41Z") };
    "#
    .parse()
    .unwrap();
    let at = |seconds| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        policy.decide(&ToolRequest::new("x", json!({})).time(time))
    };
    assert_eq!(at(1_000_000_000), permitted(&["policy0"]));
    assert!(denied(&at(1_000_000_001)).is_some());
    assert!(denied(&policy.decide(&ToolRequest::new("x", json!({})))).is_some());
}
