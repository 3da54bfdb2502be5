//! Whatever a model writes, there is a ruling, and it permits nothing by accident.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use ropewalk_cedar::{CedarPolicy, Principal, Ruling, ToolRequest};
use serde_json::{Map, Value, json};

static SHOP: LazyLock<CedarPolicy> = LazyLock::new(|| {
    CedarPolicy::from_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop"))
        .unwrap()
});

static LOOSE: LazyLock<CedarPolicy> = LazyLock::new(|| {
    r#"
        permit (principal, action, resource);
        forbid (principal, action, resource)
        unless { context.input has cents && context.input.cents < 100 };
    "#
    .parse()
    .unwrap()
});

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("order".to_owned()),
        Just("cents".to_owned()),
        Just("note".to_owned()),
        Just("__entity".to_owned()),
        Just("__extn".to_owned()),
        any::<String>(),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        (-200_000..200_000_i64).prop_map(|n| json!(n as f64 / 10_000.0)),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn any_input_gets_a_ruling(
        tool in prop_oneof![Just("refund".to_owned()), any::<String>()],
        kind in prop_oneof![Just("User".to_owned()), any::<String>()],
        id in any::<String>(),
        input in json(),
    ) {
        let call = ToolRequest::new(tool, input).principal(Principal::new(kind, id));
        // Nobody but `ann` may do anything.
        let denied = matches!(SHOP.decide(&call), Ruling::Deny { .. });
        prop_assert!(denied);
        LOOSE.decide(&call);
    }

    #[test]
    fn only_what_surely_fits_is_permitted(input in json()) {
        let ruling = LOOSE.decide(&ToolRequest::new("pay", input.clone()));
        let small = input.get("cents").and_then(Value::as_i64).is_some_and(|cents| cents < 100);
        let permitted = matches!(ruling, Ruling::Permit { .. });
        prop_assert_eq!(permitted, small, "{:?}", ruling);
    }
}
