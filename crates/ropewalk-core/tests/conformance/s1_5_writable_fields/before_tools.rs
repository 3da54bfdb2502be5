//! Before tools run: a batch, a call of it, and its guard.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::{echo, last_results, tool};
use crate::support::{calls, one_call};

/// §1.5 BeforeTools.cancel
#[tokio::test]
async fn before_tools_cancel_gives_every_call_an_error_result() {
    for (cancel, text) in
        [(Cancel::from(true), "Tool cancelled by hook"), (Cancel::from("no"), "no")]
    {
        let (model, tool) = (calls(&[("t1", "a"), ("t2", "nobody")]), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolsEvent| event.cancel(cancel.clone()))
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let results: Vec<_> = model.requests()[1].messages[2].results().cloned().collect();
        assert_eq!(results, [ToolResult::error("t1", text), ToolResult::error("t2", text)]);
        assert_eq!(tool.count(), 0);
    }
}

/// §1.5 BeforeToolCall.cancel_tool
#[tokio::test]
async fn before_tool_call_cancel_tool_is_an_error_result_that_the_model_sees() {
    for (cancel, text) in
        [(Cancel::from(true), "tool cancelled by user"), (Cancel::from("not today"), "not today")]
    {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolCallEvent| event.cancel_tool(cancel.clone()))
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done", "the loop goes on");
        let results: Vec<_> = model.requests()[1].messages[2].results().cloned().collect();
        assert_eq!(results, [ToolResult::error("t1", text)]);
        assert_eq!(tool.count(), 0);
    }
}

/// §1.5 BeforeToolCall.selected_tool
#[tokio::test]
async fn before_tool_call_selected_tool_replaced_runs_instead() {
    let (registered, other) = (echo("a"), echo("z"));
    let selected = other.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(registered.clone())
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_selected_tool(Some(Arc::new(selected.clone())));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((registered.count(), other.count()), (0, 1));
    assert_eq!(last_results(&agent.messages()), ["z"]);
}

/// §1.5 BeforeToolCall.selected_tool = None: "Error text names the original tool"
#[tokio::test]
async fn before_tool_call_selected_tool_none_is_an_unknown_tool() {
    let tool = echo("a");
    let hook = |event: &mut BeforeToolCallEvent| event.set_selected_tool(None);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(hook)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["Unknown tool: a"]);
    assert_eq!(tool.count(), 0);
}

/// §1.5 BeforeToolCall.tool_use: input
#[tokio::test]
async fn before_tool_call_input_replaced_is_what_runs() {
    let tool = echo("a");
    let hook = |event: &mut BeforeToolCallEvent| event.set_input(json!({"n": 7}));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(hook)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(tool.seen()[0].input, json!({"n": 7}));
}

/// §1.5 BeforeToolCall.tool_use: name [≥1.55.1] "the tool is looked up again"
#[tokio::test]
async fn before_tool_call_name_replaced_selects_the_tool_of_that_name() {
    for (name, text) in [("b", "b"), ("nobody", "Unknown tool: nobody")] {
        let (one, two) = (echo("a"), echo("b"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tools([one.clone(), two.clone()])
            .hook(move |event: &mut BeforeToolCallEvent| {
                event.set_tool_use(ToolUse::new("t1", name, json!({})))
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(one.count(), 0);
        assert_eq!(last_results(&agent.messages()), [text]);
    }
}

/// §1.5 BeforeToolCall.tool_use: a tool that was selected after the name was changed stays selected
#[tokio::test]
async fn before_tool_call_a_selected_tool_goes_before_the_name() {
    let (registered, other) = (echo("a"), echo("z"));
    let selected = other.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tools([registered.clone(), echo("b")])
        .hook(move |event: &mut BeforeToolCallEvent| -> Result<(), Error> {
            event.set_tool_use(ToolUse::new("t1", "b", json!({})))?;
            event.set_selected_tool(Some(Arc::new(selected.clone())));
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((registered.count(), other.count()), (0, 1));
}

/// §1.5 BeforeToolCall.tool_use: "Changing toolUseId yields a result with the foreign id (WEAK)". Here
/// it is refused (Appendix A 26).
#[tokio::test]
async fn before_tool_call_another_id_is_refused() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(|event: &mut BeforeToolCallEvent| {
            event.set_tool_use(ToolUse::new("t2", "a", json!({})))
        })
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hook);
    assert!(error.to_string().contains("can't change the id of a tool use"), "{error}");
}

/// Not in §1.5: the guard's cancel_tool. It stands as the result, and no later guard takes it back.
#[tokio::test]
async fn a_guards_cancel_can_not_be_taken_back() {
    let body = tool("a", |_, _| async { Ok(ToolOutput::text("ran")) });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(body.clone())
        .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("never"))
        .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool(false))
        .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("perhaps"))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((body.count(), last_results(&agent.messages())), (0, vec!["never".to_owned()]));
}
