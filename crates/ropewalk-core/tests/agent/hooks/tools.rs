//! Around all tool calls of a turn.

use pretty_assertions::assert_eq;

use super::*;
use crate::common::{echo, last_results};

#[tokio::test]
async fn a_cancel_before_the_batch_cancels_every_call_without_their_hooks() {
    for (cancel, text) in
        [(Cancel::Yes, "Tool cancelled by hook"), (Cancel::Because("no".into()), "no")]
    {
        let tool = echo("a");
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let ended = Arc::new(AtomicUsize::new(0));
        let end_counter = Arc::clone(&ended);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([
                Reply::tools([("t1", "a", json!({})), ("t2", "nobody", json!({}))]),
                Reply::text("done"),
            ]))
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolsEvent| event.cancel(cancel.clone()))
            .hook(move |_: &BeforeToolCallEvent| {
                counter.fetch_add(1, Ordering::SeqCst);
            })
            .hook(move |_: &AfterToolsEvent| {
                end_counter.fetch_add(1, Ordering::SeqCst);
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!((tool.count(), calls.load(Ordering::SeqCst)), (0, 0));
        assert_eq!(ended.load(Ordering::SeqCst), 1);
        assert_eq!(last_results(&agent.messages()), [text, text]);
    }
}

#[tokio::test]
async fn a_cancel_of_a_resumed_batch_cancels_what_still_waits_and_keeps_what_ran() {
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({})), ("t3", "b", json!({}))]),
        Reply::text("done"),
    ]);
    let passes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&passes);
    let (asking, free) = (echo("a"), echo("b"));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([asking.clone(), free.clone()])
        .hook(move |event: &mut BeforeToolsEvent| {
            event.cancel(counter.fetch_add(1, Ordering::SeqCst) > 0);
        })
        .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
            if event.tool_use().name == "a" {
                let _: bool = event.interrupt("approve", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(questions.len(), 2);
    let result = agent.resume([questions[0].answer(true)]).await.unwrap();
    assert_eq!(result.text(), "done");
    let cancelled = "Tool cancelled by hook";
    assert_eq!(last_results(&agent.messages()), [cancelled, cancelled, "b"]);
    assert_eq!((asking.count(), free.count()), (0, 1));
}

#[tokio::test]
async fn a_hook_after_the_batch_may_end_the_turn() {
    let model = ScriptedModel::new([Reply::tool("a", json!({}))]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .hook(|event: &mut AfterToolsEvent| {
            assert_eq!(event.message().results().count(), 1);
            event.set_end_turn(vec!["that's all".into()]);
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(
        (result.stop_reason, result.message.text().as_str()),
        (StopReason::EndTurn, "that's all")
    );
    assert_eq!(texts(&agent), ["q", "", "", "that's all"]);
    assert_eq!(model.requests().len(), 1);
}

#[tokio::test]
async fn a_failing_hook_after_the_batch_runs_nothing_again() {
    let tool = echo("a");
    let broken = Arc::new(AtomicUsize::new(1));
    let guard = Arc::clone(&broken);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |_: &mut AfterToolsEvent| -> HookResult {
            if guard.swap(0, Ordering::SeqCst) == 1 { Err("no".into()) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}
