//! Tool calls: which tool runs, what is known of a call, and what stops it.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::{echo, last_results, tool};
use crate::support::{Count, Way, answer_all, one_call, onward};

#[tokio::test]
async fn a_tool_that_a_hook_selected_stays_when_another_changes_the_name() {
    let (registered, b, other) = (echo("a"), echo("b"), echo("z"));
    let selected = other.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tools([registered.clone(), b.clone()])
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_selected_tool(Some(Arc::new(selected.clone())))
        })
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_tool_use(ToolUse::new("t1", "b", json!({})))
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((b.count(), other.count()), (0, 1));
}

#[tokio::test]
async fn a_wrap_stands_around_a_recorded_result_of_an_unlisted_tool() {
    async fn around(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        let result = next.run(request.clone()).await?;
        let release: bool = request.interrupt("release?", "why")?;
        Ok(if release { result } else { ToolResult::error(result.tool_use_id, "withheld") })
    }
    let secret: Arc<dyn Tool> = Arc::new(echo("secret"));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .wrap_tool_call(around)
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_selected_tool(Some(Arc::clone(&secret)))
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    answer_all(&mut agent, false).await;
    assert_eq!(last_results(&agent.messages()), ["withheld"]);
}

#[tokio::test]
async fn a_question_does_not_take_a_claim_back() {
    let runs = Count::default();
    let counter = runs.clone();
    let stuck = tool("a", move |_, _| {
        let first = counter.up() == 0;
        async move {
            if first {
                std::future::pending::<()>().await;
            }
            Ok(ToolOutput::text("ran"))
        }
    })
    .replayed(Replay::Idempotent);
    let (guards, inputs) = (Count::default(), Count::default());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(stuck.clone())
        .hook(move |event: &mut BeforeToolCallEvent| {
            let n = if inputs.up() < 2 { 1 } else { 2 };
            event.set_input(json!({"n": n}));
        })
        .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
            if guards.up() > 0 {
                event.interrupt::<bool>("again?", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    {
        let mut cut = Box::pin(agent.invoke("q"));
        let waker = futures_util::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        while stuck.count() == 0 {
            assert!(cut.as_mut().poll(&mut context).is_pending());
        }
    }
    let mut agent = onward(agent, Way::Restart).await;
    agent.invoke(()).await.unwrap();
    answer_all(&mut agent, true).await;
    assert_eq!(stuck.count(), 1, "other arguments than those that may have run: unknown outcome");
}

#[tokio::test]
async fn a_decision_that_can_not_be_logged_stops_the_step() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| {
            event.record_decision(DecisionRecord::new("h", "e", "allow"));
        })
        .hook(|_: &mut DecisionEvent| -> HookResult { Err("disk full".into()) })
        .build()
        .await
        .unwrap();
    assert!(agent.invoke("q").await.is_err());
    assert_eq!(tool.count(), 0);
}
