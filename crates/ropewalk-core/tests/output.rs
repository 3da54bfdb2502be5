//! JSON that is not whole yet.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use proptest::prelude::*;
use ropewalk_core::partial_json;
use serde_json::{Value, json};

#[test]
fn what_has_only_begun_is_left_out() {
    for (text, value) in [
        ("{", json!({})),
        ("[", json!([])),
        (r#"{"na"#, json!({})),
        (r#"{"name"#, json!({})),
        (r#"{"name":"#, json!({})),
        (r#"{"name": ""#, json!({"name": ""})),
        (r#"{"name": "a\"#, json!({"name": "a"})),
        (r#"{"name": "a\u00e"#, json!({"name": "a"})),
        (r#"{"name": "a\ud83d\ude"#, json!({"name": "a"})),
        (r#"{"n": 1"#, json!({})),
        (r#"{"n": 12, "#, json!({"n": 12})),
        (r#"{"b": tru"#, json!({})),
        (r#"{"list": [1, 2"#, json!({"list": [1]})),
        (r#"{"list": [{"a": "x"}, {"#, json!({"list": [{"a": "x"}, {}]})),
        (r#"  {"a": null, "b": [["x"#, json!({"a": null, "b": [["x"]]})),
        (r#""half a te"#, json!("half a te")),
    ] {
        assert_eq!(partial_json(text), Some(value), "{text}");
    }
    for text in ["", "  ", "Paris", "-", "}", "[1}}", "{1: 2,"] {
        assert_eq!(partial_json(text), None, "{text}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        any::<String>().prop_map(Value::from),
        "[\\\\\"/{}\\[\\],:😀é\u{7}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The text with each character that is not ASCII escaped, as some models write it.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            c.encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| escaped += &format!("\\u{unit:04x}"));
        }
    }
    escaped
}

/// What was there once stays: a later value only adds to it.
fn grows(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::String(before), Value::String(after)) => after.starts_with(before.as_str()),
        (Value::Array(before), Value::Array(after)) => {
            before.len() <= after.len() && before.iter().zip(after).all(|(a, b)| grows(a, b))
        }
        (Value::Object(before), Value::Object(after)) => {
            before.iter().all(|(key, a)| after.get(key).is_some_and(|b| grows(a, b)))
        }
        (before, after) => before == after,
    }
}

proptest! {
    #[test]
    fn every_beginning_of_json_has_its_value(inner in any_json(), pretty in any::<bool>(), escape in any::<bool>()) {
        let whole = json!({"answer": inner});
        let text = if pretty { format!("{whole:#}") } else { whole.to_string() };
        let text = if escape { escaped(&text) } else { text };
        let mut before = json!({});
        for end in (1..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let value = partial_json(&text[..end]);
            prop_assert!(value.is_some(), "{}", &text[..end]);
            let value = value.unwrap();
            prop_assert!(grows(&before, &value), "{before} -> {value}");
            before = value;
        }
        prop_assert_eq!(before, whole);
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        let _ = partial_json(&text);
        let _ = partial_json(&format!("{{\"a\": [{text}"));
    }
}
