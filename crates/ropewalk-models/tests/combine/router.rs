//! A model chosen for each request.

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::{
    Error, ErrorKind, Message, Model, ModelRequest, NativeOutput, Role, ToolResult, ToolSpec,
    ToolUse, Usage,
};
use ropewalk_models::{CachedModel, RouterModel};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::support::{ask, away, collect, extra, text, turn, usage};

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

/// A router for which a model chooses.
fn chosen_by(choosing: &ScriptedModel) -> RouterModel {
    let said = |name: &str| ScriptedModel::new(std::iter::repeat_n(Reply::text(name), 9));
    RouterModel::chosen_by(choosing.clone())
        .route_for("easy", "small talk", said("easy").with_id("cheap"))
        .route_for("hard", "sums and code", said("hard"))
        .route("hard-er", said("hard-er"))
}

#[tokio::test]
async fn a_model_may_choose() {
    let answers = [
        ("hard", "hard"),
        ("  **Hard**.\n", "hard"),
        ("hard-er", "hard-er"),
        ("I would take the route hard-er here.", "hard-er"),
        // None, or nobody knows which.
        ("hard or hard-er", "easy"),
        ("hardly", "easy"),
        ("", "easy"),
    ];
    for (said, route) in answers {
        let choosing = ScriptedModel::new([Reply::text(said)]);
        assert_eq!(text(&chosen_by(&choosing), "?").await.unwrap(), route, "{said}");
    }
}

#[tokio::test]
async fn the_model_that_chooses_is_told_the_routes_and_what_was_asked() {
    let choosing = ScriptedModel::new([Reply::text("easy")]);
    let mut request = ask(&format!("begin {} end", "x".repeat(10_000))).with_system("Be brief.");
    let call = ToolUse::new("t1", "add", json!({}));
    let call = Message::new(Role::Assistant, vec![call.into()]);
    request.messages.push_tool_turn(call, vec![ToolResult::success("t1", "secret")]).unwrap();
    turn(&chosen_by(&choosing), request).await.unwrap();
    let [asked] = &choosing.requests()[..] else { panic!("it is asked once") };
    let system = asked.system.as_ref().unwrap().text().unwrap();
    assert!(system.contains("- easy: small talk\n- hard: sums and code\n"), "{system}");
    let shown = asked.messages[0].text();
    assert_eq!(asked.messages.len(), 1);
    assert!(shown.starts_with("begin x") && shown.ends_with("x end") && shown.len() < 5_000);
}

#[tokio::test]
async fn what_the_choice_used_counts() {
    let choosing = || ScriptedModel::new([Reply::text("easy").using(Usage::new(100, 1))]);
    let (chunks, _) = collect(&chosen_by(&choosing()), ask("?")).await;
    assert_eq!(extra(&chunks), json!({"answeredBy": "cheap"}));
    assert_eq!(usage(&chunks), Usage::new(110, 2));
    let failing = ScriptedModel::new([away()]);
    let model = RouterModel::chosen_by(choosing()).route("easy", failing);
    let (chunks, error) = collect(&model, ask("?")).await;
    assert!(error.is_some());
    assert_eq!(usage(&chunks), Usage::new(100, 1));
}

#[tokio::test]
async fn if_the_choice_fails_the_first_route_is_taken() {
    let choosing = ScriptedModel::new([away()]);
    assert_eq!(text(&chosen_by(&choosing), "?").await.unwrap(), "easy");
    let error = text(&RouterModel::chosen_by(choosing), "?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_cache_around_the_model_that_chooses_saves_the_calls_of_a_turn() {
    let choosing = ScriptedModel::new([Reply::text("easy")]);
    let easy = ScriptedModel::new([Reply::text("1"), Reply::text("2")]);
    let model = RouterModel::chosen_by(CachedModel::new(choosing.clone())).route("easy", easy);
    assert_eq!(text(&model, "?").await.unwrap(), "1");
    assert_eq!(text(&model, "?").await.unwrap(), "2");
    assert_eq!(choosing.requests().len(), 1);
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
