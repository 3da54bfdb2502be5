//! What was used counts, whatever becomes of the answer.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};

#[tokio::test]
async fn the_result_counts_all_passes_of_a_resumed_invocation() {
    let model = ScriptedModel::new([
        Reply::message(Message::assistant("one")),
        Reply::message(Message::assistant("two")),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(|event: &mut AfterInvocationEvent| {
            if event.result().unwrap().text() == "one" {
                event.set_resume("more");
            }
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.usage, result.cycles), (Usage::new(20, 10), 2));
}

#[tokio::test]
async fn an_abandoned_answer_has_used_its_tokens() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::message(Message::assistant("x"))]))
        .hook(|event: &mut AfterModelCallEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    agent.abandon().await.unwrap();
    assert_eq!(agent.run().total_usage(), Usage::new(10, 5));
}

#[tokio::test]
async fn an_answer_whose_hooks_fail_has_used_its_tokens() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::message(Message::assistant("x"))]))
        .hook(|_: &mut AfterModelCallEvent| -> HookResult { Err("no".into()) })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(agent.run().total_usage(), Usage::new(10, 5));
}

#[tokio::test]
async fn an_answer_whose_wrap_fails_has_used_its_tokens() {
    async fn around(request: ModelCallRequest, next: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        next.run(request.clone()).await?;
        Err("broken".into())
    }
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::message(Message::assistant("one"))]))
        .wrap_model_call(around)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(agent.run().total_usage(), Usage::new(10, 5));
}
