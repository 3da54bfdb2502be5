//! A model chosen for each request.

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::{Error, ErrorKind, Model, ModelRequest, NativeOutput, ToolSpec};
use ropewalk_models::RouterModel;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::support::{ask, collect, extra, text, turn};

fn by_tools(request: &ModelRequest) -> &'static str {
    if request.tools.is_empty() { "cheap" } else { "strong" }
}

#[tokio::test]
async fn the_function_chooses_for_each_request() {
    let cheap = ScriptedModel::new([Reply::text("cheap")]).with_id("small");
    let strong = ScriptedModel::new([Reply::text("strong")]);
    let model = RouterModel::new(by_tools).route("cheap", cheap).route("strong", strong);
    let (chunks, _) = collect(&model, ask("?")).await;
    assert_eq!(extra(&chunks), json!({"answeredBy": "small"}));
    let tool = ToolSpec::new("add", "Adds.", json!({}));
    let answer = turn(&model, ask("?").with_tools([tool])).await.unwrap();
    assert_eq!(answer.message.text(), "strong");
}

#[tokio::test]
async fn a_route_that_is_not_there_is_an_error() {
    let model = RouterModel::new(|_: &ModelRequest| "dear")
        .route("cheap", ScriptedModel::new([]))
        .route("strong", ScriptedModel::new([]));
    let error = text(&model, "?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "route=<dear> | there is no such route: there are `cheap`, `strong`"
    );
    let error = text(&RouterModel::new(|_: &ModelRequest| "x"), "?").await.unwrap_err();
    assert!(error.to_string().contains("there are none"), "{error}");
}

#[tokio::test]
async fn a_route_of_the_same_name_replaces_the_other() {
    let model = RouterModel::new(|_: &ModelRequest| "one")
        .route("one", ScriptedModel::new([]))
        .route("one", ScriptedModel::new([Reply::text("Hi.")]));
    assert_eq!(text(&model, "?").await.unwrap(), "Hi.");
    assert_eq!(model.id(), "router(scripted)");
}

#[tokio::test]
async fn the_choice_may_take_its_time_and_fail() {
    let choose = |request: ModelRequest| async move {
        tokio::task::yield_now().await;
        match request.messages[0].text().as_str() {
            "?" => Ok("one"),
            _ => Err(Error::new(ErrorKind::Unavailable, "nobody to ask")),
        }
    };
    let one = ScriptedModel::new([Reply::text("Hi.")]);
    let model = RouterModel::new_async(choose).route("one", one);
    assert_eq!(text(&model, "?").await.unwrap(), "Hi.");
    assert_eq!(text(&model, "!").await.unwrap_err().to_string(), "nobody to ask");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_choice() {
    let model = RouterModel::new_async(|_| std::future::pending::<Result<String, Error>>());
    let request = ask("?");
    let cancel = request.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    });
    assert!(turn(&model, request).await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn it_says_of_itself_what_holds_for_all() {
    let large = ScriptedModel::new([]).with_window(100).with_native_output(NativeOutput::WithTools);
    let model = RouterModel::new(by_tools).route("a", large.clone());
    assert_eq!(model.native_output(), NativeOutput::WithTools);
    let model = model.route("b", ScriptedModel::new([]).with_id("b"));
    assert_eq!((model.id(), model.context_limit()), ("router(scripted, b)", Some(100)));
    assert_eq!(model.native_output(), NativeOutput::No);
    assert_eq!(model.named("both").id(), "both");
}
