//! What was not approved is not run, whatever way leads to it: items 1, 2 and 18.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use super::guarded;
use crate::common::{assert_valid, echo, last_results, tool};
use crate::support::{Count, WAYS, Way, answer_all, guard, one_call, onward};

/// §15.1 deny ⇒ tool body never entered, any tool kind
#[tokio::test]
async fn users_15_1_denied_by_any_means_no_tool_of_any_kind_is_entered() {
    async fn refuses(request: ToolCallRequest, _: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        Ok(ToolResult::error(&request.tool_use().tool_use_id, "no"))
    }
    type Deny = fn(AgentBuilder) -> AgentBuilder;
    let denials: [(&str, Deny); 6] = [
        ("BeforeTools", |b| b.hook(|event: &mut BeforeToolsEvent| event.cancel("no"))),
        ("BeforeToolCall", |b| b.hook(|event: &mut BeforeToolCallEvent| event.cancel_tool("no"))),
        ("no tool", |b| b.hook(|event: &mut BeforeToolCallEvent| event.set_selected_tool(None))),
        ("guard", |b| b.hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("no"))),
        ("host's guard", |b| b.host_hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("no"))),
        ("wrap", |b| b.wrap_tool_call(refuses)),
    ];
    for (name, deny) in denials {
        for replay in [Replay::Never, Replay::Idempotent, Replay::Pure] {
            let entered = echo("a").replayed(replay);
            let other = echo("z");
            let put_in_place: Arc<dyn Tool> = Arc::new(other.clone());
            let builder = Agent::builder()
                .no_callback_handler()
                .model(one_call())
                .tool(entered.clone())
                .hook(move |event: &mut BeforeToolCallEvent| {
                    // A tool that is not registered is held back as well.
                    if event.tool_use().tool_use_id == "t2" {
                        event.set_selected_tool(Some(Arc::clone(&put_in_place)));
                    }
                });
            let model = ScriptedModel::new([
                Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({}))]),
                Reply::text("done"),
            ]);
            let mut agent = deny(builder.model(model)).build().await.unwrap();
            agent.invoke("q").await.unwrap();
            assert_eq!((entered.count(), other.count()), (0, 0), "{name}");
            assert_valid(&agent.messages());
        }
    }
}

/// §15.1 denied by a person's answer, after a restart too
#[tokio::test]
async fn users_15_1_denied_by_a_person() {
    for way in WAYS {
        let (mut agent, tool) = guarded().await;
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        answer_all(&mut agent, "no").await;
        assert_eq!((tool.count(), last_results(&agent.messages()).len()), (0, 1));
    }
}

/// §15.2 no decision ⇒ not executed: whatever else happens to the run meanwhile
#[tokio::test]
async fn users_15_2_without_a_decision_nothing_is_executed() {
    for way in WAYS {
        let (mut agent, tool) = guarded().await;
        agent.invoke("q").await.unwrap();
        agent.invoke(()).await.unwrap();
        agent.invoke("just do it").await.unwrap_err();
        let mut agent = onward(agent, way).await;
        agent.check_expiry().await.unwrap();
        agent.invoke(()).await.unwrap();
        agent.abandon().await.unwrap();
        agent.invoke("well?").await.unwrap();
        assert_eq!(tool.count(), 0);
        assert_valid(&agent.messages());
    }
}

/// §15.18 no control-flow jump skips the approval stage
#[tokio::test]
async fn users_15_18_no_jump_skips_the_guard() {
    async fn straight(
        request: ToolCallRequest,
        next: ToolNext<'_>,
    ) -> Result<ToolResult, BoxError> {
        // Whatever became of the first time, it tries again, and then gives a result of its own.
        let _ = next.run(request.clone()).await;
        let _ = next.run(request.clone()).await;
        Ok(ToolResult::success(&request.tool_use().tool_use_id, "done all the same"))
    }
    let other = echo("z");
    let selected = other.clone();
    type Jump = Box<dyn FnOnce(AgentBuilder) -> AgentBuilder>;
    let resumed = Count::default();
    let jumps: Vec<(&str, Jump)> = vec![
        ("plain", Box::new(|b| b)),
        ("wrap", Box::new(|b| b.wrap_tool_call(straight))),
        (
            "another tool",
            Box::new(move |b| {
                b.hook(move |event: &mut BeforeToolCallEvent| {
                    event.set_selected_tool(Some(Arc::new(selected.clone())));
                })
            }),
        ),
        (
            "no cancel",
            Box::new(|b| {
                b.hook(|event: &mut BeforeToolCallEvent| event.cancel_tool(false))
                    .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool(false))
            }),
        ),
        (
            "resume of a hook",
            Box::new(move |b| {
                b.hook(move |event: &mut AfterInvocationEvent| {
                    if resumed.up() == 0 {
                        event.set_resume(());
                    }
                })
            }),
        ),
    ];
    for (name, jump) in jumps {
        let tool = echo("a");
        let builder = Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone());
        let builder = jump(builder.hook(guard));
        let mut agent = builder.build().await.unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(result.interrupts.len(), 1, "{name}");
        assert_eq!((tool.count(), other.count()), (0, 0), "{name}");
        agent.invoke(()).await.unwrap();
        let mut agent = onward(agent, Way::Restart).await;
        agent.invoke(()).await.unwrap();
        assert_eq!((tool.count(), other.count()), (0, 0), "{name}");
        answer_all(&mut agent, false).await;
        assert_eq!((tool.count(), other.count()), (0, 0), "{name}");
    }
}

/// §15.18 a call that was cut off goes through the guard when it is made again
#[tokio::test]
async fn users_15_18_a_call_made_again_after_a_crash_passes_the_guard() {
    let guarded = Count::default();
    let counter = guarded.clone();
    let stuck = tool("a", |_, _| std::future::pending()).replayed(Replay::Pure);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(stuck.clone())
        .hook(move |event: &mut ToolCallGuardEvent| event.cancel_tool(counter.up() > 0))
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
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!((guarded.get(), stuck.count()), (2, 1), "the guard refused the second time");
}
