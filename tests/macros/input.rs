//! Arguments that know their tool: `#[tool(input = Name)]`.
#![allow(clippy::unwrap_used, missing_docs)]

use pretty_assertions::assert_eq;
use ropewalk_core::{Agent, ErrorKind, Tool, ToolContext, ToolInput};
use ropewalk_macros::tool;
use ropewalk_testkit::ScriptedModel;
use serde_json::json;

/// Subtracts.
#[tool(name = "minus", input = Minus)]
pub fn subtract(
    /// from this
    a: u64,
    #[tool(default = 1)] b: u64,
    _unit: Option<String>,
    context: ToolContext,
) -> Result<u64, String> {
    assert_eq!(context.tool_use().name, "minus");
    a.checked_sub(b).ok_or_else(|| format!("{a} - {b} is too small"))
}

/// Greets.
#[tool(input = Greet)]
async fn greet(
    #[serde(rename = "in")] place: String,
    #[tool(default = "Hello")] word: String,
) -> String {
    format!("{word}, {place}!")
}

/// Says what day it is.
#[tool(input = Today)]
async fn today() -> Vec<u32> {
    vec![2026, 11, 26]
}

async fn agent() -> Agent {
    let builder = Agent::builder().no_callback_handler().model(ScriptedModel::new([]));
    builder.tools([subtract, greet, today]).build().await.unwrap()
}

#[tokio::test]
async fn a_tool_is_called_with_a_struct_of_its_arguments() {
    let mut agent = agent().await;
    let result = agent.call(Minus { a: 43, b: 1, _unit: None }).await.unwrap();
    assert_eq!(result.value::<u64>().unwrap(), 42);
    let input = agent.messages()[1].tool_uses().next().unwrap().input.clone();
    assert_eq!(input, json!({"a": 43, "b": 1}), "what is not given is left out");
    let said = agent.call(Greet { place: "Zürich".into(), word: "Grüezi".into() }).await;
    assert_eq!(said.unwrap().value::<String>().unwrap(), "Grüezi, Zürich!");
    let day = agent.call(Today {}).await.unwrap();
    assert_eq!(day.value::<[u32; 3]>().unwrap(), [2026, 11, 26]);
}

#[tokio::test]
async fn what_failed_or_is_another_type_is_an_error() {
    let mut agent = agent().await;
    let result = agent.call(Minus { a: 0, b: 1, _unit: None }).await.unwrap();
    let error = result.value::<u64>().unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Other, "Error: 0 - 1 is too small")
    );
    let error = agent.call(Today {}).await.unwrap().value::<u64>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

/// The model's calls are as without it: defaults, descriptions, renamed parameters.
#[tokio::test]
async fn the_tool_is_the_same_for_a_model() {
    assert_eq!((Minus::TOOL, Greet::TOOL), ("minus", "greet"));
    let schema = subtract.spec().input_schema.clone();
    assert_eq!(schema["required"], json!(["a"]));
    assert_eq!(schema["properties"]["a"]["description"], "from this");
    assert_eq!(subtract().try_out(json!({"a": 3})).await.text(), "2");
    assert_eq!(greet().try_out(json!({"in": "Zürich"})).await.text(), "Hello, Zürich!");
}

/// What stands around the call is set as with JSON.
#[tokio::test]
async fn it_can_be_left_out_of_the_history() {
    let mut agent = agent().await;
    agent.tool(Today::TOOL).record(false).call(Today {}).await.unwrap();
    assert!(agent.messages().is_empty());
}
