//! Tools that give one value after another.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Stream};
use pretty_assertions::assert_eq;
use ropewalk_core::{Agent, AgentEvent, Tool, ToolContext, ToolStatus};
use ropewalk_macros::tool;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

/// Counts up.
#[tool]
fn count(to: u8) -> impl Stream<Item = u8> {
    stream::iter(1..=to)
}

/// Counts up, after some thought, and fails above three.
#[tool]
async fn careful(to: u8) -> impl Stream<Item = Result<String, String>> {
    tokio::task::yield_now().await;
    stream::iter(1..=to).map(|n| match n {
        1..=3 => Ok(format!("number {n}")),
        _ => Err(format!("{n} is too much")),
    })
}

/// Is boxed, and told its context.
#[tool]
fn boxed(context: ToolContext) -> BoxStream<'static, Value> {
    let name = context.tool_use().name.clone();
    stream::iter([json!({"step": 1}), json!({"status": "error", "content": [{"text": name}]})])
        .boxed()
}

struct Steps(Vec<&'static str>);

impl Steps {
    /// Takes the steps.
    #[tool]
    fn take(&self, from: usize) -> impl Stream<Item = &'static str> + Send {
        stream::iter(self.0.iter().skip(from).copied())
    }
}

/// What a listener hears of one call, and what the model reads in the end.
async fn heard(tool: impl Tool, input: Value) -> (Vec<Value>, String) {
    let name = tool.spec().name.clone();
    let model = ScriptedModel::new([Reply::tool(&*name, input), Reply::text("done")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(tool).build().await.unwrap();
    let mut items = Vec::new();
    let mut events = agent.stream("q");
    while let Some(event) = events.next().await {
        if let AgentEvent::ToolStream { tool_use, data } = event.unwrap() {
            assert_eq!(tool_use.name, name);
            items.push(data);
        }
    }
    drop(events);
    (items, agent.messages()[2].results().next().unwrap().text())
}

#[tokio::test]
async fn each_item_is_heard_and_the_last_one_is_the_result() {
    let (items, result) = heard(count, json!({"to": 3})).await;
    assert_eq!((items, &*result), (vec![json!(1), json!(2), json!(3)], "3"));
    let (items, result) = heard(careful, json!({"to": 2})).await;
    assert_eq!((items, &*result), (vec![json!("number 1"), json!("number 2")], "number 2"));
}

#[tokio::test]
async fn an_error_ends_the_stream_and_is_the_result() {
    let (items, result) = heard(careful, json!({"to": 9})).await;
    assert_eq!(items.len(), 3);
    assert_eq!(result, "Error: 4 is too much");
}

#[tokio::test]
async fn a_stream_without_items_is_an_error() {
    let result = count().try_out(json!({"to": 0})).await;
    assert_eq!(result.status, ToolStatus::Error);
    assert_eq!(result.text(), "Error: Tool 'count' did not return a result");
}

#[tokio::test]
async fn a_last_item_that_is_a_tool_result_is_used_as_it_is() {
    let result = boxed().try_out(json!({})).await;
    assert_eq!((result.status, &*result.text()), (ToolStatus::Error, "boxed"));
}

#[tokio::test]
async fn methods_stream_too() {
    let steps = Arc::new(Steps(vec!["one", "two", "three"]));
    let (items, result) = heard(steps.take_tool(), json!({"from": 1})).await;
    assert_eq!((items, &*result), (vec![json!("two"), json!("three")], "three"));
}
