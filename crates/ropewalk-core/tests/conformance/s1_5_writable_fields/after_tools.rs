//! After tools have run: another result, another try, the end of the turn.

use pretty_assertions::assert_eq;
use ropewalk_core::*;

use crate::common::{assert_valid, echo, last_results};
use crate::support::{Count, one_call, shape, stream_of};

/// §1.5 AfterToolCall.result
#[tokio::test]
async fn after_tool_call_result_replaced_is_what_is_appended() {
    let model = one_call();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .hook(|event: &mut AfterToolCallEvent| {
            let id = event.tool_use().tool_use_id.clone();
            event.set_result(ToolResult::success(id, "[redacted]"))
        })
        .build()
        .await
        .unwrap();
    let events = stream_of(&mut agent, "q").await;
    assert_eq!(last_results(&agent.messages()), ["[redacted]"]);
    assert_eq!(last_results(&model.requests()[1].messages), ["[redacted]"]);
    let streamed = serde_json::to_string(&events).unwrap();
    assert!(streamed.contains("[redacted]"), "{streamed}");
}

/// §1.5 AfterToolCall.result: not as in Strands, where a foreign id goes straight into the history.
/// It is refused (Appendix A 26): a history with it would be invalid.
#[tokio::test]
async fn after_tool_call_result_with_a_foreign_id_is_refused() {
    let refused = Count::default();
    let counter = refused.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(move |event: &mut AfterToolCallEvent| {
            let error = event.set_result(ToolResult::success("other", "x")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            counter.up();
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((refused.get(), last_results(&agent.messages())), (1, vec!["a".to_owned()]));
}

/// §1.5 AfterToolCall.retry: "re-runs the same tool call including BeforeToolCall … Unbounded"
#[tokio::test]
async fn after_tool_call_retry_runs_the_call_again_with_its_hooks_without_bound() {
    let tool = echo("a");
    let before = Count::default();
    let counter = before.clone();
    let after = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |_: &BeforeToolCallEvent| {
            counter.up();
        })
        .hook(move |event: &mut AfterToolCallEvent| event.set_retry(after.up() < 19))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((tool.count(), before.get()), (20, 20));
    assert_eq!(last_results(&agent.messages()), ["a"]);
}

/// §1.5 AfterToolCall.retry: "Ignored when … the agent is being cancelled"
#[tokio::test]
async fn after_tool_call_retry_is_ignored_when_the_agent_is_cancelled() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .build()
        .await
        .unwrap();
    let cancel = agent.cancel_handle();
    agent.add_hook(move |event: &mut AfterToolCallEvent| {
        cancel.cancel();
        event.set_retry(true);
    });
    assert_eq!(agent.invoke("q").await.unwrap().stop_reason, StopReason::Cancelled);
    assert_eq!((tool.count(), last_results(&agent.messages())), (1, vec!["a".to_owned()]));
    assert_valid(&agent.messages());
}

/// §1.5 AfterToolCall.retry: "Ignored when the result is flagged `cancelled`". Not as in Strands: a call that a
/// hook cancelled may be made again. What cancelled it is asked again, and may have changed its mind.
#[tokio::test]
async fn after_tool_call_retry_asks_what_cancelled_the_call_again() {
    let (tool, before, after) = (echo("a"), Count::default(), Count::default());
    let counter = before.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |event: &mut BeforeToolCallEvent| event.cancel_tool(counter.up() < 2))
        .hook(move |event: &mut AfterToolCallEvent| {
            event.set_retry(event.cancel_message().is_some() && after.up() < 5);
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((tool.count(), before.get()), (1, 3));
    assert_eq!(last_results(&agent.messages()), ["a"]);
}

/// §1.5 AfterTools.end_turn
#[tokio::test]
async fn after_tools_end_turn_is_the_last_word() {
    let ends: [(EndTurn, &str); 3] = [
        (true.into(), "The turn was ended by a hook."),
        ("enough".into(), "enough"),
        (vec![ContentBlock::from("enough"), " said".into()].into(), "enough said"),
    ];
    for (end, said) in ends {
        let model = one_call();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .hook(move |event: &mut AfterToolsEvent| event.set_end_turn(end.clone()))
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(result.stop_reason, StopReason::EndTurn);
        assert_eq!(result.text().replace('\n', ""), said);
        assert_eq!(model.requests().len(), 1, "no further model call");
        let history = shape(&agent.messages());
        assert_eq!(history[..3], ["user text", "assistant toolUse", "user toolResult"]);
        assert!(history[3].starts_with("assistant text"));
    }
}

/// §1.5 AfterTools.end_turn = false takes it back
#[tokio::test]
async fn after_tools_end_turn_false_ends_nothing() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(|event: &mut AfterToolsEvent| event.set_end_turn(false))
        .hook(|event: &mut AfterToolsEvent| event.set_end_turn("enough"))
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
}
