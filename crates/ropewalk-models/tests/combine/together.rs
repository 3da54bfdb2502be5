//! All of them in one another.

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::{Agent, ErrorKind, ModelRequest, Usage};
use ropewalk_models::{
    CachedModel, FallbackModel, RateLimit, RateLimitedModel, RoundRobinModel, RouterModel,
};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{ask, collect, extra, text, turn};

/// A router to a cheap and a strong model. The strong one is cached; where it is not to be had within its limit of rate
/// one of two others answers, in turn.
#[tokio::test(start_paused = true)]
async fn a_router_of_cached_fallbacks_of_limited_models() {
    let limit = RateLimit::builder().requests_per_minute(1).longest_wait(Duration::ZERO);
    let strong = ScriptedModel::new([Reply::text("strong"), Reply::text("strong")]);
    let spares = ["spare a", "spare b"].map(|name| ScriptedModel::new([Reply::text(name)]));
    let [a, b] = spares.clone();
    let spare = RoundRobinModel::new().with(a.with_id("a")).with(b.with_id("b"));
    let limited = RateLimitedModel::new(strong.clone().with_id("strong"), &limit.build().unwrap());
    let cached = CachedModel::new(FallbackModel::new(limited).or(spare));
    let cheap = ScriptedModel::new([Reply::text("cheap")]);
    let model =
        RouterModel::new(
            |request: &ModelRequest| {
                if request.messages[0].text().len() > 3 { "strong" } else { "cheap" }
            },
        )
        .route("cheap", cheap.clone())
        .route("strong", cached);

    let began = Instant::now();
    let answers = async |prompt| {
        let (chunks, error) = collect(&model, ask(prompt)).await;
        assert!(error.is_none());
        extra(&chunks)
    };
    assert_eq!(answers("hi").await, json!({"answeredBy": "scripted"}));
    assert_eq!(answers("one long").await, json!({"answeredBy": "strong"}));
    // Its minute is used up.
    assert_eq!(answers("another").await, json!({"answeredBy": "a"}));
    assert_eq!(answers("a third").await, json!({"answeredBy": "b"}));
    // What is known costs neither time nor a turn; it says whose answer it was.
    assert_eq!(answers("one long").await, json!({"answeredBy": "strong", "cached": true}));
    assert_eq!(answers("another").await, json!({"answeredBy": "a", "cached": true}));
    assert_eq!(turn(&model, ask("a third")).await.unwrap().usage, Usage::default());
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!((strong.requests().len(), cheap.requests().len()), (1, 1));

    // None is left: all is told, and when to come back.
    let error = text(&model, "a fourth").await.unwrap_err();
    assert!(error.to_string().starts_with("none of 2 models answered: `strong`: "), "{error}");
    assert_eq!(error.kind(), ErrorKind::Throttled);
    tokio::time::advance(error.retry_after().unwrap()).await;
    assert_eq!(text(&model, "a fourth").await.unwrap(), "strong");
}

/// A limit outside a cache counts what the cache answers as a request, and as no tokens.
#[tokio::test(start_paused = true)]
async fn a_limit_around_a_cache() {
    let limit = RateLimit::builder().tokens_per_minute(6_000).expected_output_tokens(2_999);
    let scripted = ScriptedModel::new([Reply::text("Hi.").using(Usage::new(3_000, 0))]);
    let model = RateLimitedModel::new(CachedModel::new(scripted), &limit.build().unwrap());
    let began = Instant::now();
    for _ in 0..20 {
        text(&model, "?").await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// Agents that work at once share a combined model.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_agents_at_once() {
    let failing = ScriptedModel::new((0..200).map(|number| match number % 3 {
        0 => Reply::error(ErrorKind::Unavailable, "away"),
        _ => Reply::text("first"),
    }));
    let spare = ScriptedModel::new(std::iter::repeat_n(Reply::text("spare"), 200));
    let limit = RateLimit::builder().requests_per_minute(60_000).build().unwrap();
    let model = RateLimitedModel::new(FallbackModel::new(failing).or(spare), &limit);
    let model = CachedModel::new(model);
    let agents = (0..60).map(|number| {
        let model = model.clone();
        tokio::spawn(async move {
            let builder = Agent::builder().model(model).no_callback_handler();
            let mut agent = builder.build().await.unwrap();
            // Some ask the same.
            agent.invoke(format!("question {}", number % 40)).await.unwrap().text()
        })
    });
    for agent in agents.collect::<Vec<_>>() {
        let said = agent.await.unwrap();
        assert!(said == "first" || said == "spare", "{said}");
    }
}
