//! What fails behind an answer, which is not lost, and guards that fail, which let nothing through:
//! items 6 and 15.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{Fault, TestJournal, assert_valid, echo, last_results};
use crate::support::{Count, WAYS, guard, one_call, onward, stream_of};

/// §15.6 approval given, then run fails ⇒ answer not lost
#[tokio::test]
async fn users_15_6_an_answer_outlives_a_failure_after_it() {
    for way in WAYS {
        let tool = echo("a");
        let broken = Count::default();
        let counter = broken.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(guard)
            .hook(move |event: &mut ToolCallGuardEvent| -> HookResult {
                // Fails behind the answer, the first time.
                let answered = event.interrupt_with::<bool>("second", Value::Null, true.into())?;
                if answered && counter.up() == 1 { Err("power cut".into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let answer = agent.interrupts()[0].answer(true);
        agent.resume([answer]).await.unwrap_err();
        assert_eq!(tool.count(), 0);
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done", "nobody is asked again");
        assert_eq!((tool.count(), broken.get()), (1, 3));
    }
}

/// §15.6 the model fails behind the approved call
#[tokio::test]
async fn users_15_6_what_was_approved_is_not_done_again_after_a_model_error() {
    for way in WAYS {
        let tool = echo("a");
        let model = ScriptedModel::new([
            Reply::tool("a", json!({})),
            Reply::error(ErrorKind::Unavailable, "gone"),
            Reply::text("done"),
        ]);
        let builder = Agent::builder()
            .no_callback_handler()
            .model(model)
            .retry_strategy(RetryStrategy::none())
            .tool(tool.clone())
            .hook(guard);
        let mut agent = builder.build().await.unwrap();
        agent.invoke("q").await.unwrap();
        let answer = agent.interrupts()[0].answer(true);
        assert_eq!(agent.resume([answer]).await.unwrap_err().kind(), ErrorKind::Unavailable);
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
        assert_eq!(tool.count(), 1);
    }
}

/// §15.6 the journal fails at each append after the answer: the answer is taken or refused, never half
#[tokio::test]
async fn users_15_6_an_answer_is_not_lost_when_the_journal_fails() {
    for fault in [Fault::Lost, Fault::WrittenAllTheSame] {
        for nth in 0..6 {
            let (tool, journal) = (echo("a"), TestJournal::new());
            let model = one_call();
            // An answer of the model that could not be written is asked for again.
            model.push(Reply::text("done"));
            let builder =
                Agent::builder().no_callback_handler().model(model).tool(tool.clone()).hook(guard);
            let mut agent = builder.session(journal.clone()).build().await.unwrap();
            let open = agent.invoke("q").await.unwrap().interrupts;
            journal.fail_at(nth, fault);
            if agent.resume([open[0].answer(true)]).await.is_err() {
                // Given again where it did not get through, else it goes on by itself.
                if agent.resume([open[0].answer(true)]).await.is_err() {
                    agent.invoke(()).await.unwrap();
                }
            }
            assert!(agent.interrupts().is_empty() && !agent.is_unfinished(), "{fault:?} {nth}");
            assert!(tool.count() <= 1, "{fault:?} {nth}");
            assert_eq!(last_results(&agent.messages()).len(), 1, "{fault:?} {nth}");
            assert_valid(&agent.messages());
        }
    }
}

/// §15.15 guard panics / hangs / returns garbage ⇒ denied and reported
#[tokio::test(start_paused = true)]
async fn users_15_15_a_broken_guard_lets_nothing_through_and_is_named() {
    async fn hangs(_: &mut ToolCallGuardEvent) {
        std::future::pending::<()>().await;
    }
    let panics = |event: &mut ToolCallGuardEvent| assert_eq!(event.tool_use().name, "nobody");
    let fails = |_: &mut ToolCallGuardEvent| -> HookResult { Err("no ink".into()) };
    let guards: [(HookCallback<ToolCallGuardEvent>, &str); 3] = [
        (callback(panics).named("panicking guard"), "panicked"),
        (callback(hangs).named("hanging guard"), "took longer than 30 s"),
        (callback(fails).named("failing guard"), "no ink"),
    ];
    for (guard, text) in guards {
        let (tool, name) = (echo("a"), guard.name().to_owned());
        let builder =
            Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone()).hook(guard);
        let mut agent = builder.build().await.unwrap();
        let events = stream_of(&mut agent, "q").await;
        let error = events.last().unwrap()["error"].as_str().unwrap();
        assert!(error.contains(&name) && error.contains(text), "{error}");
        assert!(events.iter().any(|event| event.get("force_stop").is_some()));
        assert_eq!(tool.count(), 0);
        agent.abandon().await.unwrap();
        assert_valid(&agent.messages());
    }
}

/// §15.15 garbage as the result of a wrap hook: the result of another call
#[tokio::test]
async fn users_15_15_a_wrap_hook_that_gives_garbage_is_reported() {
    async fn garbage(_: ToolCallRequest, _: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        Ok(ToolResult::success("somebody else's", "ok"))
    }
    let tool = echo("a");
    let builder = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .wrap_tool_call(garbage);
    let mut agent = builder.build().await.unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.to_string().contains("the result of `somebody else's`"), "{error}");
    assert_eq!(tool.count(), 0);
}
