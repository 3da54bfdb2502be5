//! What was found wrong once, and must stay right.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, last_results, tool};
use crate::support::*;

fn clocked(minutes: &Count) -> impl Fn() -> SystemTime + Send + Sync + 'static {
    let clock = minutes.clone();
    move || SystemTime::UNIX_EPOCH + Duration::from_secs(60 * clock.get() as u64)
}

fn guard(event: &mut ToolCallGuardEvent) -> HookResult {
    let approval = event.ask_approval("approve", ApprovalRequest::new("Do it?"))?;
    event.cancel_tool(!approval.is_approved());
    Ok(())
}

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
async fn a_tool_that_a_hook_selected_stays_when_another_changes_the_name() {
    let (registered, b, other) = (echo("a"), echo("b"), echo("z"));
    let selected = other.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tools([registered.clone(), b.clone()])
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_selected_tool(Some(Arc::new(selected.clone())))
        })
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_tool_use(ToolUse::new("t1", "b", json!({})))
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((b.count(), other.count()), (0, 1));
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
async fn what_expired_is_settled_before_the_next_prompt_whoever_noticed() {
    let minutes = Count::default();
    let tool = echo("a");
    let model =
        ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done"), Reply::text("next")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .clock(clocked(&minutes))
        .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
            let request = ApprovalRequest::new("Do it?")
                .with_expires_in(Duration::from_secs(60))
                .with_on_expiry(Decision::Approve);
            let approval = event.ask_approval("approve", request)?;
            event.cancel_tool(!approval.is_approved());
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    minutes.up();
    agent.check_expiry().await.unwrap();
    let result = agent.invoke("and now?").await.unwrap();
    assert_eq!(
        (result.text().as_str(), tool.count(), last_results(&agent.messages())),
        ("next", 1, vec!["a".to_owned()])
    );
}

#[tokio::test]
async fn an_answer_that_does_not_fit_prolongs_no_question() {
    let minutes = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .clock(clocked(&minutes))
        .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
            let request = ApprovalRequest::new("Do it?").with_expires_in(Duration::from_secs(120));
            event.ask_approval("approve", request).map(drop)
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let due = agent.check_expiry().await.unwrap();
    minutes.up();
    answer_all(&mut agent, "perhaps").await;
    assert_eq!(agent.check_expiry().await.unwrap(), due);
}

#[tokio::test]
async fn two_wraps_can_not_ask_under_one_name() {
    async fn around(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        request.interrupt::<bool>("ok", "why")?;
        next.run(request).await
    }
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .wrap_tool_call(around)
        .wrap_tool_call(around)
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    let error = agent.resume([open[0].answer(true)]).await.unwrap_err();
    assert!(error.report().contains("used more than once"), "{}", error.report());
    assert_eq!(tool.count(), 0);
}

#[tokio::test]
async fn an_invocation_may_ask_at_its_end_while_a_tool_waits() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .hook(|event: &mut AfterInvocationEvent| event.interrupt::<bool>("sad?", "why").map(drop))
        .build()
        .await
        .unwrap();
    let r = agent.invoke("q").await.unwrap();
    assert_eq!(r.interrupts.len(), 2);
    let r = answer_all(&mut agent, true).await;
    assert_eq!(r.text(), "done");
    assert_eq!(tool.count(), 1);
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
async fn one_name_at_three_events_of_one_call_is_three_questions() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "b").map(drop))
        .hook(|event: &mut ToolCallGuardEvent| event.interrupt::<bool>("ok", "g").map(drop))
        .hook(|event: &mut AfterToolCallEvent| event.interrupt::<bool>("ok", "a").map(drop))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    for r in ["b", "g", "a"] {
        assert_eq!(agent.interrupts()[0].reason, json!(r));
        answer_all(&mut agent, true).await;
    }
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn a_question_of_a_new_agent_stands_beside_those_of_its_run() {
    let tool = echo("a");
    let asked = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |event: &mut AgentInitializedEvent| -> HookResult {
            if asked.up() > 0 {
                event.interrupt::<bool>("who?", "why")?;
            }
            Ok(())
        })
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "b").map(drop))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let mut agent = onward(agent, Way::Restart).await;
    let open = agent.interrupts();
    assert_eq!(open.len(), 2, "{open:?}");
    let tool_q = open.iter().find(|q| q.name == "ok").unwrap().answer(true);
    let r = agent.resume([tool_q]).await.unwrap();
    assert_eq!((r.interrupts.len(), tool.count()), (1, 0));
    assert_eq!(answer_all(&mut agent, true).await.text(), "done");
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn a_wrap_stands_around_a_recorded_result_of_an_unlisted_tool() {
    async fn around(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        let result = next.run(request.clone()).await?;
        let release: bool = request.interrupt("release?", "why")?;
        Ok(if release { result } else { ToolResult::error(result.tool_use_id, "withheld") })
    }
    let secret: Arc<dyn Tool> = Arc::new(echo("secret"));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .wrap_tool_call(around)
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_selected_tool(Some(Arc::clone(&secret)))
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    answer_all(&mut agent, false).await;
    assert_eq!(last_results(&agent.messages()), ["withheld"]);
}

#[tokio::test]
async fn a_question_does_not_take_a_claim_back() {
    let runs = Count::default();
    let counter = runs.clone();
    let stuck = tool("a", move |_, _| {
        let first = counter.up() == 0;
        async move {
            if first {
                std::future::pending::<()>().await;
            }
            Ok(ToolOutput::text("ran"))
        }
    })
    .replayed(Replay::Idempotent);
    let (guards, inputs) = (Count::default(), Count::default());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(stuck.clone())
        .hook(move |event: &mut BeforeToolCallEvent| {
            let n = if inputs.up() < 2 { 1 } else { 2 };
            event.set_input(json!({"n": n}));
        })
        .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
            if guards.up() > 0 {
                event.interrupt::<bool>("again?", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    {
        let mut cut = Box::pin(agent.invoke("q"));
        let waker = futures_util::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        while stuck.count() == 0 {
            assert!(cut.as_mut().poll(&mut context).is_pending());
        }
    }
    let mut agent = onward(agent, Way::Restart).await;
    agent.invoke(()).await.unwrap();
    answer_all(&mut agent, true).await;
    assert_eq!(stuck.count(), 1, "other arguments than those that may have run: unknown outcome");
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

#[tokio::test]
async fn an_answer_for_an_abandoned_prompt_fits_no_other() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(|event: &mut BeforeInvocationEvent| -> HookResult {
            let t = event.messages()[0].text();
            event.interrupt::<bool>("ok", t).map(drop)
        })
        .build()
        .await
        .unwrap();
    let old = agent.invoke("harmless").await.unwrap().interrupts;
    agent.abandon().await.unwrap();
    let new = agent.invoke("harmful").await.unwrap().interrupts;
    assert_ne!(old[0].id, new[0].id);
}

#[tokio::test]
async fn an_approval_delivered_again_in_the_next_turn_is_refused() {
    let tool = echo("a");
    let model = ScriptedModel::new([
        Reply::tool("a", json!({"n": 1})),
        Reply::tool("a", json!({"n": 1})),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(tool.clone())
        .hook(guard)
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    agent.resume([open[0].answer(true)]).await.unwrap();
    let again = agent.resume([open[0].answer(true)]).await;
    assert_eq!((again.is_err(), tool.count()), (true, 1));
}

#[tokio::test]
async fn an_approval_delivered_again_after_a_retry_is_refused() {
    let tool = echo("a");
    let again = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(guard)
        .hook(move |event: &mut AfterToolCallEvent| event.set_retry(again.up() == 0))
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    agent.resume([open[0].answer(true)]).await.unwrap();
    let again = agent.resume([open[0].answer(true)]).await;
    assert_eq!((again.is_err(), tool.count()), (true, 1));
}

#[tokio::test]
async fn a_decision_that_can_not_be_logged_stops_the_step() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| {
            event.record_decision(DecisionRecord::new("h", "e", "allow"));
        })
        .hook(|_: &mut DecisionEvent| -> HookResult { Err("disk full".into()) })
        .build()
        .await
        .unwrap();
    assert!(agent.invoke("q").await.is_err());
    assert_eq!(tool.count(), 0);
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

#[tokio::test]
async fn a_wrap_around_the_model_may_ask_before_it() {
    async fn around(request: ModelCallRequest, next: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        request.interrupt::<bool>("pay?", "why")?;
        next.run(request).await
    }
    for way in WAYS {
        let model = says("ok");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .wrap_model_call(around)
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!(model.requests().len(), 1);
    }
}
