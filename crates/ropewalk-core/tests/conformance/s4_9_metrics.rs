//! What an invocation took (§4.9).

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use super::common::echo;

fn script() -> ScriptedModel {
    let asks = Reply::tool("a", json!({"n": 1})).using(Usage::new(10, 1));
    ScriptedModel::new([asks, Reply::text("done").using(Usage::new(20, 2))])
}

async fn agent(model: ScriptedModel) -> Agent {
    Agent::builder()
        .no_callback_handler()
        .model(model)
        .no_callback_handler()
        .tool(echo("a"))
        .build()
        .await
        .unwrap()
}

#[tokio::test]
async fn cycles_tools_and_tokens_are_counted() {
    let mut agent = agent(script()).await;
    let metrics = agent.invoke("q").await.unwrap().metrics;
    assert_eq!(metrics.cycle_count, 2);
    assert_eq!(metrics.accumulated_usage, Usage { total_tokens: 33, ..Usage::new(30, 3) });
    let tool = &metrics.tool_metrics["a"];
    assert_eq!((tool.call_count, tool.success_count, tool.error_count), (1, 1, 0));
    assert!((tool.success_rate() - 1.0).abs() < f64::EPSILON);
    let [invocation] = &metrics.agent_invocations[..] else { panic!("{metrics:?}") };
    let tokens: Vec<u64> = invocation.cycles.iter().map(|cycle| cycle.usage.total_tokens).collect();
    assert_eq!(tokens, [11, 22]);
}

#[tokio::test]
async fn those_of_an_agent_add_up_and_do_not_change_a_result() {
    let mut agent = agent(ScriptedModel::new([
        Reply::text("one").using(Usage::new(1, 1)),
        Reply::text("two").using(Usage::new(2, 2)),
    ]))
    .await;
    let first = agent.invoke("q").await.unwrap();
    agent.invoke("q").await.unwrap();
    // In Strands a result shows the agent's live figures; here its own stay what they were.
    assert_eq!(first.metrics.accumulated_usage.total_tokens, 2);
    assert_eq!(agent.metrics().accumulated_usage.total_tokens, 6);
    assert_eq!(agent.metrics().cycle_count, 2);
    assert_eq!(agent.metrics().agent_invocations.len(), 2);
}

#[tokio::test]
async fn the_summary_has_the_keys_of_strands() {
    let mut agent = agent(script()).await;
    let summary = agent.invoke("q").await.unwrap().metrics.summary();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let whole = [
        "accumulated_metrics",
        "accumulated_usage",
        "agent_invocations",
        "average_cycle_time",
        "tool_usage",
        "total_cycles",
        "total_duration",
        "traces",
    ];
    assert_eq!(keys(&summary), whole);
    assert_eq!(keys(&summary["tool_usage"]["a"]), ["execution_stats", "tool_info"]);
    let stats = [
        "average_time",
        "call_count",
        "error_count",
        "success_count",
        "success_rate",
        "total_time",
    ];
    assert_eq!(keys(&summary["tool_usage"]["a"]["execution_stats"]), stats);
    // The arguments are not kept (Strands: `input_params`): they may be large, and secret.
    assert_eq!(summary["tool_usage"]["a"]["tool_info"], json!({"tool_use_id": "t1", "name": "a"}));
    assert_eq!(summary["traces"][0]["name"], "Cycle 1");
    let inside: Vec<&str> = summary["traces"][0]["children"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|child| child["name"].as_str())
        .collect();
    assert_eq!(inside, ["stream_messages", "Tool: a"]);
}

#[tokio::test]
async fn a_tool_that_fails_is_counted_as_an_error() {
    let model = ScriptedModel::new([Reply::tool("none", json!({})), Reply::text("done")]);
    let mut agent = agent(model).await;
    let metrics = agent.invoke("q").await.unwrap().metrics;
    let tool = &metrics.tool_metrics["none"];
    assert_eq!((tool.call_count, tool.error_count, tool.total_time), (1, 1, Duration::ZERO));
}

/// A failing `MessageAdded` hook loses the usage in Strands; an answer that a hook throws away as well,
/// up to 1.51.
#[tokio::test]
async fn users_15_23_the_usage_is_the_sum_of_all_model_calls() {
    let model = ScriptedModel::new([
        Reply::text("bad").using(Usage::new(5, 5)),
        Reply::text("good").using(Usage::new(7, 7)),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .no_callback_handler()
        .hook(|event: &mut AfterModelCallEvent| {
            let bad = event.stop_response().is_some_and(|turn| turn.message.text() == "bad");
            event.set_retry(bad);
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.usage.total_tokens, 24);
    assert_eq!(result.metrics.accumulated_usage, result.usage);
    assert_eq!(agent.metrics().accumulated_usage, result.usage);
}

#[tokio::test]
async fn what_is_kept_does_not_grow_for_ever() {
    let model = ScriptedModel::new((0..250).map(|_| Reply::text("a")));
    let mut agent = agent(model).await;
    for _ in 0..250 {
        agent.invoke("q").await.unwrap();
    }
    let metrics = agent.metrics();
    assert_eq!(metrics.cycle_count, 250);
    assert_eq!((metrics.agent_invocations.len(), metrics.traces.len()), (100, 100));
}
