//! Before and after a model call: an answer in its place, another try, guidance.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};

use crate::support::{Count, Notes, says, stream_of, texts};

/// §1.5 BeforeModelCall.cancel
#[tokio::test]
async fn before_model_call_cancel_stands_as_the_answer() {
    for (cancel, said) in
        [(Cancel::from(true), "model call denied by hook"), (Cancel::from("no"), "no")]
    {
        let model = ScriptedModel::new([]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeModelCallEvent| event.cancel(cancel.clone()))
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!((result.text().as_str(), &result.stop_reason), (said, &StopReason::EndTurn));
        assert_eq!(result.usage, Usage::default());
        assert!(result.message.metadata.is_none());
        assert!(model.requests().is_empty());
        assert_eq!(texts(&agent), ["q", said]);
    }
}

/// §1.5 AfterModelCall.retry discards the response: nothing of it is appended, what was streamed is
/// not retracted.
#[tokio::test]
async fn after_model_call_retry_discards_the_response() {
    let model = ScriptedModel::new([Reply::text("bad"), Reply::text("good")]);
    let before = Count::default();
    let counter = before.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(move |_: &BeforeModelCallEvent| {
            counter.up();
        })
        .hook(|event: &mut AfterModelCallEvent| {
            event.set_retry(event.stop_response().unwrap().message.text() == "bad");
        })
        .build()
        .await
        .unwrap();
    let events = stream_of(&mut agent, "q").await;
    let said: Vec<_> = events.iter().filter_map(|event| event["data"].as_str()).collect();
    assert_eq!(said, ["bad", "good"]);
    assert_eq!(texts(&agent), ["q", "good"]);
    assert_eq!(before.get(), 2, "BeforeModelCall fires again");
    assert_eq!(model.requests()[1].messages.len(), 1);
}

/// §1.5 AfterModelCall.retry swallows the exception
#[tokio::test]
async fn after_model_call_retry_swallows_the_exception() {
    let model =
        ScriptedModel::new([Reply::error(ErrorKind::Throttled, "slow down"), Reply::text("good")]);
    let hook = |event: &mut AfterModelCallEvent| event.set_retry(event.exception().is_some());
    let mut agent =
        Agent::builder().no_callback_handler().model(model).hook(hook).build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "good");
}

/// §1.5 AfterModelCall.retry [≥1.23] unbounded, [≥1.51] with the usage of what was discarded. The
/// BUG of 1.21 (Appendix A 22: a retry after the last error) can't be: there is no last attempt.
#[tokio::test]
async fn after_model_call_retry_has_no_bound_and_its_usage_counts() {
    let model = ScriptedModel::new((0..20).map(|number| {
        let text = Reply::message(Message::assistant(number.to_string()));
        if number % 2 == 0 { text } else { Reply::error(ErrorKind::Unavailable, "gone") }
    }));
    model.push(Reply::message(Message::assistant("good")));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut AfterModelCallEvent| {
            let good = event.stop_response().is_some_and(|turn| turn.message.text() == "good");
            event.set_retry(!good);
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(model.requests().len(), 21);
    assert_eq!(result.usage, Usage::new(110, 55), "eleven answers of 10 and 5");
}

/// §1.5 AfterModelCall.retry asks all hooks again: they may decide otherwise
#[tokio::test]
async fn after_model_call_retry_set_back_by_a_later_hook_does_not_count() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(|event: &mut AfterModelCallEvent| {
            assert!(event.retry(), "reversed: this one is called last");
            event.set_retry(false);
        })
        .hook(|event: &mut AfterModelCallEvent| event.set_retry(true))
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
}

/// Not in §1.5: guidance, which Strands' interventions append past the events (WEAK, §1.13). Here it
/// is a message like any other, announced and stored.
#[tokio::test]
async fn guidance_is_a_message_that_is_announced() {
    let notes = Notes::default();
    let log = notes.clone();
    let given = Count::default();
    let model = ScriptedModel::new([Reply::text("bad"), Reply::text("good")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(move |event: &mut BeforeModelCallEvent| {
            if given.up() == 0 {
                event.add_guidance("be brief");
            }
        })
        .hook(|event: &mut AfterModelCallEvent| {
            if event.stop_response().unwrap().message.text() == "bad" {
                event.add_guidance("better");
            }
        })
        .hook(move |event: &MessageAddedEvent| log.add(event.message().text()))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["q", "be brief", "better", "good"]);
    assert_eq!(texts(&agent), ["q", "be brief", "better", "good"]);
    assert_eq!(model.requests()[0].messages.len(), 2, "told before it was asked");
}
