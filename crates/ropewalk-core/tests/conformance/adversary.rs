//! Ways around a guard, an approval or a cancel: none leads anywhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{Fault, TestJournal, asks, echo, last_results, tool, turn};
use crate::support::*;

/// A guard that says why it does not let a call through.
fn guard(event: &mut ToolCallGuardEvent) -> HookResult {
    let approval = event.ask_approval("approve", ApprovalRequest::new("Do it?"))?;
    if !approval.is_approved() {
        event.cancel_tool("denied");
    }
    Ok(())
}

/// A session in which a call that may be repeated was cut off.
async fn cut_off() -> MemoryJournal {
    let journal = MemoryJournal::new();
    let state = serde_json::Map::new();
    let began = vec![
        Record::InvocationStarted { messages: vec![Message::user("q")], state },
        Record::ModelAnswered {
            turn: turn(asks([("t1", "a", json!({"n": 1}))])).into(),
            discarded: Usage::default(),
        },
    ];
    let run = Run::new(journal.run_id()).replay(began.clone()).unwrap();
    let claim = Claim::new(
        ToolUse::new("t1", "a", json!({"n": 1})),
        run.idempotency_key("t1"),
        Replay::Idempotent,
    );
    journal.append(&began).await.unwrap();
    journal.append(&[Record::ToolClaimed { tool_use_id: "t1".into(), claim }]).await.unwrap();
    journal
}

#[tokio::test]
async fn one_approval_is_one_run_also_if_a_wrap_makes_the_call_twice_at_once() {
    async fn hedge(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        let both = futures_util::future::join(next.run(request.clone()), next.run(request));
        let (one, other) = both.await;
        one.or(other)
    }
    let slow = tool("a", |_, _| async {
        tokio::task::yield_now().await;
        Ok(ToolOutput::text("ran"))
    });
    let journal = MemoryJournal::new();
    let blueprint = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(slow.clone())
        .hook(guard)
        .wrap_tool_call(hedge);
    let blueprint = Arc::new(blueprint.blueprint().unwrap());
    let mut agent = blueprint.open(Arc::new(journal.clone())).await.unwrap();
    agent.invoke("q").await.ok();
    let answers: Vec<_> = agent.interrupts().iter().map(|asked| asked.answer(true)).collect();
    let error = agent.resume(answers).await.unwrap_err();
    assert!(error.to_string().contains("twice at once"), "{error}");
    assert!(slow.count() <= 1);
    assert!(blueprint.open(Arc::new(journal)).await.is_ok(), "the session stays readable");
}

#[tokio::test]
async fn a_call_that_a_wrap_gave_up_while_it_ran_is_unknown_and_not_made_again() {
    struct Impatient {
        again: bool,
    }
    impl Impatient {
        async fn wrap(
            &self,
            request: ToolCallRequest,
            next: ToolNext<'_>,
        ) -> Result<ToolResult, BoxError> {
            let id = request.tool_use().tool_use_id.clone();
            let call = next.run(request.clone());
            if let Ok(result) = tokio::time::timeout(Duration::from_millis(5), call).await {
                return result;
            }
            if self.again { next.run(request).await } else { Ok(ToolResult::success(id, "fine")) }
        }
    }
    for again in [false, true] {
        let stuck = tool("a", |_, _| std::future::pending());
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(stuck.clone())
            .wrap_tool_call(bind(Impatient { again }, Impatient::wrap))
            .build()
            .await
            .unwrap();
        let ended = agent.invoke("q").await;
        assert_eq!(stuck.count(), 1);
        match ended {
            Ok(result) => assert!(!again && result.unknown_outcomes.len() == 1),
            Err(error) => assert!(again && error.kind() == ErrorKind::Hook, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_denial_holds_also_where_the_guard_that_asked_is_gone() {
    let a = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(a.clone())
        .build()
        .await
        .unwrap();
    let asked = agent.invocation("q").hook(guard).await.unwrap().interrupts;
    agent.resume([asked[0].answer(false)]).await.unwrap();
    assert_eq!(
        (a.count(), last_results(&agent.messages())),
        (0, vec!["This call was denied.".into()])
    );
}

#[tokio::test]
async fn a_tool_gets_no_answer_that_was_given_for_other_arguments() {
    let careful = |name| {
        tool(name, move |input, context: ToolContext| async move {
            let go: bool = context.interrupt("confirm", format!("really {name} {input}?"))?;
            if name == "a" || !go { Err("broken".into()) } else { Ok(ToolOutput::text("done")) }
        })
    };
    struct Fallback(Arc<dyn Tool>);
    impl Fallback {
        async fn wrap(
            &self,
            mut request: ToolCallRequest,
            next: ToolNext<'_>,
        ) -> Result<ToolResult, BoxError> {
            let first = next.run(request.clone()).await?;
            if first.status == ToolStatus::Success {
                return Ok(first);
            }
            request.set_tool(Arc::clone(&self.0));
            request.set_input(json!({"all": true}));
            next.run(request).await
        }
    }
    let fallback = Fallback(Arc::new(careful("production")));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(careful("a"))
        .wrap_tool_call(bind(fallback, Fallback::wrap))
        .build()
        .await
        .unwrap();
    let asked = agent.invoke("q").await.unwrap().interrupts;
    let again = agent.resume([asked[0].answer(true)]).await.unwrap().interrupts;
    assert_eq!(again[0].reason, json!(r#"really production {"all":true}?"#));
}

#[tokio::test]
async fn work_that_expired_goes_on_for_whoever_began_it() {
    let (now, who) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (clock, log) = (Arc::clone(&now), Arc::clone(&who));
    let pay = tool("a", move |_, context: ToolContext| {
        log.lock().unwrap().push(context.invocation_state().get::<String>("user"));
        async { Ok(ToolOutput::text("paid")) }
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([
            Reply::tool("a", json!({})),
            Reply::text("done"),
            Reply::tool("a", json!({})),
            Reply::text("done"),
        ]))
        .tool(pay)
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst)))
        .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
            if event.invocation_state().get::<bool>("asks").is_some() {
                let request = ApprovalRequest::new("Pay?")
                    .with_expires_in(Duration::from_secs(10))
                    .with_on_expiry(Decision::Approve);
                event.ask_approval("pay", request)?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invocation("q").state("user", "alice").state("asks", true).await.unwrap();
    now.store(60, Ordering::SeqCst);
    let result = agent.invocation("another").state("user", "bob").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::EndTurn);
    assert_eq!(*who.lock().unwrap(), [Some("alice".to_owned()), Some("bob".to_owned())]);
}

#[tokio::test]
async fn a_refused_call_that_may_have_run_is_unknown() {
    for at_the_guard in [true, false] {
        let a = echo("a").replayed(Replay::Idempotent);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([Reply::text("done")]))
            .tool(a.clone())
            .session(cut_off().await)
            .hook(move |event: &mut ToolCallGuardEvent| {
                event.cancel_tool(at_the_guard);
            })
            .hook(move |event: &mut BeforeToolCallEvent| event.cancel_tool(!at_the_guard))
            .build()
            .await
            .unwrap();
        let result = agent.invoke(()).await.unwrap();
        assert_eq!((a.count(), result.unknown_outcomes.len()), (0, 1));
    }
}

#[tokio::test]
async fn a_question_of_a_guard_does_not_take_a_claim_back() {
    let a = echo("a").replayed(Replay::Idempotent);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("done")]))
        .tool(a.clone())
        .session(cut_off().await)
        .hook(guard)
        .build()
        .await
        .unwrap();
    let asked = agent.invoke(()).await.unwrap().interrupts;
    assert!(matches!(agent.run().calls()[0].state, CallState::Claimed(_)));
    let result = agent.resume([asked[0].answer(false)]).await.unwrap();
    assert_eq!((a.count(), result.unknown_outcomes.len()), (0, 1));
}

#[tokio::test]
async fn what_was_cancelled_stays_cancelled() {
    let a = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(a.clone())
        .host_hook(|event: &mut BeforeToolCallEvent| event.cancel_tool("the host says no"))
        .hook(|event: &mut BeforeToolCallEvent| event.cancel_tool(false))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((a.count(), last_results(&agent.messages())), (0, vec!["the host says no".into()]));
}

#[tokio::test]
async fn a_denied_prompt_does_not_reach_the_model_after_a_crash() {
    let shut = |event: &mut BeforeInvocationEvent| {
        event.cancel(event.messages().iter().any(|message| message.text() == "evil"));
    };
    for nth in 0..3 {
        for fault in [Fault::Lost, Fault::WrittenAllTheSame] {
            let model = ScriptedModel::new([Reply::text("done")]);
            let builder = Agent::builder().no_callback_handler().model(model.clone()).hook(shut);
            let blueprint = Arc::new(builder.blueprint().unwrap());
            let journal = TestJournal::new();
            let mut agent = blueprint.open(Arc::new(journal.clone())).await.unwrap();
            journal.fail_at(nth, fault);
            agent.invoke("evil").await.ok();
            let mut agent = blueprint.open(Arc::new(journal)).await.unwrap();
            if agent.is_unfinished() {
                agent.invoke(()).await.unwrap();
            }
            assert!(model.requests().is_empty(), "append {nth}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_forged_run_is_refused() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(guard)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let json = serde_json::to_value(agent.run()).unwrap();
    assert!(serde_json::from_value::<Run>(json.clone()).is_ok());
    let forged = |pointer: &str, value: serde_json::Value| {
        let mut json = json.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        serde_json::from_value::<Run>(json).unwrap_err().to_string()
    };
    let error = forged("/phase/tools/calls/0/tool_use/input", json!({"n": "other"}));
    assert!(error.contains("not those that the model asked for"), "{error}");
    let error = forged("/questions/0/site/call/tool_use_id", json!("t9"));
    assert!(error.contains("a tool call that it does not hold"), "{error}");
    let error = forged("/started_at", json!(99));
    assert!(error.contains("behind the end"), "{error}");
}
