//! A runtime that keeps no time: limits hold for nobody, and nothing fails for it.

mod common;

use std::time::Duration;

use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use common::tool;

async fn wrap(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
    tokio::task::yield_now().await;
    next.run(request).await
}

/// A hook, a wrap, a policy and a tool that wait, each with a time limit.
#[test]
fn what_waits_goes_on_where_nobody_keeps_the_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let model = ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")]);
        let body = |_, _| async {
            tokio::task::yield_now().await;
            Ok(ToolOutput::text("a"))
        };
        let tool = tool("a", body).within(Duration::from_secs(5));
        let policy = Policy::named("patient").on_error(OnError::Deny).guard_tool_call(
            async |_: &ToolCallGuardEvent| {
                tokio::task::yield_now().await;
                Verdict::proceed()
            },
        );
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .tool(tool.clone())
            .hook(async |_: &mut BeforeToolCallEvent| {
                tokio::task::yield_now().await;
            })
            .interventions([policy])
            .wrap_tool_call(limited(wrap, Some(Duration::from_secs(5))))
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!((result.text(), tool.count()), ("done".to_owned(), 1));
        let results: Vec<_> = agent.messages()[2].results().map(|result| result.status).collect();
        assert_eq!(results, [ToolStatus::Success]);
    });
}
