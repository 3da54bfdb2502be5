//! Before and after an invocation: what is asked, the answer in its place, and what comes next.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, echo};
use crate::support::{Notes, one_call, says, stream_of, texts};

/// §1.5 BeforeInvocation.messages
#[tokio::test]
async fn before_invocation_messages_replaced_is_what_is_appended() {
    let model = says("ok");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut BeforeInvocationEvent| {
            let mut messages = event.messages().to_vec();
            assert_eq!(messages, [Message::user("q")], "the list about to be appended");
            messages[0] = Message::user("q, in short");
            event.set_messages(messages);
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["q, in short", "ok"]);
    assert_eq!(model.requests()[0].messages[0].text(), "q, in short");
}

/// §1.5 BeforeInvocation.cancel. Not as in Strands (WEAK, Appendix A 35): the user's message is kept,
/// so that the history does not begin with the assistant; the stream has its init event; and
/// AfterInvocation gets the result that the caller gets.
#[tokio::test]
async fn before_invocation_cancel_stands_as_the_answer_and_keeps_the_question() {
    for (cancel, said) in [
        (Cancel::from(true), "invocation denied by hook"),
        (Cancel::from("the office is closed"), "the office is closed"),
    ] {
        let notes = Notes::default();
        let log = notes.clone();
        let model = ScriptedModel::new([]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeInvocationEvent| event.cancel(cancel.clone()))
            .hook(move |event: &AfterInvocationEvent| log.add(event.result().unwrap().text()))
            .build()
            .await
            .unwrap();
        let events = stream_of(&mut agent, "q").await;
        assert_eq!(events[0], json!({"init_event_loop": true}));
        assert_eq!(events.last().unwrap()["result"]["stop_reason"], "end_turn");
        assert_eq!(texts(&agent), ["q", said]);
        assert_eq!(notes.take(), [said]);
        assert!(model.requests().is_empty());
        assert_valid(&agent.messages());
    }
}

/// §1.5 BeforeInvocation.cancel = false
#[tokio::test]
async fn before_invocation_cancel_false_cancels_nothing() {
    let hook = |event: &mut BeforeInvocationEvent| event.cancel(false);
    let mut agent =
        Agent::builder().no_callback_handler().model(says("ok")).hook(hook).build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
}

/// §1.5 AfterInvocation.resume
#[tokio::test]
async fn after_invocation_resume_takes_text_blocks_and_messages() {
    let inputs = [
        Prompt::from("more"),
        Prompt::from(vec![ContentBlock::from("more")]),
        Prompt::from(vec![Message::user("more")]),
    ];
    for input in inputs {
        let notes = Notes::default();
        let log = notes.clone();
        let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .hook(move |event: &BeforeInvocationEvent| log.add(event.messages()[0].text()))
            .hook(move |event: &mut AfterInvocationEvent| {
                if event.result().unwrap().text() == "one" {
                    event.set_resume(input.clone());
                }
            })
            .build()
            .await
            .unwrap();
        let events = stream_of(&mut agent, "q").await;
        let results: Vec<_> = events.iter().filter(|event| event.get("result").is_some()).collect();
        assert_eq!(results.len(), 1, "only one result, from the last pass");
        assert_eq!(results[0]["result"]["message"]["content"][0]["text"], "two");
        assert_eq!(notes.take(), ["q", "more"], "BeforeInvocation fires again");
        assert_eq!(texts(&agent), ["q", "one", "more", "two"]);
    }
}

/// §1.5 AfterInvocation.resume with interrupt responses: a hook may answer
#[tokio::test]
async fn after_invocation_resume_may_answer_a_question() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .hook(|event: &mut AfterInvocationEvent| {
            let open = event.result().unwrap().interrupts.clone();
            if let Some(question) = open.first() {
                event.set_resume(vec![question.answer(true)]);
            }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.5 AfterInvocation.resume: "the last writer wins". The event is reversed, so that the last writer
/// is the first that was registered.
#[tokio::test]
async fn after_invocation_resume_is_that_of_the_last_writer() {
    let wants = |text: &'static str| {
        move |event: &mut AfterInvocationEvent| {
            if event.agent().messages().len() == 2 {
                event.set_resume(text);
            }
        }
    };
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(wants("first"))
        .hook(wants("second"));
    let mut agent = builder.build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["q", "one", "first", "two"]);
}

/// §1.5 AfterInvocation.resume: "There is no loop bound"
#[tokio::test]
async fn after_invocation_resume_has_no_bound() {
    let model = ScriptedModel::new((0..20).map(|number| Reply::text(number.to_string())));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(|event: &mut AfterInvocationEvent| {
            if event.result().unwrap().text() != "19" {
                event.set_resume("again");
            }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "19");
    assert_eq!(agent.messages().len(), 40);
}
