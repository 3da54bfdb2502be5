//! §7.7: tool providers.
//!
//! In Strands a provider has `load_tools`, `add_consumer` and `remove_consumer`, and is asked once. On
//! purpose ours is asked at each model call and never waits: what a provider gives may change while the
//! agent lives, and whoever holds it (an `Arc`) is its consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pretty_assertions::assert_eq;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{self, echo, last_results};
use crate::support::*;
use ropewalk_core::*;

/// What the model was told it may call, call by call.
fn told(model: &ScriptedModel) -> Vec<Vec<String>> {
    let names =
        |request: &ModelRequest| request.tools.iter().map(|spec| spec.name.clone()).collect();
    model.requests().iter().map(names).collect()
}

fn calls_one_after_the_other(names: &[&'static str]) -> ScriptedModel {
    let replies = names.iter().map(|name| Reply::tool(*name, json!({})));
    ScriptedModel::new(replies.chain([Reply::text("done")]))
}

#[tokio::test]
async fn tools_of_a_provider_stand_behind_those_of_the_builder_and_are_called_like_them() {
    let tools = DynamicTools::new();
    tools.add(echo("b")).unwrap();
    let model = calls_one_after_the_other(&["b"]);
    let notes = Notes::default();
    let (before, guard, after) = (notes.clone(), notes.clone(), notes.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool_provider(tools)
        .tool(echo("a"))
        .hook(move |event: &BeforeToolCallEvent| {
            before.add(format!("before {}", event.selected_tool().unwrap().spec().name));
        })
        .hook(move |event: &ToolCallGuardEvent| {
            guard.add(format!("guard {}", event.tool_use().name));
        })
        .hook(move |event: &AfterToolCallEvent| after.add(event.result().text()))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(told(&model)[0], ["a", "b"]);
    assert_eq!(notes.take(), ["before b", "guard b", "b"]);
    assert_eq!(agent.view().tool_names(), ["a", "b"]);
}

#[tokio::test]
async fn what_a_provider_gives_is_looked_at_before_each_model_call() {
    let tools = DynamicTools::new();
    let (grow, model) = (tools.clone(), calls_one_after_the_other(&["a", "b"]));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool_provider(tools.clone())
        .tool(echo("a"))
        .hook(move |event: &AfterToolCallEvent| match &*event.tool_use().name {
            "a" => grow.add(echo("b")).unwrap(),
            _ => drop(grow.remove("b").unwrap()),
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(told(&model), [vec!["a"], vec!["a", "b"], vec!["a"]]);
    assert_eq!(last_results(&agent.messages()), ["b"]);
}

#[tokio::test]
async fn a_tool_that_the_model_was_told_of_can_be_called_although_it_is_gone_meanwhile() {
    let tools = DynamicTools::new();
    tools.add(echo("b")).unwrap();
    let (shrink, model) = (tools.clone(), calls_one_after_the_other(&["b", "b"]));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool_provider(tools)
        .hook(move |_: &BeforeToolCallEvent| drop(shrink.remove("b")))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let results: Vec<_> = agent.messages().iter().flat_map(|it| it.results().cloned()).collect();
    let texts: Vec<_> = results.iter().map(ToolResult::text).collect();
    assert_eq!(texts, ["b", "Unknown tool: b"]);
}

#[tokio::test]
async fn a_replaced_tool_takes_the_place_of_the_old_one() {
    let tools = DynamicTools::new();
    tools.add(echo("a")).unwrap();
    tools.add(echo("b")).unwrap();
    let newer = common::tool("a", |_, _| async { Ok(ToolOutput::text("newer")) });
    assert_eq!(tools.replace(newer).unwrap().spec().name, "a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool_provider(tools.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["newer"]);
    assert_eq!(agent.view().tool_names(), ["a", "b"]);

    let unknown = tools.replace(echo("c")).err().unwrap();
    assert_eq!(unknown.to_string(), "there is no tool `c` that could be replaced: `add` it");
    assert!(tools.remove("c").is_err());
}

#[tokio::test]
async fn a_taken_name_is_an_error_when_the_agent_is_built() {
    let tools = DynamicTools::new();
    tools.add(echo("file_read")).unwrap();
    let builder = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("file-read"))
        .tool_provider(tools);
    let error = builder.build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "tool provider `dynamic tools`: the tools `file-read` and `file_read` differ only in `-` and `_`: rename one"
    );
}

#[tokio::test]
async fn a_tool_that_comes_later_takes_no_name_from_another() {
    let (first, second) = (DynamicTools::new(), DynamicTools::new());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .tool_provider(first.clone())
        .tool_provider(second.clone())
        .build()
        .await
        .unwrap();
    let impostor = |name| common::tool(name, |_, _| async { Ok(ToolOutput::text("impostor")) });
    first.add(impostor("a")).unwrap();
    first.add(echo("b")).unwrap();
    second.add(impostor("b")).unwrap();
    second.add(echo("c")).unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["a"]);
    assert_eq!(agent.view().tool_names(), ["a", "b", "c"]);
    assert_eq!(agent.tool("b").call(json!({})).await.unwrap().text(), "b");
}

/// Counts how often its tools' specs are read: that is what making a registry of them takes.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>, ToolSpec);

impl Tool for Counted {
    fn spec(&self) -> &ToolSpec {
        self.0.fetch_add(1, Ordering::SeqCst);
        &self.1
    }

    fn call(&self, _: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async { Ok(ToolOutput::text("x")) })
    }
}

#[tokio::test]
async fn a_list_that_did_not_change_costs_nothing() {
    let read = Arc::new(AtomicUsize::new(0));
    let tools = DynamicTools::new();
    tools.add(Counted(Arc::clone(&read), ToolSpec::new("b", "b", json!({})))).unwrap();
    let model = ScriptedModel::new((0..5).map(|_| Reply::text("hello")));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool_provider(tools)
        .build()
        .await
        .unwrap();
    let built = read.load(Ordering::SeqCst);
    for _ in 0..5 {
        agent.invoke("q").await.unwrap();
    }
    assert_eq!(read.load(Ordering::SeqCst), built);
}

#[tokio::test]
async fn all_agents_of_a_blueprint_have_the_tools_that_there_are_now() {
    let tools = DynamicTools::new();
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let blueprint = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool_provider(tools.clone())
        .blueprint()
        .unwrap();
    let blueprint = Arc::new(blueprint);
    let mut one = blueprint.agent().await.unwrap();
    one.invoke("q").await.unwrap();
    tools.add(echo("late")).unwrap();
    let mut two = blueprint.agent().await.unwrap();
    two.invoke("q").await.unwrap();
    assert_eq!(told(&model), [vec![], vec!["late"]]);
    assert_eq!(blueprint.tools().names().collect::<Vec<_>>(), ["late"]);
}
