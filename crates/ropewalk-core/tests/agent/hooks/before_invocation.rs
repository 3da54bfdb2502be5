//! Before an invocation: whether it begins, and with which messages.

use std::sync::Mutex;

use pretty_assertions::assert_eq;

use super::*;

#[tokio::test]
async fn a_cancel_keeps_the_prompt_and_asks_no_model() {
    for (cancel, said) in
        [(Cancel::Yes, "invocation denied by hook"), (Cancel::Because("shut".into()), "shut")]
    {
        let model = ScriptedModel::new([]);
        let ended = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&ended);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeInvocationEvent| event.cancel(cancel.clone()))
            .hook(move |_: &AfterInvocationEvent| {
                counter.fetch_add(1, Ordering::SeqCst);
            })
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(result.stop_reason, StopReason::EndTurn);
        assert_eq!(texts(&agent), ["q", said]);
        assert!(model.requests().is_empty());
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn the_answer_of_a_cancel_is_announced_like_any_other() {
    let added = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&added);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([]))
        .hook(|event: &mut BeforeInvocationEvent| event.cancel("shut"))
        .hook(move |event: &MessageAddedEvent| {
            notes.lock().unwrap().push(event.message().text());
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(*added.lock().unwrap(), ["q", "shut"]);
}

#[tokio::test]
async fn other_messages_take_the_place_of_the_prompt() {
    let model = ScriptedModel::new([Reply::text("ok")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut BeforeInvocationEvent| {
            assert_eq!(event.messages()[0].text(), "my key is 1234");
            event.set_messages(vec![Message::user("my key is [gone]")]);
        })
        .build()
        .await
        .unwrap();
    agent.invoke("my key is 1234").await.unwrap();
    assert_eq!(model.requests()[0].messages[0].text(), "my key is [gone]");
    assert_eq!(texts(&agent), ["my key is [gone]", "ok"]);
}

#[tokio::test]
async fn messages_that_can_not_stand_are_refused() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([]))
        .hook(|event: &mut BeforeInvocationEvent| {
            event.set_messages(vec![crate::common::asks([("t", "a", json!({}))])]);
        })
        .build()
        .await
        .unwrap();
    assert!(agent.invoke("q").await.is_err());
    assert!(agent.messages().is_empty() && !agent.is_unfinished());
}

#[tokio::test]
async fn a_failure_leaves_the_history_untouched_and_ends_nothing() {
    let ended = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ended);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([]))
        .hook(|_: &mut BeforeInvocationEvent| -> HookResult { Err("no".into()) })
        .hook(move |_: &AfterInvocationEvent| {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert!(agent.messages().is_empty());
    assert_eq!(ended.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_failure_does_not_give_up_what_an_earlier_invocation_left() {
    let model = ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "no"), Reply::text("ok")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .retry_strategy(RetryStrategy::none())
        .hook(|event: &mut BeforeInvocationEvent| -> HookResult {
            let forbidden = event.messages().iter().any(|message| message.text() == "evil");
            if forbidden { Err("no".into()) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(agent.invoke("evil").await.unwrap_err().kind(), ErrorKind::Hook);
    assert!(agent.is_unfinished());
    assert_eq!(agent.invoke(()).await.unwrap().text(), "ok");
    assert_eq!(texts(&agent), ["q", "ok"]);
}
