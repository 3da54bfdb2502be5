//! A directory's tools in an agent.

use pretty_assertions::assert_eq;
use ropewalk_core::{Agent, ToolCallGuardEvent, ToolProvider as _};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::support::{Place, names, until};

/// What the model was told that there is, in each request.
fn offered(model: &ScriptedModel) -> Vec<Vec<String>> {
    let names = |request: ropewalk_core::ModelRequest| {
        request.tools.iter().map(|spec| spec.name.clone()).collect()
    };
    model.requests().into_iter().map(names).collect()
}

/// §7.6 with `load_tools_from_directory` the agent has what the folder holds, at each model call
#[tokio::test]
async fn an_agent_has_what_the_folder_holds_now() {
    let place = Place::new();
    place.sh("greet", "echo good day");
    let directory = place.open_with(place.options()).await;
    let model = ScriptedModel::new([
        Reply::tool("greet", json!({})),
        Reply::text("one"),
        Reply::tool("part", json!({})),
        Reply::text("two"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool_provider(directory.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let result = agent.messages()[2].results().next().unwrap().text();
    assert_eq!(result, "good day");

    place.sh("part", "echo farewell");
    std::fs::remove_file(place.tools().join("greet")).unwrap();
    until("`part`", || names(&directory) == ["part"]).await;
    agent.invoke("q").await.unwrap();
    let offered = offered(&model);
    assert_eq!(offered[0], ["greet"]);
    assert_eq!(offered[2..], [["part"], ["part"]]);
}

#[tokio::test]
async fn guards_stand_before_programs_too() {
    let place = Place::new();
    place.sh("t", "touch ran");
    let directory = place.open().await;
    assert_eq!(directory.name(), place.tools().to_str().unwrap());
    let model = ScriptedModel::new([Reply::tool("t", json!({})), Reply::text("done")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool_provider(directory)
        .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("no"))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert!(!place.work().join("ran").exists());
}
