//! §7.3 of Strands' behaviour: function tools, row by row. How methods and streams become tools is in
//! `method.rs` and `stream.rs`, what does not compile in `ui`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use pretty_assertions::assert_eq;
use ropewalk_core::__macro_support::{schemars, serde};
use ropewalk_core::{Tool, ToolContext, ToolOutput};
use ropewalk_macros::tool;
use serde_json::{Value, json};

fn property(tool: &impl Tool, name: &str) -> Value {
    tool.spec().input_schema["properties"][name].clone()
}

/// From the comment.
#[tool(name = "other-name", description = "From the attribute.")]
fn named() {}

#[test]
fn name_and_description_can_be_said() {
    assert_eq!(named.spec().name, "other-name");
    assert_eq!(named.spec().description, "From the attribute.");
}

/// Does it.
///
/// # Arguments
/// * `one` - the first
/// * `two` - the second
///
/// # Errors
/// When it can't.
///
/// # Examples
/// `documented 1 2`
#[tool]
fn documented(one: u8, two: u8, three: u8) -> u8 {
    one + two + three
}

#[test]
fn the_description_is_the_comment_without_its_arguments_and_later_sections_stay() {
    assert_eq!(
        documented.spec().description,
        "Does it.\n\n# Errors\nWhen it can't.\n\n# Examples\n`documented 1 2`"
    );
}

#[test]
fn a_parameter_without_description_has_none() {
    // Strands writes `Parameter three`. On purpose nothing is made up here: the model knows the name.
    assert_eq!(property(&documented, "one")["description"], "the first");
    assert_eq!(property(&documented, "three").get("description"), None);
}

/// Takes what it gets.
#[tool]
fn lenient(
    required: u8,
    #[tool(default = 7)] given: u8,
    optional: Option<String>,
    nullable: Vec<Option<u8>>,
) -> Value {
    json!([required, given, optional, nullable])
}

#[tokio::test]
async fn required_is_what_has_no_default_and_defaults_are_told() {
    let schema = &lenient.spec().input_schema;
    assert_eq!(schema["required"], json!(["required", "nullable"]));
    assert_eq!(property(&lenient, "given")["default"], 7);
    // What may be left out is not offered as null besides, and no null stands as its default.
    assert_eq!(property(&lenient, "optional"), json!({"type": "string"}));
    assert!(property(&lenient, "nullable")["items"].to_string().contains("null"));
}

#[tokio::test]
async fn input_is_checked_coerced_and_unknown_keys_ignored() {
    let input = json!({"required": "1", "nullable": [null], "unknown": true});
    assert_eq!(lenient().try_out(input).await.text(), "[1,7,null,[null]]");
    let text = lenient().try_out(json!({"required": "one", "nullable": []})).await.text();
    assert!(
        text.starts_with("Error: Validation failed for input parameters: `required`: "),
        "{text}"
    );
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "ropewalk_core::__macro_support::serde")]
#[schemars(crate = "ropewalk_core::__macro_support::schemars")]
struct Place {
    city: String,
}

/// Takes a struct.
#[tool]
fn nested(place: Place) -> String {
    // In Strands nested models come as plain maps.
    place.city
}

#[tokio::test]
async fn nested_types_come_as_what_they_are() {
    assert_eq!(nested().try_out(json!({"place": {"city": "Bern"}})).await.text(), "Bern");
    assert!(!nested.spec().input_schema.to_string().contains("title"));
    assert_eq!(property(&nested, "place")["properties"]["city"]["type"], "string");
}

/// Is told its context, whatever the parameter is called.
#[tool]
async fn aware(anything: ToolContext) -> ToolOutput {
    ToolOutput::text(&*anything.tool_use().name)
}

#[tokio::test]
async fn the_context_is_found_by_its_type() {
    // Strands wants `context=True`, or the parameter's name there.
    assert_eq!(aware.spec().input_schema["properties"], json!({}));
    assert_eq!(aware().try_out(json!({})).await.text(), "aware");
}

#[test]
fn a_free_functions_name_stands_for_the_tool_and_a_method_stays_callable() {
    // In Strands the decorated function stays callable too. Here its name is what is handed to an agent:
    // a function that is to be called otherwise as well is called by the tool.
    fn is_tool(_: impl Tool) {}
    is_tool(documented);
    is_tool(documented());
}
