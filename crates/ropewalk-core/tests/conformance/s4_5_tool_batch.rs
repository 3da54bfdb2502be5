//! §4.2 stop reasons and §4.5 Tool batch, as far as the loop does them.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{agent_with, assert_valid, echo, last_results};
use crate::support::{calls, shape};

/// §4.5 invalid names: the words of Strands; the other calls still run
#[tokio::test]
async fn an_invalid_name_is_an_error_result_and_the_others_run() {
    let long = "x".repeat(65);
    let cases = [
        ("rm -rf", "Error: tool_name=<rm -rf> | invalid tool name pattern".to_owned()),
        // "The pattern is anchored with a plain `$`, which lets a trailing newline through": not here.
        ("a\n", "Error: tool_name=<a\n> | invalid tool name pattern".to_owned()),
        ("", "Error: tool name missing".to_owned()),
        (
            &long,
            format!(
                "Error: tool_name=<{long}>, tool_name_max_length=<64> | invalid tool name length"
            ),
        ),
    ];
    for (name, expected) in cases {
        let tool = echo("a");
        let model = calls(&[("t1", name), ("t2", "a")]);
        let mut agent = agent_with(model, [tool.clone()]).await;
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
        assert_eq!(last_results(&agent.messages()), [expected.as_str(), "a"]);
        assert_eq!(tool.count(), 1);
    }
}

/// §4.5 "Unknown tool: `Unknown tool: <name>`"
#[tokio::test]
async fn an_unknown_tool_is_an_error_result() {
    let mut agent = agent_with(calls(&[("t1", "b")]), [echo("a")]).await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    let messages = agent.messages();
    let result = messages[2].results().next().unwrap();
    assert_eq!((result.status, result.text().as_str()), (ToolStatus::Error, "Unknown tool: b"));
}

/// §4.5 "Duplicate tool-use ids are executed each and both results kept": here each gets an id of its
/// own too, since providers refuse such a history
#[tokio::test]
async fn duplicate_and_missing_ids_are_made_unique() {
    let tool = echo("a");
    let model = calls(&[("t", "a"), ("t", "a"), ("", "a"), ("", "a")]);
    let mut agent = agent_with(model, [tool.clone()]).await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 4);
    let messages = agent.messages();
    let ids: Vec<&str> = messages[2].results().map(|result| &*result.tool_use_id).collect();
    assert_eq!(ids, ["t", "t_1", "tooluse_1", "tooluse_2"]);
    assert_valid(&messages);
}

/// §4.2 "`tool_use` with no tool blocks: an empty tool-result message is appended and the loop continues
/// (WEAK)"; Appendix A 17: treat as end
#[tokio::test]
async fn tool_use_without_tools_ends_the_turn() {
    for text in ["that is all", ""] {
        let model = ScriptedModel::new([Reply::text(text).stopping_with(StopReason::ToolUse)]);
        let mut agent = agent_with(model, [echo("a")]).await;
        let result = agent.invoke("q").await.unwrap();
        assert_eq!((result.stop_reason.as_str(), result.text().as_str()), ("end_turn", text));
        assert_eq!(agent.messages().len(), 2);
    }
}

/// §4.2 "`end_turn` although tool blocks are present: [≥1.32] rewritten to `tool_use`"
#[tokio::test]
async fn end_turn_with_tools_runs_them() {
    let asks = Reply::tool("a", json!({})).stopping_with(StopReason::EndTurn);
    let tool = echo("a");
    let model = ScriptedModel::new([asks, Reply::text("done")]);
    let mut agent = agent_with(model, [tool.clone()]).await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §4.2 "anything else (including unknown strings) → end; result carries that reason"
#[tokio::test]
async fn any_other_reason_ends_the_turn_and_is_told() {
    for reason in ["stop_sequence", "content_filtered", "guardrail_intervened", "out_of_ideas"] {
        let asks = Reply::tool("a", json!({})).stopping_with(StopReason::from(reason));
        let tool = echo("a");
        let model = ScriptedModel::new([asks, Reply::text("ok")]);
        let mut agent = agent_with(model, [tool.clone()]).await;
        assert_eq!(agent.invoke("q").await.unwrap().stop_reason.as_str(), reason);
        assert_eq!(shape(&agent.messages()), ["user text", "assistant text"]);
        assert_eq!(tool.count(), 0, "what the model broke off is not run");
        assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
    }
}
