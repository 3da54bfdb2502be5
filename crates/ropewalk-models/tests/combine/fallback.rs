//! One model in the place of another.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::{
    Agent, AgentEvent, Error, ErrorKind, Message, Metrics, Model, ModelChunk, NativeOutput, Prompt,
    RetryStrategy, StopReason, Transcript, Usage,
};
use ropewalk_models::FallbackModel;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::{Instant, advance};

use crate::support::{Warnings, ask, away, collect, extra, text, turn, usage};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_next_one_answers_and_a_warning_says_so() {
    let warnings = Warnings::listen();
    let first = ScriptedModel::new([Reply::error(ErrorKind::Throttled, "slow down")]);
    let second = ScriptedModel::new([Reply::text("Good day.")]);
    let model =
        FallbackModel::new(first.clone().with_id("first")).or(second.clone().with_id("second"));

    let (chunks, error) = collect(&model, ask("Hello!")).await;
    assert!(error.is_none());
    assert_eq!(extra(&chunks), json!({"answeredBy": "second"}));
    assert_eq!(usage(&chunks), Usage::new(10, 2));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    let warnings = warnings.all();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("first") && warnings[0].contains("`second` takes over: slow down")
    );
}

#[tokio::test]
async fn the_first_one_is_enough_if_it_answers() {
    let second = ScriptedModel::new([]);
    let model = FallbackModel::new(ScriptedModel::new([Reply::text("Hi.")])).or(second.clone());
    assert_eq!(text(&model, "?").await.unwrap(), "Hi.");
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn what_only_announces_an_answer_is_thrown_away() {
    let pings = ModelChunk::Unknown(json!({"ping": {}}).as_object().unwrap().clone());
    let begun = Reply::chunks([
        ModelChunk::message_start(),
        pings,
        ModelChunk::block_start(),
        ModelChunk::text_delta(""),
        ModelChunk::reasoning_delta(""),
    ]);
    let first = ScriptedModel::new([begun.failing_after(5, ErrorKind::Unavailable, "gone")]);
    let model = FallbackModel::new(first).or(ScriptedModel::new([Reply::text("Hi.")]));
    let (chunks, error) = collect(&model, ask("?")).await;
    assert!(error.is_none());
    let starts = chunks.iter().filter(|it| matches!(it, ModelChunk::MessageStart(_))).count();
    assert_eq!((starts, chunks.len()), (1, 6), "{chunks:?}");
}

#[tokio::test]
async fn users_15_20_what_was_given_out_is_never_said_twice() {
    let text = Reply::text("one two three");
    let call = Reply::tool("add", json!({"a": 1}));
    // The first word; the start of a call, which is told apart by its name and id.
    for (reply, given) in [(text, 3), (call, 2)] {
        let first =
            ScriptedModel::new([reply.failing_after(given, ErrorKind::Unavailable, "gone")]);
        let second = ScriptedModel::new([Reply::text("one two three")]);
        let model = FallbackModel::new(first).or(second.clone());
        let (chunks, error) = collect(&model, ask("?")).await;
        assert_eq!(chunks.len(), given);
        assert_eq!(error.unwrap().to_string(), "gone");
        assert!(second.requests().is_empty());
    }
}

#[tokio::test]
async fn a_stream_that_just_ends_has_failed() {
    let ended = || Reply::text("one two").breaking_off_after(2);
    let first = ScriptedModel::new([ended()]);
    let model = FallbackModel::new(first).or(ScriptedModel::new([Reply::text("Hi.")]));
    assert_eq!(text(&model, "?").await.unwrap(), "Hi.");

    let model = FallbackModel::new(ScriptedModel::new([ended()]));
    let error = text(&model, "?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("`scripted` ended before"), "{error}");

    // In the middle of the answer.
    let first = ScriptedModel::new([Reply::text("one two").breaking_off_after(4)]);
    let (chunks, error) = collect(&FallbackModel::new(first), ask("?")).await;
    assert_eq!((chunks.len(), error.unwrap().kind()), (4, ErrorKind::Unavailable));
}

#[tokio::test]
async fn only_the_chosen_errors_lead_on() {
    use ErrorKind::*;
    let asks_second = async |kind, model: fn(FallbackModel) -> FallbackModel| {
        let second = ScriptedModel::new([Reply::text("Hi.")]);
        let first = ScriptedModel::new([Reply::error(kind, "no")]);
        let _ = text(&model(FallbackModel::new(first).or(second.clone())), "?").await;
        second.requests().len() == 1
    };
    for kind in [Throttled, Unavailable, Timeout] {
        assert!(asks_second(kind, |it| it).await, "{kind:?}");
    }
    for kind in [ContextOverflow, Authentication, InvalidRequest, Malformed, Cancelled, Other] {
        assert!(!asks_second(kind, |it| it).await, "{kind:?}");
    }
    assert!(asks_second(Authentication, |it| it.on([Authentication])).await);
    assert!(!asks_second(Throttled, |it| it.on([Authentication])).await);
    assert!(asks_second(Other, |it| it.on_if(|error| error.to_string() == "no")).await);
    // Whoever cancelled wants no answer.
    assert!(!asks_second(Cancelled, |it| it.on([Cancelled])).await);
    assert!(!asks_second(Cancelled, |it| it.on_if(|_| true)).await);
}

#[tokio::test]
async fn the_error_tells_all_failures() {
    let failing = |kind, said: &str| ScriptedModel::new([Reply::error(kind, said)]);
    let model = FallbackModel::new(failing(ErrorKind::Throttled, "slow down").with_id("a"))
        .or(failing(ErrorKind::Timeout, "too late").with_id("b"))
        .or(failing(ErrorKind::Unavailable, "away").with_id("c"));
    let error = text(&model, "?").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "none of 3 models answered: `a`: slow down; `b`: too late; `c`: away"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.downcast_ref::<Error>().unwrap().kind(), ErrorKind::Throttled);
    // One that is alone speaks for itself.
    let model = FallbackModel::new(failing(ErrorKind::Throttled, "slow down"));
    assert_eq!(text(&model, "?").await.unwrap_err().to_string(), "slow down");
}

#[tokio::test]
async fn a_last_one_that_can_never_answer_does_not_end_all_hope() {
    let failing = |reply| ScriptedModel::new([reply]);
    let throttled = |wait| Reply::error(ErrorKind::Throttled, "slow down").retry_after(wait);
    let of = async |first, last| {
        let model = FallbackModel::new(failing(first)).or(failing(last));
        text(&model, "?").await.unwrap_err()
    };
    let error = of(throttled(SECOND), Reply::error(ErrorKind::Authentication, "wrong key")).await;
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(SECOND)));
    // A conversation that is too long can be made shorter.
    let error = of(throttled(SECOND), Reply::error(ErrorKind::ContextOverflow, "long")).await;
    assert_eq!(error.kind(), ErrorKind::ContextOverflow);
    // They are asked again together: when the first of them is free, or as soon as one may be.
    let error = of(throttled(3 * SECOND), throttled(2 * SECOND)).await;
    assert_eq!(error.retry_after(), Some(2 * SECOND));
    assert_eq!(of(throttled(SECOND), away()).await.retry_after(), None);
}

#[tokio::test(start_paused = true)]
async fn it_sticks_to_the_one_that_works_for_a_time() {
    let first = ScriptedModel::new([away(), Reply::text("first")]);
    let second = ScriptedModel::new(["1", "2", "3"].map(Reply::text));
    let model =
        FallbackModel::new(first.clone()).or(second.clone()).stick_for(Duration::from_secs(60));
    assert_eq!(text(&model, "?").await.unwrap(), "1");
    advance(Duration::from_secs(59)).await;
    // Clones know it too.
    assert_eq!(text(&model.clone(), "?").await.unwrap(), "2");
    assert_eq!(first.requests().len(), 1);
    advance(SECOND).await;
    assert_eq!(text(&model, "?").await.unwrap(), "first");
    assert_eq!(text(&model, "?").await.unwrap_err().kind(), ErrorKind::Other, "the script is over");
    assert_eq!(second.requests().len(), 2);
}

#[tokio::test]
async fn it_may_stick_for_ever() {
    let first = ScriptedModel::new([away()]);
    let second = ScriptedModel::new(["1", "2"].map(Reply::text));
    let model = FallbackModel::new(first).or(second).stick_for(Duration::MAX);
    assert_eq!(text(&model, "?").await.unwrap(), "1");
    assert_eq!(text(&model, "?").await.unwrap(), "2");
}

#[tokio::test(start_paused = true)]
async fn the_one_it_sticks_to_may_fail_too() {
    let first = ScriptedModel::new([away(), Reply::text("first"), Reply::text("again")]);
    let second = ScriptedModel::new([Reply::text("second"), away()]);
    let model = FallbackModel::new(first).or(second).stick_for(Duration::from_secs(60));
    assert_eq!(text(&model, "?").await.unwrap(), "second");
    assert_eq!(text(&model, "?").await.unwrap(), "first");
    assert_eq!(text(&model, "?").await.unwrap(), "again");
}

#[tokio::test(start_paused = true)]
async fn one_that_says_nothing_is_given_up_if_another_is_left() {
    let silent = || ScriptedModel::new([Reply::text("one two").silent_after(2)]);
    let first = silent();
    let model = FallbackModel::new(first.clone())
        .or(ScriptedModel::new([Reply::text("Hi.")]))
        .patience(5 * SECOND);
    let began = Instant::now();
    assert_eq!(text(&model, "?").await.unwrap(), "Hi.");
    assert_eq!(began.elapsed().as_secs(), 5);
    // What runs apart from its stream is told to stop.
    assert!(first.requests()[0].cancel.is_cancelled());

    // The last one is waited for, and so is one that has begun.
    let begun = ScriptedModel::new([Reply::text("one two").silent_after(3)]);
    for model in [FallbackModel::new(silent()), FallbackModel::new(begun).or(silent())] {
        let model = model.patience(SECOND);
        let waited = tokio::time::timeout(60 * SECOND, collect(&model, ask("?"))).await;
        assert!(waited.is_err());
    }
}

#[tokio::test]
async fn a_cancelled_call_goes_nowhere() {
    let (first, second) = (ScriptedModel::new([away()]), ScriptedModel::new([]));
    let model = FallbackModel::new(first).or(second.clone());
    let request = ask("?");
    request.cancel.cancel();
    let (chunks, error) = collect(&model, request).await;
    assert!(chunks.is_empty() && error.is_some() && second.requests().is_empty());
}

#[tokio::test]
async fn what_failed_models_used_counts() {
    let spent = |input| {
        Reply::chunks([
            ModelChunk::message_start(),
            ModelChunk::metadata(Usage::new(input, 0), Metrics::default()),
        ])
        .failing_after(2, ErrorKind::Unavailable, "gone")
    };
    let failing = |input| ScriptedModel::new([spent(input)]);
    let model =
        FallbackModel::new(failing(7)).or(failing(5)).or(ScriptedModel::new([Reply::text("Hi.")]));
    assert_eq!(turn(&model, ask("?")).await.unwrap().usage, Usage::new(22, 1));

    // Also if the one that answers says nothing of it, or none does.
    let mute = Reply::chunks([
        ModelChunk::message_start(),
        ModelChunk::text_delta("Hi."),
        ModelChunk::message_stop(StopReason::EndTurn),
    ]);
    let model = FallbackModel::new(failing(7)).or(ScriptedModel::new([mute]));
    assert_eq!(turn(&model, ask("?")).await.unwrap().usage, Usage::new(7, 0));
    let (chunks, error) = collect(&FallbackModel::new(failing(7)).or(failing(5)), ask("?")).await;
    assert!(error.is_some());
    assert_eq!(usage(&chunks), Usage::new(12, 0));
}

#[tokio::test]
async fn it_says_of_itself_what_holds_for_all() {
    let of = |window, output| ScriptedModel::new([]).with_window(window).with_native_output(output);
    let large = || of(1_000, NativeOutput::WithTools);
    let small = || of(10, NativeOutput::WithoutTools);
    let shared: Arc<dyn Model> = Arc::new(ScriptedModel::new([]).with_id("shared"));
    let model = FallbackModel::new(large()).or(small());
    assert_eq!(model.id(), "fallback(scripted, scripted)");
    assert_eq!(model.context_limit(), Some(10));
    assert_eq!(model.native_output(), NativeOutput::WithoutTools);
    let model = model.or(Arc::clone(&shared));
    assert_eq!(model.id(), "fallback(scripted, scripted, shared)");
    assert_eq!(model.native_output(), NativeOutput::No);
    let model = model.named("anybody").or(shared);
    assert_eq!(model.id(), "anybody");
    assert_eq!(FallbackModel::new(ScriptedModel::new([]).with_id("a")).context_limit(), None);
    assert!(format!("{model:?}").contains("shared"));
}

/// The agent's retries stand above: what was streamed of an answer that failed is taken back, and all models are asked
/// anew.
#[tokio::test(start_paused = true)]
async fn in_an_agent_an_answer_that_broke_off_is_taken_back_once() {
    let first = ScriptedModel::new([
        Reply::text("one two three").failing_after(4, ErrorKind::Unavailable, "gone"),
        away(),
    ]);
    let second = ScriptedModel::new([Reply::text("one two three")]);
    let mut agent = Agent::builder()
        .model(FallbackModel::new(first).or(second))
        .retry_strategy(RetryStrategy::default().max_attempts(2))
        .no_callback_handler()
        .build()
        .await
        .unwrap();
    let (mut said, mut taken_back) = (String::new(), 0);
    let mut events = agent.stream(Prompt::from("?"));
    while let Some(event) = events.next().await {
        match event.unwrap() {
            AgentEvent::Text(text) => said.push_str(&text),
            AgentEvent::Rollback { .. } => {
                said.clear();
                taken_back += 1;
            }
            _ => {}
        }
    }
    drop(events);
    assert_eq!((said.as_str(), taken_back), ("one two three", 1));
    let kept: Vec<Message> = agent.messages().iter().map(|message| (**message).clone()).collect();
    assert_eq!(Transcript::from_messages(kept).unwrap().len(), 2);
}
