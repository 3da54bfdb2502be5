//! Answers that come late, come again, or were given to another question.

use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, last_results};
use crate::support::{Count, answer_all, guard, one_call, says};

fn clocked(minutes: &Count) -> impl Fn() -> SystemTime + Send + Sync + 'static {
    let clock = minutes.clone();
    move || SystemTime::UNIX_EPOCH + Duration::from_secs(60 * clock.get() as u64)
}

#[tokio::test]
async fn what_expired_is_settled_before_the_next_prompt_whoever_noticed() {
    let minutes = Count::default();
    let tool = echo("a");
    let model =
        ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done"), Reply::text("next")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .clock(clocked(&minutes))
        .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
            let request = ApprovalRequest::new("Do it?")
                .with_expires_in(Duration::from_secs(60))
                .with_on_expiry(Decision::Approve);
            let approval = event.ask_approval("approve", request)?;
            event.cancel_tool(!approval.is_approved());
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    minutes.up();
    agent.check_expiry().await.unwrap();
    let result = agent.invoke("and now?").await.unwrap();
    assert_eq!(
        (result.text().as_str(), tool.count(), last_results(&agent.messages())),
        ("next", 1, vec!["a".to_owned()])
    );
}

#[tokio::test]
async fn an_answer_that_does_not_fit_prolongs_no_question() {
    let minutes = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .clock(clocked(&minutes))
        .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
            let request = ApprovalRequest::new("Do it?").with_expires_in(Duration::from_secs(120));
            event.ask_approval("approve", request).map(drop)
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let due = agent.check_expiry().await.unwrap();
    minutes.up();
    answer_all(&mut agent, "perhaps").await;
    assert_eq!(agent.check_expiry().await.unwrap(), due);
}

#[tokio::test]
async fn an_answer_for_an_abandoned_prompt_fits_no_other() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(|event: &mut BeforeInvocationEvent| -> HookResult {
            let t = event.messages()[0].text();
            event.interrupt::<bool>("ok", t).map(drop)
        })
        .build()
        .await
        .unwrap();
    let old = agent.invoke("harmless").await.unwrap().interrupts;
    agent.abandon().await.unwrap();
    let new = agent.invoke("harmful").await.unwrap().interrupts;
    assert_ne!(old[0].id, new[0].id);
}

#[tokio::test]
async fn an_approval_delivered_again_in_the_next_turn_is_refused() {
    let tool = echo("a");
    let model = ScriptedModel::new([
        Reply::tool("a", json!({"n": 1})),
        Reply::tool("a", json!({"n": 1})),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .hook(guard)
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    agent.resume([open[0].answer(true)]).await.unwrap();
    let again = agent.resume([open[0].answer(true)]).await;
    assert_eq!((again.is_err(), tool.count()), (true, 1));
}

#[tokio::test]
async fn an_approval_delivered_again_after_a_retry_is_refused() {
    let tool = echo("a");
    let again = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(guard)
        .hook(move |event: &mut AfterToolCallEvent| event.set_retry(again.up() == 0))
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    agent.resume([open[0].answer(true)]).await.unwrap();
    let again = agent.resume([open[0].answer(true)]).await;
    assert_eq!((again.is_err(), tool.count()), (true, 1));
}
