//! Who may ask, when, beside whom and under which name.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::echo;
use crate::support::{Count, WAYS, Way, answer_all, one_call, onward, says};

#[tokio::test]
async fn two_wraps_can_not_ask_under_one_name() {
    async fn around(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        request.interrupt::<bool>("ok", "why")?;
        next.run(request).await
    }
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .wrap_tool_call(around)
        .wrap_tool_call(around)
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    let error = agent.resume([open[0].answer(true)]).await.unwrap_err();
    assert!(error.report().contains("used more than once"), "{}", error.report());
    assert_eq!(tool.count(), 0);
}

#[tokio::test]
async fn an_invocation_may_ask_at_its_end_while_a_tool_waits() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .hook(|event: &mut AfterInvocationEvent| event.interrupt::<bool>("sad?", "why").map(drop))
        .build()
        .await
        .unwrap();
    let r = agent.invoke("q").await.unwrap();
    assert_eq!(r.interrupts.len(), 2);
    let r = answer_all(&mut agent, true).await;
    assert_eq!(r.text(), "done");
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn one_name_at_three_events_of_one_call_is_three_questions() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "b").map(drop))
        .hook(|event: &mut ToolCallGuardEvent| event.interrupt::<bool>("ok", "g").map(drop))
        .hook(|event: &mut AfterToolCallEvent| event.interrupt::<bool>("ok", "a").map(drop))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    for r in ["b", "g", "a"] {
        assert_eq!(agent.interrupts()[0].reason, json!(r));
        answer_all(&mut agent, true).await;
    }
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn a_question_of_a_new_agent_stands_beside_those_of_its_run() {
    let tool = echo("a");
    let asked = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |event: &mut AgentInitializedEvent| -> HookResult {
            if asked.up() > 0 {
                event.interrupt::<bool>("who?", "why")?;
            }
            Ok(())
        })
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "b").map(drop))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let mut agent = onward(agent, Way::Restart).await;
    let open = agent.interrupts();
    assert_eq!(open.len(), 2, "{open:?}");
    let tool_q = open.iter().find(|q| q.name == "ok").unwrap().answer(true);
    let r = agent.resume([tool_q]).await.unwrap();
    assert_eq!((r.interrupts.len(), tool.count()), (1, 0));
    assert_eq!(answer_all(&mut agent, true).await.text(), "done");
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn a_wrap_around_the_model_may_ask_before_it() {
    async fn around(request: ModelCallRequest, next: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        request.interrupt::<bool>("pay?", "why")?;
        next.run(request).await
    }
    for way in WAYS {
        let model = says("ok");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .wrap_model_call(around)
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!(model.requests().len(), 1);
    }
}
