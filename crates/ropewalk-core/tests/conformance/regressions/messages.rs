//! Prompts, guidance and what else comes into the history.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::ScriptedModel;
use serde_json::json;

use crate::common::echo;
use crate::support::{Way, answer_all, one_call, onward, says, texts};

fn shape_of(message: &Message) -> String {
    format!("{} {}", message.text(), message.tool_uses().count())
}

#[tokio::test]
async fn guidance_is_added_once_also_when_a_question_stops_its_announcement() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(|event: &mut BeforeModelCallEvent| event.add_guidance("be brief"))
        .hook(|event: &mut MessageAddedEvent| -> HookResult {
            if event.message().text() == "be brief" {
                event.interrupt::<bool>("read it?", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let result = answer_all(&mut agent, true).await;
    assert_eq!(texts(&agent), ["q", "be brief", "ok"]);
    assert_eq!(result.text(), "ok");
}

#[tokio::test]
async fn guidance_is_added_once_also_when_a_wrap_asks() {
    async fn around(request: ModelCallRequest, next: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        request.interrupt::<bool>("pay?", "why")?;
        next.run(request).await
    }
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .wrap_model_call(around)
        .hook(|event: &mut BeforeModelCallEvent| event.add_guidance("be brief"))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    answer_all(&mut agent, true).await;
    assert_eq!(texts(&agent), ["q", "be brief", "ok"]);
}

#[tokio::test]
async fn a_question_about_the_prompt_outlives_its_denial() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([]))
        .hook(|event: &mut BeforeInvocationEvent| event.cancel("shut"))
        .hook(|event: &mut MessageAddedEvent| -> HookResult {
            if event.message().role == Role::User {
                event.interrupt::<bool>("read it?", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.interrupts.len(), 1, "{:?} {:?}", result.stop_reason, texts(&agent));
}

#[tokio::test]
async fn a_held_prompt_keeps_its_state_in_the_journal() {
    let journal = MemoryJournal::new();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .session(journal.clone())
        .hook(|event: &mut BeforeInvocationEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .build()
        .await
        .unwrap();
    agent.invocation("q").state("user", "alice").await.unwrap();
    drop(agent);
    let blueprint =
        Arc::new(Agent::builder().no_callback_handler().model(says("ok")).blueprint().unwrap());
    let mut agent = blueprint.open(Arc::new(journal.clone())).await.unwrap();
    assert_eq!(agent.run().state()["user"], json!("alice"));
    answer_all(&mut agent, true).await;
    assert_eq!(texts(&agent), ["q", "ok"]);
    let run = Run::new(journal.run_id()).replay(journal.load().await.unwrap()).unwrap();
    assert_eq!(run, agent.run());
}

#[tokio::test]
async fn messages_that_were_asked_about_are_not_added_again() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(|event: &mut AfterToolsEvent| event.set_end_turn("bye"))
        .hook(|event: &mut MessageAddedEvent| -> HookResult {
            if event.message().role == Role::User {
                return Ok(());
            }
            let t = shape_of(event.message());
            event.interrupt::<bool>("ok", t).map(drop)
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let mut agent = onward(agent, Way::Restart).await;
    let r = answer_all(&mut agent, true).await;
    assert_eq!(r.interrupts.len(), 1);
    let mut agent = onward(agent, Way::Restart).await;
    let r = answer_all(&mut agent, true).await;
    assert_eq!(r.text(), "bye");
    assert_eq!(agent.messages().len(), 4);
}
