//! After an invocation: going on within the same call, and what an error leaves.

use std::sync::Mutex;

use pretty_assertions::assert_eq;

use super::*;
use crate::common::echo;

#[tokio::test]
async fn a_resume_goes_on_within_the_same_call() {
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(|event: &mut AfterInvocationEvent| {
            if event.result().unwrap().text() == "one" {
                event.set_resume("and?");
            }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "two");
    assert_eq!(texts(&agent), ["q", "one", "and?", "two"]);
}

#[tokio::test]
async fn a_resume_may_answer_the_questions() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
            let _: bool = event.interrupt("approve", "why")?;
            Ok(())
        })
        .hook(|event: &mut AfterInvocationEvent| {
            let questions = event.result().unwrap().interrupts.clone();
            if !questions.is_empty() {
                let answers: Vec<_> = questions.iter().map(|q| q.answer(true)).collect();
                event.set_resume(answers);
            }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn it_fires_after_an_error_without_a_result() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([]))
        .hook(move |event: &AfterInvocationEvent| {
            notes.lock().unwrap().push(event.result().is_some());
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [false]);
}

#[tokio::test]
async fn a_failure_is_told_and_the_history_is_whole() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("one"), Reply::text("two")]))
        .hook(|event: &mut AfterInvocationEvent| -> HookResult {
            if event.agent().messages().len() == 2 { Err("no".into()) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert!(!agent.is_unfinished());
    assert_eq!(agent.invoke("again").await.unwrap().text(), "two");
}
