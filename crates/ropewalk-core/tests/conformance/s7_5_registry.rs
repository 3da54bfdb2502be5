//! §7.5: the registry, and what a spec must be.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::{Value, json};

use crate::common::{echo, tool};
use crate::support::*;

fn with_schema(schema: Value) -> Result<ToolRegistry, Error> {
    let mut registry = ToolRegistry::new();
    registry.add(Arc::new(echo("a").schema(schema)))?;
    Ok(registry)
}

fn refused(schema: Value) -> String {
    let error = with_schema(schema).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    error.to_string()
}

#[test]
fn what_a_schema_leaves_out_is_filled_in_once() {
    let full = json!({"type": "object", "properties": {}, "required": []});
    assert_eq!(with_schema(json!({})).unwrap().specs().next().unwrap().input_schema, full);
    let given =
        json!({"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]});
    let registry = with_schema(given.clone()).unwrap();
    assert_eq!(registry.specs().next().unwrap().input_schema, given);
}

#[test]
fn a_property_stays_as_its_author_wrote_it() {
    // Strands gives properties `type: string` and `description: Property <name>` if they have none. On
    // purpose ours stay: without a type any value is meant, and that description says nothing.
    let schema = json!({"type": "object", "properties": {"any": {}}, "required": []});
    let registry = with_schema(schema.clone()).unwrap();
    assert_eq!(registry.specs().next().unwrap().input_schema, schema);
}

#[tokio::test]
async fn the_model_is_told_the_whole_schema_and_the_tools_own_spec_stays() {
    let tool = echo("a").schema(json!({}));
    let model = says("x");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(tool.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(model.requests()[0].tools[0].input_schema["type"], "object");
    assert_eq!(tool.spec().input_schema, json!({}));
}

#[test]
fn a_schema_that_is_not_that_of_an_object_is_refused() {
    assert_eq!(
        refused(json!([])),
        "the input schema of the tool `a` must be a JSON object, not `[]`"
    );
    assert_eq!(
        refused(json!({"type": "array"})),
        "the input schema of the tool `a` must have the type `object`, not `\"array\"`"
    );
    let text = refused(json!({"properties": {"x": {"type": "nonsense"}}}));
    assert!(text.starts_with("the input schema of the tool `a`: "), "{text}");
}

fn nested(levels: usize, wrap: fn(Value) -> Value) -> Value {
    let within = (0..levels).fold(json!({"type": "string"}), |schema, _| wrap(schema));
    json!({"type": "object", "properties": {"x": within}})
}

#[test]
fn more_than_64_levels_are_refused() {
    let wraps: [fn(Value) -> Value; 3] = [
        |schema| json!({"type": "object", "properties": {"x": schema}}),
        |schema| json!({"type": "array", "items": schema}),
        |schema| json!({"anyOf": [schema]}),
    ];
    for wrap in wraps {
        assert!(with_schema(nested(63, wrap)).is_ok());
        assert_eq!(
            refused(nested(64, wrap)),
            "the input schema of the tool `a` has more than 64 levels: make it flatter"
        );
    }
}

#[tokio::test]
async fn a_tool_that_can_not_be_used_is_an_error_when_the_agent_is_built() {
    // In Strands it is skipped with a warning each time the tools are listed.
    let builder = Agent::builder()
        .no_callback_handler()
        .model(says("x"))
        .tool(echo("a").schema(json!({"type": "null"})));
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let builder = Agent::builder().no_callback_handler().model(says("x")).tool(echo("a b"));
    assert_eq!(
        builder.build().await.unwrap_err().to_string(),
        "tool_name=<a b> | invalid tool name pattern"
    );
}

#[test]
fn a_name_that_is_taken_is_refused_and_replaced_only_by_replace() {
    // In Strands a function tool replaces one of its name silently. On purpose it does not here.
    let mut registry = with_schema(json!({})).unwrap();
    registry.add(Arc::new(echo("b"))).unwrap();
    assert!(registry.add(Arc::new(echo("a"))).is_err());
    let newer = tool("a", |_, _| async { Ok(ToolOutput::text("newer")) });
    let newer: Arc<dyn Tool> = Arc::new(newer);
    let older = registry.replace(Arc::clone(&newer)).unwrap();
    assert!(!Arc::ptr_eq(&older, &newer));
    assert!(Arc::ptr_eq(registry.get("a").unwrap(), &newer));
    assert_eq!(registry.names().collect::<Vec<_>>(), ["a", "b"]);
    let error = registry.replace(Arc::new(echo("c"))).err().unwrap();
    assert_eq!(error.to_string(), "there is no tool `c` that could be replaced: `add` it");
}

#[test]
fn a_removed_tool_leaves_the_others_where_they_are() {
    let mut registry = ToolRegistry::new();
    for name in ["a", "b", "c"] {
        registry.add(Arc::new(echo(name))).unwrap();
    }
    assert_eq!(registry.remove("b").unwrap().spec().name, "b");
    assert!(registry.remove("b").is_none());
    assert_eq!(registry.names().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(registry.get("c").unwrap().spec().name, "c");
    registry.add(Arc::new(echo("b"))).unwrap();
    assert_eq!(registry.names().collect::<Vec<_>>(), ["a", "c", "b"]);
}
