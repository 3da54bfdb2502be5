//! What the models are told about the shipped tools.
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use ropewalk_core::{Replay, tool_name_problem};
use ropewalk_testkit::sorted_json;
use ropewalk_tools::{ASK_FIRST, all, asks_first, by_name, names};

#[test]
fn specs() {
    for tool in all() {
        let spec = tool.spec();
        insta::assert_json_snapshot!(spec.name.clone(), sorted_json(spec));
        assert_eq!(tool_name_problem(&spec.name), None);
        assert!(!spec.description.contains('\n'), "small models read one line best");
        assert!((2..=4).contains(&spec.examples.len()));
        for example in &spec.examples {
            let properties = spec.input_schema["properties"].as_object().unwrap();
            let known = |key: &String| properties.contains_key(key);
            assert!(example.input.as_object().unwrap().keys().all(known), "{example:?}");
        }
    }
}

#[tokio::test]
async fn examples_of_arithmetic_are_right() {
    let tool = ropewalk_tools::calculator();
    for example in &tool.static_spec().examples {
        let result = tool.try_out(example.input.clone()).await;
        let text = serde_json::to_value(&result.content).unwrap()[0]["text"].clone();
        assert_eq!(text, *example.result.as_ref().unwrap());
    }
}

#[test]
fn tools_are_found_by_their_names() {
    assert_eq!(names().len(), all().len());
    for name in names() {
        assert_eq!(by_name(name).unwrap().spec().name, name);
    }
    assert!(by_name("nothing").is_none());
}

#[test]
fn what_has_effects_asks_first_and_is_not_pure() {
    for name in ASK_FIRST {
        assert!(asks_first(name));
    }
    for tool in all() {
        assert_eq!(asks_first(&tool.spec().name), tool.replay() != Replay::Pure);
    }
}
