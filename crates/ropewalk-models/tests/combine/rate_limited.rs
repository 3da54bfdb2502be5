//! Calls within a limit of rate, by a clock that is wound forward.

use std::time::Duration;

use futures_util::future::join_all;
use pretty_assertions::assert_eq;
use ropewalk_core::{
    Agent, ErrorKind, Message, MessageMetadata, Model, ModelRequest, RetryStrategy, ToolSpec,
    Transcript, Usage,
};
use ropewalk_models::{RateLimit, RateLimitBuilder, RateLimitedModel};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::{Instant, advance, sleep};

use crate::support::{ask, text, turn};

const SECOND: Duration = Duration::from_secs(1);

fn limit() -> RateLimitBuilder {
    RateLimit::builder().longest_wait(600 * SECOND)
}

/// A model that answers as often as it is asked, each time with so many tokens.
fn using(tokens: u64) -> ScriptedModel {
    let reply = Reply::text("Hi.").using(Usage::new(tokens, 0));
    ScriptedModel::new(std::iter::repeat_n(reply, 200))
}

/// After how many seconds each call was over that was made at once with all others.
async fn seconds(model: &RateLimitedModel, calls: usize) -> Vec<u64> {
    let began = Instant::now();
    let calls = (0..calls).map(|_| async {
        text(model, "?").await.unwrap();
        began.elapsed().as_secs()
    });
    join_all(calls).await
}

#[tokio::test(start_paused = true)]
async fn requests_go_as_a_minute_lets_them() {
    let limit = limit().requests_per_minute(60).request_burst(2).build().unwrap();
    let model = RateLimitedModel::new(using(1), &limit);
    assert_eq!(seconds(&model, 5).await, [0, 0, 1, 2, 3]);
    // After a quiet time two may go at once again.
    advance(10 * SECOND).await;
    assert_eq!(seconds(&model, 3).await, [0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn clones_and_other_models_under_the_limit_share_it() {
    let limit = limit().requests_per_minute(60).request_burst(1).build().unwrap();
    let (one, other) =
        (RateLimitedModel::new(using(1), &limit), RateLimitedModel::new(using(1), &limit.clone()));
    let began = Instant::now();
    for model in [&one, &other, &one.clone(), &other] {
        text(model, "?").await.unwrap();
    }
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_estimated_and_put_right() {
    // 100 a second. A question is one token, and its answer is thought to be 999.
    let build = || limit().tokens_per_minute(6_000).expected_output_tokens(999).build().unwrap();
    // As many as was thought: six calls, then one each 10 seconds.
    let model = RateLimitedModel::new(using(1_000), &build());
    assert_eq!(seconds(&model, 8).await, [0, 0, 0, 0, 0, 0, 10, 20]);
    // They used more: what is owed is waited for.
    let model = RateLimitedModel::new(using(5_000), &build());
    text(&model, "?").await.unwrap();
    assert_eq!(seconds(&model, 2).await, [0, 50], "5,000 and 5,000 of 6,000, and 1,000 more");
    // They used less: it is there for others.
    let model = RateLimitedModel::new(using(1), &build());
    assert_eq!(seconds(&model, 30).await, [0; 30]);
}

#[tokio::test(start_paused = true)]
async fn what_a_limit_counts_can_be_said() {
    let usage = Usage { cache_read_input_tokens: Some(4_000), ..Usage::new(5_000, 0) };
    let scripted = || ScriptedModel::new(std::iter::repeat_n(Reply::text("Hi.").using(usage), 9));
    let build = || limit().tokens_per_minute(6_000).expected_output_tokens(999);
    let took = async |limit: RateLimitBuilder| {
        let model = RateLimitedModel::new(scripted(), &limit.build().unwrap());
        seconds(&model, 1).await;
        seconds(&model, 1).await;
        seconds(&model, 1).await[0]
    };
    assert_eq!(took(build()).await, 50);
    let not_cached =
        |usage: &Usage| usage.input_tokens - usage.cache_read_input_tokens.unwrap_or(0);
    assert_eq!(took(build().count(not_cached)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_a_minute_waits_for_all_there_can_be() {
    let limit = limit().tokens_per_minute(600).expected_output_tokens(10_000).build().unwrap();
    let model = RateLimitedModel::new(using(600), &limit);
    assert_eq!(seconds(&model, 3).await, [0, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_first_goes_first() {
    // The large one waits for its tokens; the small one behind it could go at once.
    let limit = limit().tokens_per_minute(6_000).expected_output_tokens(0).build().unwrap();
    let model = RateLimitedModel::new(using(3_000), &limit);
    let large = "x".repeat(4 * 5_000);
    let began = Instant::now();
    let call = async |prompt: &str| {
        text(&model, prompt).await.unwrap();
        began.elapsed().as_secs()
    };
    let (first, large, small) = tokio::join!(call("????"), call(&large), call("????"));
    assert_eq!((first, large), (0, 20), "3,000 are left, and 5,000 needed");
    assert!(small >= large, "{small}");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_wait_and_frees_the_place() {
    let limit = limit().requests_per_minute(1).build().unwrap();
    let scripted = using(1);
    let model = RateLimitedModel::new(scripted.clone(), &limit);
    text(&model, "?").await.unwrap();
    let request = ask("?");
    let cancel = request.cancel.clone();
    let began = Instant::now();
    let (cancelled, other, ()) = tokio::join!(turn(&model, request), text(&model, "?"), async {
        sleep(5 * SECOND).await;
        cancel.cancel();
    });
    let error = cancelled.unwrap_err();
    assert!(error.is_cancelled());
    assert!(error.to_string().starts_with("scripted: the call was cancelled"), "{error}");
    other.unwrap();
    // The one behind it has its place.
    assert_eq!((began.elapsed().as_secs(), scripted.requests().len()), (60, 2));

    // Dropping the stream is as good.
    let dropped = tokio::time::timeout(SECOND, text(&model, "?")).await;
    assert!(dropped.is_err());
    assert_eq!(seconds(&model, 1).await, [59]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_be_too_long_is_an_error_at_once() {
    let limit = limit().requests_per_minute(6).request_burst(1).longest_wait(25 * SECOND);
    let model = RateLimitedModel::new(using(1), &limit.build().unwrap());
    let began = Instant::now();
    let call = async || {
        let outcome = text(&model, "?").await;
        outcome.map(|_| began.elapsed().as_secs()).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Throttled);
            assert_eq!(began.elapsed().as_secs(), 0);
            error.retry_after().unwrap().as_secs()
        })
    };
    let outcomes = join_all((0..5).map(|_| call())).await;
    // Those before it count: the fourth would wait for 30 seconds. Who failed is not in the line any more.
    assert_eq!(outcomes, [Ok(0), Ok(10), Ok(20), Err(30), Err(30)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_asks_for_holds_for_all() {
    let limit = limit().requests_per_minute(600).build().unwrap();
    let busy = Reply::error(ErrorKind::Throttled, "busy").retry_after(20 * SECOND);
    let refused = RateLimitedModel::new(ScriptedModel::new([busy]), &limit);
    let other = RateLimitedModel::new(using(1), &limit);
    assert_eq!(text(&refused, "?").await.unwrap_err().to_string(), "busy");
    assert_eq!(seconds(&other, 2).await, [20, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_refused_used_no_tokens_and_one_that_broke_off_did() {
    let build = || limit().tokens_per_minute(6_000).expected_output_tokens(4_999).build().unwrap();
    let after = async |reply: Reply| {
        let limit = build();
        let _ = text(&RateLimitedModel::new(ScriptedModel::new([reply]), &limit), "?").await;
        seconds(&RateLimitedModel::new(using(1), &limit), 1).await[0]
    };
    assert_eq!(after(Reply::error(ErrorKind::Unavailable, "away")).await, 0);
    let broken = Reply::text("one two").failing_after(3, ErrorKind::Unavailable, "gone");
    assert_eq!(after(broken).await, 40);
    // One that says nothing of its tokens is taken to have used what was thought.
    assert_eq!(after(Reply::text("Hi.").using(Usage::default())).await, 40);
}

#[tokio::test(start_paused = true)]
async fn the_estimate_takes_all_of_a_request() {
    let waits = async |request: ModelRequest| {
        let limit = limit().tokens_per_minute(6_000).expected_output_tokens(0).build().unwrap();
        // Nothing is put right: the model does not say what it used.
        let model = RateLimitedModel::new(using(0), &limit);
        turn(&model, request).await.unwrap();
        let began = Instant::now();
        turn(&model, ask(&"x".repeat(4 * 6_000))).await.unwrap();
        // 100 tokens come in each second.
        (began.elapsed().as_millis() / 10) as u64
    };
    let question = || ask(&"x".repeat(400));
    assert_eq!(waits(question()).await, 100);
    assert_eq!(waits(question().with_system("x".repeat(400))).await, 200);
    let tool = ToolSpec::new("add", "x".repeat(400), json!({}));
    assert!((300..350).contains(&waits(question().with_tools([tool])).await));

    // What the last call of the conversation used, system prompt and tools with it, and what came since.
    let mut answer = Message::assistant("It is.");
    let usage = Some(Usage::new(900, 100));
    answer.metadata = Some(MessageMetadata { usage, ..MessageMetadata::default() });
    let messages = [Message::user("x".repeat(9_000)), answer, Message::user("x".repeat(400))];
    let request = ModelRequest::new(Transcript::from_messages(messages).unwrap());
    assert_eq!(waits(request.with_system("x".repeat(9_000))).await, 1_100);
}

#[test]
fn without_a_runtime_nothing_waits() {
    let limit = limit().requests_per_minute(1).build().unwrap();
    let model = RateLimitedModel::new(using(1), &limit);
    futures_executor::block_on(async {
        text(&model, "?").await.unwrap();
        let error = text(&model, "?").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert!(error.retry_after().unwrap() > 50 * SECOND);
    });
}

#[test]
fn a_limit_that_lets_nothing_through_is_refused() {
    let zero = [
        RateLimit::builder().requests_per_minute(0),
        RateLimit::builder().tokens_per_minute(0),
        RateLimit::builder().requests_per_minute(1).request_burst(0),
        RateLimit::builder(),
    ];
    for limit in zero {
        assert_eq!(limit.build().unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn it_says_of_itself_what_the_model_says() {
    let limit =
        RateLimit::builder().requests_per_minute(60).tokens_per_minute(600).build().unwrap();
    let model = RateLimitedModel::new(ScriptedModel::new([]).with_window(10), &limit);
    assert_eq!((model.id(), model.context_limit()), ("scripted", Some(10)));
    assert!(format!("{model:?}").contains("one_each: 1s"), "{model:?}");
}

/// The agent's retries come back when the limit says so.
#[tokio::test(start_paused = true)]
async fn in_an_agent_the_retries_wait_as_long_as_the_limit_says() {
    let limit = limit().requests_per_minute(1).longest_wait(Duration::ZERO).build().unwrap();
    let mut agent = Agent::builder()
        .model(RateLimitedModel::new(using(1), &limit))
        .retry_strategy(RetryStrategy::default().max_attempts(2))
        .no_callback_handler()
        .build()
        .await
        .unwrap();
    let began = Instant::now();
    agent.invoke("one").await.unwrap();
    agent.invoke("two").await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);
}
