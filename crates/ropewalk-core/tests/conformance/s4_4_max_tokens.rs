//! §4.4 Max tokens. Deliberate difference: Strands raises an error and gives no result; here the result
//! has the text, and `max_tokens` as its reason.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{agent_with, assert_valid, echo};
use crate::support::{shape, texts};

/// §4.4 "That message is appended to history and counted"; "The agent can simply be called again"
#[tokio::test]
async fn a_text_that_was_cut_off_is_a_result() {
    let model = ScriptedModel::new([
        Reply::text("once upon a").stopping_with(StopReason::MaxTokens),
        Reply::text("time"),
    ]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let result = agent.invoke("tell").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::MaxTokens);
    assert_eq!((result.text().as_str(), result.usage), ("once upon a", Usage::new(10, 3)));
    assert_eq!(agent.invoke("go on").await.unwrap().text(), "time");
    assert_eq!(texts(&agent), ["tell", "once upon a", "go on", "time"]);
}

/// §4.4 "Each tool-use block is replaced, in place, by a text block: one sentence naming the tool
/// (`<unknown>` if nameless)"
#[tokio::test]
async fn a_tool_use_that_was_cut_off_becomes_a_text_and_is_not_run() {
    for (name, shown) in [("a", "`a`"), ("", "`<unknown>`")] {
        let tool = echo("a");
        let message = Message::new(
            Role::Assistant,
            vec!["I look.".into(), ContentBlock::from(ToolUse::new("t1", name, json!({})))],
        );
        let cut = Reply::message(message).stopping_with(StopReason::MaxTokens);
        let model = ScriptedModel::new([cut, Reply::text("ok")]);
        let mut agent = agent_with(model, [tool.clone()]).await;
        let result = agent.invoke("q").await.unwrap();
        assert_eq!((result.stop_reason.as_str(), tool.count()), ("max_tokens", 0));
        assert_eq!(shape(&agent.messages()), ["user text", "assistant text text"]);
        let text = result.text();
        assert!(text.starts_with("I look.") && text.contains(shown), "{text}");
        assert!(text.contains("limit of output tokens"), "{text}");
        assert_valid(&agent.messages());
        assert_eq!(agent.invoke("again").await.unwrap().text(), "ok");
    }
}
