//! Around the call of the model: whether it is made, what it gives, and whether again.

use std::sync::Mutex;

use pretty_assertions::assert_eq;

use super::*;

#[tokio::test]
async fn a_cancel_stands_as_the_answer_and_is_announced() {
    for (cancel, said) in
        [(Cancel::Yes, "model call denied by hook"), (Cancel::Because("no".into()), "no")]
    {
        let after = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&after);
        let model = ScriptedModel::new([]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeModelCallEvent| event.cancel(cancel.clone()))
            .hook(move |event: &AfterModelCallEvent| {
                let turn = event.stop_response().unwrap();
                notes.lock().unwrap().push((turn.message.text(), turn.usage));
            })
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!((result.stop_reason, result.usage), (StopReason::EndTurn, Usage::default()));
        assert_eq!(*after.lock().unwrap(), [(said.to_owned(), Usage::default())]);
        assert_eq!(texts(&agent), ["q", said]);
        assert!(model.requests().is_empty());
    }
}

#[tokio::test]
async fn a_retry_throws_the_answer_away_and_counts_what_it_used() {
    let model = ScriptedModel::new(
        ["bad", "worse", "good"].map(|text| Reply::message(Message::assistant(text))),
    );
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(move |_: &BeforeModelCallEvent| {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .hook(|event: &mut AfterModelCallEvent| {
            let text = event.stop_response().unwrap().message.text();
            event.set_retry(text != "good");
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["q", "good"]);
    assert_eq!((result.usage, result.cycles), (Usage::new(30, 15), 1));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_retry_swallows_an_error() {
    let model =
        ScriptedModel::new([Reply::error(ErrorKind::Throttled, "slow down"), Reply::text("good")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(|event: &mut AfterModelCallEvent| {
            event.set_retry(event.exception().is_some_and(Error::is_throttled));
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "good");
}

#[tokio::test]
async fn a_failing_hook_before_the_call_is_seen_after_it_and_stops_the_run() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let model = ScriptedModel::new([Reply::text("ok")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|_: &mut BeforeModelCallEvent| -> HookResult { Err("no".into()) })
        .hook(move |event: &AfterModelCallEvent| {
            notes.lock().unwrap().push(event.exception().unwrap().kind());
        })
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hook);
    assert!(error.to_string().contains("BeforeModelCallEvent"), "{error}");
    assert_eq!(*seen.lock().unwrap(), [ErrorKind::Hook]);
    assert!(model.requests().is_empty());
}

#[tokio::test]
async fn a_failing_hook_after_the_call_fires_once_and_keeps_the_answer_out() {
    let fired = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fired);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("x")]))
        .hook(move |_: &mut AfterModelCallEvent| -> HookResult {
            counter.fetch_add(1, Ordering::SeqCst);
            Err("no".into())
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert_eq!((fired.load(Ordering::SeqCst), agent.messages().len()), (1, 1));
}
