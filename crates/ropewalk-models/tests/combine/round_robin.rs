//! Models in turn.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::{ErrorKind, Model, NativeOutput};
use ropewalk_models::RoundRobinModel;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::time::advance;

use crate::support::{ask, away, collect, extra, text};

const SECOND: Duration = Duration::from_secs(1);

/// A model that says its name as often as it is asked.
fn speaker(name: &str) -> ScriptedModel {
    ScriptedModel::new(std::iter::repeat_n(Reply::text(name), 50))
}

async fn order(model: &RoundRobinModel, calls: usize) -> String {
    let mut order = Vec::new();
    for _ in 0..calls {
        order.push(text(model, "?").await.unwrap());
    }
    order.join("")
}

#[tokio::test]
async fn each_has_its_turn() {
    let model = RoundRobinModel::new().with(speaker("a")).with(speaker("b")).with(speaker("c"));
    assert_eq!(order(&model, 7).await, "abcabca");
    // Clones go on where the others are.
    assert_eq!(order(&model.clone(), 2).await, "bc");
}

#[tokio::test]
async fn turns_by_weight_lie_apart() {
    let model = RoundRobinModel::new()
        .weighted(3, speaker("a"))
        .with(speaker("b"))
        .weighted(0, speaker("never"));
    assert_eq!(order(&model, 8).await, "abaaabaa");
    let model = RoundRobinModel::new().weighted(0, speaker("a")).weighted(0, speaker("b"));
    assert_eq!(order(&model, 2).await, "ab", "there is nobody else");
}

#[tokio::test(start_paused = true)]
async fn one_that_failed_rests_and_another_one_answers() {
    let failing = ScriptedModel::new([away(), Reply::text("b"), Reply::text("b")]);
    let model = RoundRobinModel::new().with(speaker("a")).with(failing.clone()).with(speaker("c"));
    assert_eq!(order(&model, 2).await, "ac", "the second call goes on to `c`");
    assert_eq!(order(&model, 4).await, "acac");
    assert_eq!(failing.requests().len(), 1);
    advance(29 * SECOND).await;
    assert_eq!(order(&model, 2).await, "ac");
    advance(SECOND).await;
    // It does not get all the turns that it missed.
    assert_eq!(order(&model, 3).await.matches('b').count(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_rests_as_long_as_its_provider_asks() {
    let busy = Reply::error(ErrorKind::Throttled, "busy").retry_after(90 * SECOND);
    let model = RoundRobinModel::new()
        .with(ScriptedModel::new([busy, Reply::text("a")]))
        .with(speaker("b"))
        .cool_down(SECOND);
    assert_eq!(order(&model, 1).await, "b");
    advance(89 * SECOND).await;
    assert_eq!(order(&model, 3).await, "bbb");
    advance(SECOND).await;
    assert_eq!(order(&model, 2).await.matches('a').count(), 1);
}

#[tokio::test(start_paused = true)]
async fn if_all_rest_the_first_that_will_be_free_is_asked() {
    let busy = |wait: u32| Reply::error(ErrorKind::Throttled, "busy").retry_after(wait * SECOND);
    let later = ScriptedModel::new([busy(50), Reply::text("later"), Reply::text("later")]);
    let sooner = ScriptedModel::new([busy(40), busy(60), Reply::text("sooner")]);
    let model = RoundRobinModel::new().with(later.clone()).with(sooner.clone());

    let error = text(&model, "?").await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(40 * SECOND)));
    assert!(error.to_string().starts_with("none of 2 models answered"), "{error}");
    // It is asked, alone, and rests for longer after that.
    assert_eq!(text(&model, "?").await.unwrap_err().retry_after(), Some(60 * SECOND));
    assert_eq!((later.requests().len(), sooner.requests().len()), (1, 2));
    // One that answers although it rests is well.
    assert_eq!(order(&model, 2).await, "laterlater");
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_mid_answer_is_a_failure_too() {
    let broken = Reply::text("a a a").failing_after(3, ErrorKind::Unavailable, "gone");
    let first = ScriptedModel::new([broken]);
    let model = RoundRobinModel::new().with(first.clone()).with(speaker("b"));
    let (chunks, error) = collect(&model, ask("?")).await;
    assert_eq!((chunks.len(), error.unwrap().to_string()), (3, "gone".to_owned()));
    assert_eq!(order(&model, 3).await, "bbb");
    assert_eq!(first.requests().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_no_fault_of_the_model() {
    let refusing = || ScriptedModel::new([Reply::error(ErrorKind::InvalidRequest, "no")]);
    let second = speaker("b");
    let model = RoundRobinModel::new().with(refusing()).with(second.clone());
    assert_eq!(text(&model, "?").await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert!(second.requests().is_empty());
    let model =
        RoundRobinModel::new().with(refusing()).with(second).on([ErrorKind::InvalidRequest]);
    assert_eq!(text(&model, "?").await.unwrap(), "b");
}

#[tokio::test]
async fn without_models_a_call_fails() {
    let error = text(&RoundRobinModel::new(), "?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn it_says_of_itself_what_holds_for_all() {
    let large = ScriptedModel::new([]).with_window(100).with_native_output(NativeOutput::WithTools);
    let small = large.clone().with_window(10);
    let model = RoundRobinModel::new().with(large).with(small);
    assert_eq!(model.id(), "round_robin(scripted, scripted)");
    assert_eq!(model.context_limit(), Some(10));
    assert_eq!(model.native_output(), NativeOutput::WithTools);
    assert_eq!(model.named("keys").id(), "keys");

    let model = RoundRobinModel::new().with(speaker("Hi.").with_id("a"));
    let (chunks, _) = collect(&model, ask("?")).await;
    assert_eq!(extra(&chunks), json!({"answeredBy": "a"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_once_share_the_turns() {
    let models = ["a", "b", "c"].map(speaker);
    let all = models.iter().cloned().fold(RoundRobinModel::new(), |all, model| all.with(model));
    let all = Arc::new(all);
    let calls = (0..90).map(|_| {
        let all = Arc::clone(&all);
        tokio::spawn(async move { text(&*all, "?").await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(models.map(|model| model.requests().len()), [30, 30, 30]);
}
