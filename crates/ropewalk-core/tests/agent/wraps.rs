//! Code around calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestTool, assert_valid, echo, last_results, tool};

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: impl Into<String>) {
    log.lock().unwrap().push(line.into());
}

fn one_call() -> ScriptedModel {
    ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")])
}

/// A wrap hook that notes when it begins and ends.
struct Noting(&'static str, Log);

impl WrapToolCall for Noting {
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        Box::pin(async move {
            note(&self.1, format!("{} begins", self.0));
            let result = next.run(request).await;
            note(&self.1, format!("{} ends", self.0));
            result
        })
    }
}

impl WrapModelCall for Noting {
    fn wrap<'a>(
        &'a self,
        request: ModelCallRequest,
        next: ModelNext<'a>,
    ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
        Box::pin(async move {
            note(&self.1, format!("{} begins", self.0));
            let turn = next.run(request).await;
            note(&self.1, format!("{} ends", self.0));
            turn
        })
    }
}

struct HostWraps(Log);

impl HookProvider for HostWraps {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        registry.wrap_tool_call(Noting("host", Arc::clone(&self.0)));
    }
}

#[tokio::test]
async fn they_stand_within_the_hooks_and_around_the_guards() {
    let log = Log::default();
    let at = |line: &'static str| {
        let log = Arc::clone(&log);
        move || note(&log, line)
    };
    let (before, guard, after, body) = (at("before"), at("guard"), at("after"), at("tool"));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool("a", move |_, _| {
            body();
            async { Ok(ToolOutput::text("a")) }
        }))
        .wrap_tool_call(Noting("outer", Arc::clone(&log)))
        .wrap_tool_call(Noting("inner", Arc::clone(&log)))
        .host_hooks([HostWraps(Arc::clone(&log))])
        .hook(move |_: &BeforeToolCallEvent| before())
        .hook(move |_: &ToolCallGuardEvent| guard())
        .hook(move |_: &AfterToolCallEvent| after())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        [
            "before",
            "host begins",
            "outer begins",
            "inner begins",
            "guard",
            "tool",
            "inner ends",
            "outer ends",
            "host ends",
            "after"
        ]
    );
}

#[tokio::test]
async fn what_one_changes_is_what_the_guard_sees_and_the_tool_gets() {
    let (a, log) = (echo("a"), Log::default());
    let seen = Arc::clone(&log);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(a.clone())
        .wrap_tool_call(async |mut request: ToolCallRequest, next: ToolNext<'_>| {
            request.set_input(json!({"n": 2}));
            let mut result = next.run(request).await?;
            result.content.push(ToolResultContent::Text("(checked)".into()));
            Ok(result)
        })
        .hook(move |event: &ToolCallGuardEvent| note(&seen, event.tool_use().input.to_string()))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(a.seen()[0].input, json!({"n": 2}));
    assert_eq!(*log.lock().unwrap(), [r#"{"n":2}"#]);
    assert!(last_results(&agent.messages())[0].contains("(checked)"));
}

#[tokio::test]
async fn one_that_answers_itself_keeps_the_tool_and_the_guard_from_running() {
    let (a, guards) = (echo("a"), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&guards);
    let journal = MemoryJournal::new();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(a.clone())
        .wrap_tool_call(async |request: ToolCallRequest, _: ToolNext<'_>| {
            Ok(ToolResult::success(&request.tool_use().tool_use_id, "cached"))
        })
        .hook(move |_: &ToolCallGuardEvent| {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((a.count(), guards.load(Ordering::SeqCst)), (0, 0));
    assert_eq!(last_results(&agent.messages()), ["cached"]);
    let records = journal.load().await.unwrap();
    let finishes: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::ToolFinished { finish, .. } => Some(*finish),
            _ => None,
        })
        .collect();
    assert_eq!(finishes, [Finish::Replaced]);
}

#[tokio::test]
async fn one_can_not_make_a_refused_call_or_take_a_question_away() {
    // It takes every error for a reason to answer itself.
    async fn swallows(
        request: ToolCallRequest,
        next: ToolNext<'_>,
    ) -> Result<ToolResult, BoxError> {
        let id = request.tool_use().tool_use_id.clone();
        Ok(next.run(request).await.unwrap_or_else(|_| ToolResult::success(id, "never mind")))
    }
    let build = |a: TestTool| {
        Agent::builder().no_callback_handler().model(one_call()).tool(a).wrap_tool_call(swallows)
    };

    let a = echo("a");
    let refuse = |event: &mut ToolCallGuardEvent| event.cancel_tool("no");
    let mut agent = build(a.clone()).hook(refuse).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((a.count(), last_results(&agent.messages())), (0, vec!["no".to_owned()]));

    let a = echo("a");
    let ask = |event: &mut ToolCallGuardEvent| -> HookResult {
        event.ask_approval("approve", ApprovalRequest::new("May I?"))?;
        Ok(())
    };
    let mut agent = build(a.clone()).hook(ask).build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.stop_reason, a.count()), (StopReason::Interrupt, 0));

    let a = echo("a");
    let fail = |_: &mut ToolCallGuardEvent| -> HookResult { Err("broken".into()) };
    let mut agent = build(a.clone()).hook(fail).build().await.unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!((error.kind(), a.count()), (ErrorKind::Hook, 0));
    assert!(error.to_string().contains("broken"), "{error}");
}

struct Failing(fn(ToolCallRequest) -> Result<ToolResult, BoxError>);

impl Failing {
    async fn wrap(
        &self,
        request: ToolCallRequest,
        _: ToolNext<'_>,
    ) -> Result<ToolResult, BoxError> {
        (self.0)(request)
    }
}

#[tokio::test]
async fn one_that_fails_panics_or_gives_a_foreign_result_stops_the_step() {
    type Fails = fn(ToolCallRequest) -> Result<ToolResult, BoxError>;
    let failures: [(&str, Fails); 3] = [
        ("Failing::wrap` around a tool call failed: no room", |_| Err("no room".into())),
        ("Failing::wrap` around a tool call failed: panicked: oh", |_| panic!("oh")),
        ("keep the id", |_| Ok(ToolResult::success("other", "x"))),
    ];
    for (text, fails) in failures {
        let a = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(a.clone())
            .wrap_tool_call(bind(Failing(fails), Failing::wrap))
            .build()
            .await
            .unwrap();
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!((error.kind(), a.count()), (ErrorKind::Hook, 0));
        assert!(error.report().contains(text), "{}", error.report());
        agent.abandon().await.unwrap();
        assert_valid(&agent.messages());
    }
}

#[tokio::test]
async fn a_question_after_the_tool_ran_does_not_run_it_again() {
    let (a, model) = (echo("a"), one_call());
    let wrap = async |request: ToolCallRequest, next: ToolNext<'_>| {
        let asks = request.clone();
        let mut result = next.run(request).await?;
        let keep: bool = asks.interrupt("keep", result.text())?;
        if !keep {
            result = ToolResult::success(&result.tool_use_id, "[withheld]");
        }
        Ok(result)
    };
    let builder = || {
        Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(a.clone())
            .wrap_tool_call(wrap)
    };
    let mut agent = builder().build().await.unwrap();
    let asked = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!((asked[0].reason.clone(), a.count()), (json!("a"), 1));

    let stored = serde_json::to_string(&agent.run()).unwrap();
    let blueprint = Arc::new(builder().blueprint().unwrap());
    let mut other = blueprint.resume(serde_json::from_str(&stored).unwrap()).await.unwrap();
    other.resume([asked[0].answer(false)]).await.unwrap();
    assert_eq!((a.count(), last_results(&other.messages())), (1, vec!["[withheld]".to_owned()]));
}

#[tokio::test]
async fn one_that_calls_again_makes_the_call_again_under_the_same_key() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&tries);
    let a = tool("a", move |_, _| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move { if number == 0 { Err("flaky".into()) } else { Ok(ToolOutput::text("ok")) } }
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(a.clone())
        .wrap_tool_call(async |request: ToolCallRequest, next: ToolNext<'_>| {
            match next.run(request.clone()).await? {
                failed if failed.status == ToolStatus::Error => next.run(request).await,
                result => Ok(result),
            }
        })
        .session(MemoryJournal::new())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["ok"]);
    assert!(a.seen().len() == 2 && a.seen()[0].key == a.seen()[1].key);
}

#[tokio::test]
async fn a_model_call_has_its_wraps_too_and_each_token_is_counted_once() {
    let log = Log::default();
    let model =
        ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "away"), Reply::text("hello")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .wrap_model_call(Noting("outer", Arc::clone(&log)))
        .wrap_model_call(async |request: ModelCallRequest, next: ModelNext<'_>| {
            match next.run(request.clone()).await {
                Ok(turn) => Ok(turn),
                Err(_) => next.run(request).await,
            }
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    let counted = result.message.metadata.as_ref().unwrap().usage;
    assert_eq!((result.text(), Some(result.usage)), ("hello".to_owned(), counted));
    assert!(result.usage.total_tokens > 0);
    assert_eq!(*log.lock().unwrap(), ["outer begins", "outer ends"]);
}

#[tokio::test]
async fn an_answer_from_a_cache_costs_nothing_and_is_streamed_like_any_other() {
    struct Cached(ModelTurn);
    impl Cached {
        async fn wrap(&self, _: ModelCallRequest, _: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
            Ok(self.0.clone())
        }
    }
    let cached = Cached(crate::common::turn(Message::assistant("from the cache")));
    let model = ScriptedModel::new([]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .wrap_model_call(bind(cached, Cached::wrap))
        .build()
        .await
        .unwrap();
    let mut text = String::new();
    let mut stream = agent.stream("q");
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            AgentEvent::Text(piece) => text += &piece,
            AgentEvent::Result(result) => assert_eq!(result.usage, Usage::default()),
            _ => {}
        }
    }
    assert_eq!(text, "from the cache");
    assert!(model.requests().is_empty());
}

#[tokio::test]
async fn a_wrap_of_the_model_may_ask_and_the_model_is_asked_after_the_answer() {
    let model = ScriptedModel::new([Reply::text("hello")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .wrap_model_call(async |request: ModelCallRequest, next: ModelNext<'_>| {
            let go: bool = request.interrupt("spend", "this costs money")?;
            if go { next.run(request).await } else { Err("too dear".into()) }
        })
        .build()
        .await
        .unwrap();
    let asked = agent.invoke("q").await.unwrap().interrupts;
    assert!(model.requests().is_empty());
    assert!(asked[0].id.starts_with("v1:middleware_invoke_model:1.0:"), "{}", asked[0].id);
    assert_eq!(agent.resume([asked[0].answer(true)]).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn tokens_of_an_answer_that_a_question_of_a_wrap_threw_away_are_counted() {
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .wrap_model_call(async |request: ModelCallRequest, next: ModelNext<'_>| {
            let turn = next.run(request.clone()).await?;
            let _: bool = request.interrupt("keep", turn.message.text())?;
            Ok(turn)
        })
        .build()
        .await
        .unwrap();
    let first = agent.invoke("q").await.unwrap();
    let spent = first.usage.total_tokens;
    assert!(spent > 0);
    let last = agent.resume([first.interrupts[0].answer(true)]).await.unwrap();
    assert_eq!(last.text(), "two");
    assert!(last.usage.total_tokens > spent);
}

#[tokio::test]
async fn an_approval_holds_for_one_time_that_a_wrap_makes_the_call() {
    async fn twice(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        next.run(request.clone()).await?;
        next.run(request).await
    }
    let a = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(a.clone())
        .wrap_tool_call(twice)
        .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
            let approval = event.ask_approval("approve", ApprovalRequest::new("May I?"))?;
            if !approval.is_approved() {
                event.cancel_tool("no");
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let first = agent.invoke("q").await.unwrap().interrupts;
    let second = agent.resume([first[0].answer(true)]).await.unwrap().interrupts;
    assert_eq!((a.count(), second.len()), (1, 1));
    assert_ne!(first[0].id, second[0].id);
    agent.resume([second[0].answer(false)]).await.unwrap();
    assert_eq!((a.count(), last_results(&agent.messages())), (1, vec!["no".to_owned()]));
}

/// Waits so many seconds before and after its call.
struct Slow(u64);

impl WrapToolCall for Slow {
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(self.0)).await;
            let result = next.run(request).await?;
            tokio::time::sleep(Duration::from_secs(self.0)).await;
            Ok(result)
        })
    }

    fn name(&self) -> &str {
        "slow"
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrap_that_takes_too_long_itself_stops_the_step_and_is_named() {
    // The tool takes its time: that is not the hook's.
    let hour = || {
        tool("a", |_, _| async {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Ok(ToolOutput::text("a"))
        })
    };
    type Wrap = fn(AgentBuilder) -> AgentBuilder;
    let wraps: [(Wrap, bool, usize); 5] = [
        (|b| b.wrap_tool_call(Slow(14)), true, 1),
        (|b| b.wrap_tool_call(Slow(16)), false, 1),
        (|b| b.wrap_tool_call(Slow(31)), false, 0),
        (|b| b.wrap_tool_call(limited(Slow(31), Some(Duration::from_secs(70)))), true, 1),
        (|b| b.wrap_tool_call(Slow(1)).wrap_tool_call(limited(Slow(1000), None)), true, 1),
    ];
    for (at, (wrap, ends, runs)) in wraps.into_iter().enumerate() {
        let tool = hour();
        let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
        let builder = wrap(Agent::builder().no_callback_handler().model(model).tool(tool.clone()));
        let mut agent = builder.build().await.unwrap();
        let outcome = agent.invoke("q").await;
        assert_eq!((outcome.is_ok(), tool.count()), (ends, runs), "{at}");
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Hook);
            let text = "the wrap hook `slow` around a tool call failed: took longer than 30 s";
            assert!(error.report().contains(text), "{at}: {}", error.report());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrap_around_the_model_that_hangs_stops_the_step() {
    async fn hangs(_: ModelCallRequest, _: ModelNext<'_>) -> Result<ModelTurn, BoxError> {
        std::future::pending().await
    }
    let model = ScriptedModel::new([Reply::text("done")]);
    let builder =
        Agent::builder().no_callback_handler().model(model.clone()).wrap_model_call(hangs);
    let error = builder.build().await.unwrap().invoke("q").await.unwrap_err();
    let text = "around a model call failed: took longer than 30 s";
    assert!(error.report().contains(text), "{}", error.report());
    assert_eq!((error.kind(), model.requests().len()), (ErrorKind::Hook, 0));
}
