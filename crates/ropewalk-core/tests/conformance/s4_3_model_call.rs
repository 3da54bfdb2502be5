//! §4.3 Model call: retry and back-off, with what later versions and Appendix A ask for. The clock is
//! Tokio's paused one: no test waits.

use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::Instant;

use crate::common::{assert_valid, echo};
use crate::support::{Count, says, stream_of, texts};

fn throttled() -> Reply {
    Reply::error(ErrorKind::Throttled, "slow down")
}

fn exact() -> RetryStrategy {
    RetryStrategy::default().without_jitter()
}

async fn agent(model: &ScriptedModel, strategy: RetryStrategy) -> Agent {
    Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .retry_strategy(strategy)
        .build()
        .await
        .unwrap()
}

/// How long an invocation takes, and what comes of it.
async fn timed(agent: &mut Agent) -> (u64, Result<AgentResult, Error>) {
    let began = Instant::now();
    let result = agent.invoke("q").await;
    (began.elapsed().as_millis() as u64, result)
}

/// §4.3 "attempts 6; delays slept 4, 8, 16, 32, 64 s". The event tells the delay that is slept (BUG of
/// 1.21: the next one), and comes before the sleep (Strands: after it), so that somebody can be told.
#[tokio::test(start_paused = true)]
async fn the_delays_are_those_of_strands_and_are_told_before_they_are_slept() {
    let model = ScriptedModel::new((0..5).map(|_| throttled()));
    model.push(Reply::text("done"));
    let mut agent = agent(&model, exact()).await;
    let began = Instant::now();
    let mut told = Vec::new();
    let mut stream = agent.stream("q");
    while let Some(event) = stream.next().await {
        let event = event.unwrap();
        if let AgentEvent::ThrottledDelay { attempt, error, .. } = &event {
            assert_eq!(error, "slow down");
            let json = serde_json::to_value(&event).unwrap();
            told.push((*attempt, began.elapsed().as_secs(), json));
        }
    }
    let expected = [(1, 0, 4), (2, 4, 8), (3, 12, 16), (4, 28, 32), (5, 60, 64)];
    let expected = expected
        .map(|(attempt, at, delay)| (attempt, at, json!({"event_loop_throttled_delay": delay})));
    assert_eq!(told, expected);
    assert_eq!(began.elapsed().as_secs(), 124);
}

/// §4.3 "give up: force-stop event, throttling error raised". Here the text says how often it was tried.
#[tokio::test(start_paused = true)]
async fn the_last_error_is_given_back_and_says_how_often_it_was_tried() {
    let model = ScriptedModel::new(
        (0..7).map(|number| Reply::error(ErrorKind::Throttled, format!("slow down {number}"))),
    );
    let mut agent = agent(&model, exact()).await;
    let events = stream_of(&mut agent, "q").await;
    assert_eq!(model.requests().len(), 6);
    let text = "the model was asked 6 times: slow down 5";
    assert_eq!(events[events.len() - 2]["force_stop_reason"], text);
    assert_eq!(events.last().unwrap()["error"], text);
    // "The counter resets": the next one has six of its own.
    model.push(Reply::text("ok"));
    let (_, result) = timed(&mut agent).await;
    assert_eq!(result.unwrap().text(), "ok");
    assert_valid(&agent.messages());
}

/// §4.3 `min(initial·2^n, max)`
#[tokio::test(start_paused = true)]
async fn a_delay_is_never_longer_than_the_longest() {
    let model = ScriptedModel::new((0..4).map(|_| throttled()));
    let strategy = exact()
        .max_attempts(4)
        .initial_delay(Duration::from_secs(100))
        .max_delay(Duration::from_secs(150));
    let (took, result) = timed(&mut agent(&model, strategy).await).await;
    assert_eq!(took, (100 + 150 + 150) * 1000);
    assert!(result.unwrap_err().is_throttled());
    // The numbers may be as large as they like.
    let model = ScriptedModel::new((0..40).map(|_| throttled()));
    let strategy = exact().max_attempts(40);
    let (took, _) = timed(&mut agent(&model, strategy).await).await;
    assert_eq!(took, (4 + 8 + 16 + 32 + 64 + 128 + 33 * 240) * 1000);
}

/// §4.3 "jitter: none"; Appendix A 21: add it
#[tokio::test(start_paused = true)]
async fn a_delay_is_varied_between_its_half_and_its_whole() {
    let took = async |strategy: RetryStrategy| {
        let model = ScriptedModel::new([throttled(), throttled(), Reply::text("ok")]);
        let (took, result) = timed(&mut agent(&model, strategy).await).await;
        result.unwrap();
        took
    };
    let mut seen = Vec::new();
    for _ in 0..20 {
        let took = took(RetryStrategy::default()).await;
        assert!((6_000..=12_002).contains(&took), "{took}");
        seen.push(took);
    }
    seen.dedup();
    assert!(seen.len() > 1, "it is chance");
    let seeded = |seed| RetryStrategy::default().jitter_seed(seed);
    assert_eq!(took(seeded(7)).await, took(seeded(7)).await);
    assert_ne!(took(seeded(7)).await, took(seeded(8)).await);
    assert_eq!(took(exact()).await, 12_000);
}

/// The provider's `Retry-After` counts where it is longer; one that is too long is not waited for.
#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let after = |seconds| throttled().retry_after(Duration::from_secs(seconds));
    for (asked, slept) in [(1, 4), (30, 30), (600, 600)] {
        let model = ScriptedModel::new([after(asked), Reply::text("ok")]);
        let (took, result) = timed(&mut agent(&model, exact()).await).await;
        assert_eq!((took, result.unwrap().text().as_str()), (slept * 1000, "ok"));
    }
    let model = ScriptedModel::new([after(601), Reply::text("ok")]);
    let (took, result) = timed(&mut agent(&model, exact()).await).await;
    let error = result.unwrap_err();
    assert_eq!((took, error.retry_after()), (0, Some(Duration::from_secs(601))));
    assert_eq!(error.to_string(), "slow down", "it was tried once");
}

/// §4.3 "retried errors: throttling only by default; `is_retryable` overridable [≥1.50]". Here also what
/// else may succeed when it is sent again.
#[tokio::test(start_paused = true)]
async fn what_may_succeed_is_tried_again_and_nothing_else() {
    use ErrorKind::*;
    for (kind, again) in [
        (Throttled, true),
        (Unavailable, true),
        (Timeout, true),
        (Authentication, false),
        (InvalidRequest, false),
        (ContextOverflow, false),
        (Other, false),
    ] {
        let model = ScriptedModel::new([Reply::error(kind, "no"), Reply::text("ok")]);
        let (_, result) = timed(&mut agent(&model, exact()).await).await;
        assert_eq!(result.is_ok(), again, "{kind:?}");
    }
    let script = || [Reply::error(Other, "moody"), throttled(), Reply::text("ok")];
    let model = ScriptedModel::new(script());
    let strategy = exact().retry_if(|error| error.to_string() == "moody");
    let (_, result) = timed(&mut agent(&model, strategy).await).await;
    assert!(result.unwrap_err().is_throttled(), "its own rule, in place of the default's");
    let model = ScriptedModel::new([throttled(), Reply::text("ok")]);
    let (took, result) = timed(&mut agent(&model, RetryStrategy::none()).await).await;
    assert!(result.unwrap_err().is_throttled() && took == 0);
    let error = Agent::builder()
        .no_callback_handler()
        .model(says("x"))
        .retry_strategy(exact().max_attempts(0))
        .build()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// §4.3 the hooks fire for each attempt, and each sees its own failure
#[tokio::test(start_paused = true)]
async fn the_hooks_around_the_model_fire_for_each_attempt() {
    let (before, failed, ok) = (Count::default(), Count::default(), Count::default());
    let (b, f, o) = (before.clone(), failed.clone(), ok.clone());
    let model = ScriptedModel::new([throttled(), throttled(), Reply::text("ok")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(move |_: &BeforeModelCallEvent| {
            b.up();
        })
        .hook(move |event: &AfterModelCallEvent| {
            if event.exception().is_some() {
                f.up()
            } else {
                o.up()
            };
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((before.get(), failed.get(), ok.get()), (3, 2, 1));
    assert_eq!(result.cycles, 1);
}

/// A cancel ends the wait.
#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_wait_for_another_attempt() {
    for after_tools in [false, true] {
        let model = ScriptedModel::new([throttled(), Reply::text("never")]);
        let mut agent = agent(&model, exact()).await;
        let handle = agent.cancel_handle();
        let began = Instant::now();
        let (result, ()) = tokio::join!(agent.invoke("q"), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if after_tools { handle.cancel_after_tools() } else { handle.cancel() }
        });
        assert_eq!(result.unwrap().stop_reason, StopReason::Cancelled);
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert_eq!(texts(&agent), ["q", "Cancelled by user"]);
    }
}

/// Without a runtime there is no clock of Tokio's; it is waited all the same.
#[test]
fn it_is_waited_without_a_runtime_too() {
    futures_executor::block_on(async {
        let model = ScriptedModel::new([throttled(), Reply::text("ok")]);
        let strategy = exact().initial_delay(Duration::from_millis(20));
        let mut agent = agent(&model, strategy).await;
        let began = std::time::Instant::now();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
        assert!(began.elapsed() >= Duration::from_millis(20));
    });
}

/// What a failed attempt used counts.
#[tokio::test(start_paused = true)]
async fn tokens_of_an_answer_that_broke_off_are_counted() {
    let metadata = ModelChunk::metadata(Usage::new(100, 1), Metrics::default());
    let half = [ModelChunk::message_start(), metadata, ModelChunk::text_delta("half")];
    let model = ScriptedModel::new([
        Reply::chunks(half.clone()).breaking_off_after(3),
        Reply::chunks(half).failing_after(3, ErrorKind::Unavailable, "gone"),
        Reply::text("ok"),
    ]);
    let mut agent = agent(&model, exact()).await;
    assert_eq!(agent.invoke("q").await.unwrap().usage, Usage::new(210, 3));
    assert_eq!(agent.run().total_usage(), Usage::new(210, 3));
}

/// §1.5 AfterModelCall.retry after an answer: what was streamed is taken back, and said so
#[tokio::test]
async fn an_answer_that_a_hook_throws_away_is_rolled_back() {
    let model = ScriptedModel::new([Reply::text("bad"), Reply::text("good")]);
    let hook = |event: &mut AfterModelCallEvent| {
        let bad = event.stop_response().is_some_and(|turn| turn.message.text() == "bad");
        event.set_retry(bad);
    };
    let mut agent =
        Agent::builder().no_callback_handler().model(model).hook(hook).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let keys = |event: &serde_json::Value| -> Option<String> {
        let text = event.get("data").and_then(|text| text.as_str()).map(str::to_owned);
        text.or_else(|| Some(event.get("rollback_event")?["reason"].as_str()?.to_owned()))
    };
    let told: Vec<String> = events.iter().filter_map(keys).collect();
    assert_eq!(told, ["bad", "hook", "good"]);
}

/// A call that fails before it said anything has nothing to take back.
#[tokio::test(start_paused = true)]
async fn nothing_is_rolled_back_where_nothing_was_shown() {
    let model = ScriptedModel::new([throttled(), Reply::text("ok")]);
    let events = stream_of(&mut agent(&model, exact()).await, "q").await;
    assert!(events.iter().all(|event| event.get("rollback_event").is_none()));
}

/// A model that is asked again in another process has its tools called once.
#[tokio::test(start_paused = true)]
async fn a_tool_of_an_answer_that_broke_off_is_not_called() {
    let tool = echo("a");
    let model = ScriptedModel::new([
        Reply::tool("a", json!({"n": 1})).breaking_off_after(4),
        Reply::tool("a", json!({"n": 2})),
        Reply::text("done"),
    ]);
    let builder = Agent::builder().no_callback_handler().model(model).tool(tool.clone());
    let mut agent = builder.build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    let inputs: Vec<_> = tool.seen().into_iter().map(|seen| seen.input).collect();
    assert_eq!(inputs, [json!({"n": 2})]);
}

/// A server that is not there, and counts who asks for it.
struct Nobody(Count);

impl Model for Nobody {
    fn id(&self) -> &str {
        "nobody"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        self.0.up();
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = Error::new(ErrorKind::Unavailable, "can't be reached").with_source(refused);
        futures_util::stream::iter([Err(error)]).boxed()
    }
}

/// Not in Strands: a server that was not started is not waited for as long as one that is busy, where
/// whoever builds the agent says so.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_refused_may_be_tried_less_often() {
    for (strategy, attempts, waited) in [
        (exact(), 6, 124_000),
        (exact().max_refused_attempts(3), 3, 3_000),
        (exact().max_refused_attempts(9), 6, 31_000),
        (exact().max_refused_attempts(3).initial_delay(Duration::from_millis(10)), 3, 30),
        (exact().max_refused_attempts(1), 1, 0),
    ] {
        let asked = Count::default();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(Nobody(asked.clone()))
            .retry_strategy(strategy.clone())
            .hook(|event: &AfterModelCallEvent| {
                assert!(event.exception().unwrap().is_connection_refused());
            })
            .build()
            .await
            .unwrap();
        let (took, result) = timed(&mut agent).await;
        assert_eq!((asked.get(), took), (attempts, waited), "{strategy:?}");
        assert!(result.unwrap_err().is_connection_refused());
    }
    // Others are tried as ever.
    let model = ScriptedModel::new([throttled(), throttled(), throttled(), Reply::text("done")]);
    let mut agent = agent(&model, exact().max_refused_attempts(1)).await;
    assert_eq!(timed(&mut agent).await.1.unwrap().text(), "done");
}
