//! §7.1: what a tool is.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::tool;
use crate::support::*;

#[test]
fn a_spec_has_the_json_of_strands() {
    let mut spec = ToolSpec::new("look", "Looks.", json!({"type": "object"}))
        .with_annotation("readOnlyHint", true)
        .with_annotation("destructiveHint", false);
    spec.output_schema = Some(json!({"type": "string"}));
    assert_eq!(
        json!(spec),
        json!({
            "name": "look",
            "description": "Looks.",
            "inputSchema": {"json": {"type": "object"}},
            "outputSchema": {"json": {"type": "string"}},
            "annotations": {"readOnlyHint": true, "destructiveHint": false},
        })
    );
    assert!(spec.is_read_only() && !spec.is_destructive() && !spec.is_idempotent());
}

#[tokio::test]
async fn what_a_tool_sends_is_heard_and_only_its_result_is_the_result() {
    // In Strands the last value of a foreign tool is heard and is the result too; here that is so for
    // functions that give a stream, and a tool of one's own says which is which.
    let sends = tool("a", |_, context: ToolContext| async move {
        context.send(1);
        context.send("two");
        Ok(ToolOutput::text("result"))
    });
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(sends).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let sent: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "tool_stream")
        .map(|event| event["tool_stream_event"]["data"].clone())
        .collect();
    assert_eq!(sent, [json!(1), json!("two")]);
    assert_eq!(agent.messages()[2].results().next().unwrap().text(), "result");
}

#[tokio::test]
async fn a_tool_is_told_when_its_result_is_not_wanted_any_more() {
    let told = Count::default();
    let count = told.clone();
    let waits = tool("a", move |_, context: ToolContext| {
        let count = count.clone();
        async move {
            context.cancel().cancelled().await;
            count.up();
            Ok(ToolOutput::text("stopped in time"))
        }
    });
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(waits).build().await.unwrap();
    let cancel = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async move {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert_eq!(result.unwrap().stop_reason, StopReason::Cancelled);
    assert_eq!(told.get(), 1);
    assert_eq!(agent.messages()[2].results().next().unwrap().text(), "stopped in time");
}
