//! Interrupts: ids, JSON, and the scope that asks.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::{Value, json};

const SITE: &str = "v1:before_tool_call:t1";
/// `approve` as a UUID version 5 in the namespace of object ids.
const APPROVE: &str = "5cf56bed-067e-5438-a1ef-dbfa3405e45d";

fn approve_id() -> String {
    format!("{SITE}:{APPROVE}")
}

/// A scope in which `approve` was answered with this.
fn answered(response: Value) -> InterruptScope {
    let mut interrupt = Interrupt::new(approve_id(), "approve", json!("why"));
    interrupt.response = response;
    InterruptScope::new(SITE, [interrupt])
}

fn raised<A: std::fmt::Debug>(outcome: Result<A, BoxError>) -> Interrupt {
    outcome.unwrap_err().downcast::<InterruptException>().expect("a question").into_interrupt()
}

#[test]
fn the_id_is_the_place_and_the_name_as_in_strands() {
    let scope = InterruptScope::new(SITE, []);
    let interrupt = raised(scope.ask::<bool>("approve", json!({"path": "/tmp"})));
    let expected = Interrupt::new(approve_id(), "approve", json!({"path": "/tmp"}));
    assert_eq!(interrupt, expected);
}

#[test]
fn one_name_at_two_places_is_two_questions() {
    let ask = |site: &str| raised(InterruptScope::new(site, []).ask::<bool>("approve", ())).id;
    assert_ne!(ask("v1:before_tool_call:t1"), ask("v1:before_tool_call:t2"));
    assert_ne!(ask("v1:before_tool_call:t1"), ask("v1:tool_call:t1"));
}

#[test]
fn to_dict_and_json_hold_exactly_four_keys() {
    let interrupt = Interrupt::new("i", "n", json!("r"));
    let expected = json!({"id": "i", "name": "n", "reason": "r", "response": null});
    assert_eq!(interrupt.to_dict(), expected);
    assert_eq!(serde_json::to_value(&interrupt).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Interrupt>(expected).unwrap(), interrupt);
}

#[test]
fn the_answer_to_a_question_carries_its_id() {
    let answer = Interrupt::new("i", "n", json!(null)).answer(false);
    let block = ContentBlock::InterruptResponse(answer);
    assert_eq!(
        serde_json::to_value(block).unwrap(),
        json!({"interruptResponse": {"interruptId": "i", "response": false}}),
    );
}

#[test]
fn an_answer_comes_back_typed() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Approval {
        yes: bool,
        by: String,
    }
    let scope = answered(json!({"yes": true, "by": "ada"}));
    let approval: Approval = scope.ask("approve", "why").unwrap();
    assert_eq!(approval, Approval { yes: true, by: "ada".into() });
}

#[test]
fn falsy_answers_are_answers_and_null_is_none() {
    for response in [json!(false), json!(0), json!(""), json!([]), json!({})] {
        assert_eq!(answered(response.clone()).ask::<Value>("approve", ()).unwrap(), response);
    }
    assert!(answered(Value::Null).ask::<Option<bool>>("approve", ()).is_err());
}

#[test]
fn an_answer_is_for_its_own_question_only() {
    assert!(answered(json!(true)).ask::<bool>("another", ()).is_err());
}

#[test]
fn an_answer_that_does_not_fit_is_neither_taken_nor_lost_silently() {
    let error = answered(json!("maybe")).ask::<bool>("approve", ()).unwrap_err();
    assert!(error.downcast_ref::<InterruptException>().is_none());
    let text = error.to_string();
    assert!(text.contains("`approve`") && text.contains("does not fit"), "{text}");
}

#[test]
fn an_answer_given_beforehand_is_taken_and_nobody_is_asked() {
    let scope = InterruptScope::new(SITE, []);
    assert_eq!(scope.ask_with::<u8>("approve", json!("why"), json!(0)).unwrap(), 0);
    // It stands for later asking in the same place.
    assert_eq!(scope.ask::<u8>("approve", ()).unwrap(), 0);
}

#[test]
fn an_answer_of_a_person_goes_before_one_given_beforehand() {
    let scope = answered(json!(false));
    assert!(!scope.ask_with::<bool>("approve", json!(null), json!(true)).unwrap());
}

#[test]
fn null_given_beforehand_is_no_answer() {
    let scope = InterruptScope::new(SITE, []);
    raised(scope.ask_with::<bool>("approve", json!(null), Value::Null));
}

#[test]
fn the_first_asking_decides_what_the_person_is_told() {
    let scope = InterruptScope::new(SITE, []);
    raised(scope.ask::<bool>("approve", "first"));
    assert_eq!(raised(scope.ask::<bool>("approve", "second")).reason, json!("first"));
}

#[test]
fn a_reason_that_can_not_be_stored_is_an_error_at_once() {
    let reason = std::collections::HashMap::from([((1, 2), "no string key")]);
    let error = InterruptScope::new(SITE, []).ask::<bool>("approve", reason).unwrap_err();
    assert!(error.downcast_ref::<InterruptException>().is_none());
    assert!(error.to_string().contains("`approve` can't be stored"), "{error}");
}

#[test]
fn the_questions_of_a_dispatch_are_read_as_a_list_in_their_order() {
    struct Stock(InterruptScope);
    impl BaseHookEvent for Stock {
        fn interrupt_scope(&self) -> Option<&InterruptScope> {
            Some(&self.0)
        }
    }
    let asked = |names: &[&'static str]| {
        let mut registry = HookRegistry::new();
        for name in names.iter().copied() {
            registry
                .add_callback(move |stock: &mut Stock| stock.0.ask::<bool>(name, "why").map(drop));
        }
        registry.invoke_callbacks(Stock(InterruptScope::new("v1:own", []))).unwrap().1
    };
    let (none, two) = (asked(&[]), asked(&["first", "second"]));
    assert_eq!((none.len(), two.len()), (0, 2));
    assert_eq!(none, Interrupts::default());
    assert_ne!(none, two);
    assert_eq!(format!("{none:?}"), "[]");
    assert!(format!("{two:?}").starts_with("[Interrupt {"));
    assert_eq!(
        (&two).into_iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["first", "second"]
    );
    assert_eq!(two.clone().into_iter().map(|it| it.name).collect::<Vec<_>>(), ["first", "second"]);
    let apart: Vec<Interrupt> = two.clone().into();
    assert_eq!(Interrupts::from(apart), two);
    assert_eq!(Interrupts::from(Vec::new()), none);
}
