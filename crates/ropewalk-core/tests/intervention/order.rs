//! Several policies at one stage.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, last_results};

type ToolVerdict = Verdict<BeforeToolCallEvent>;

fn policy(name: &str, verdict: impl Fn() -> ToolVerdict + Send + Sync + 'static) -> Policy {
    Policy::named(name).before_tool_call(move |_: &BeforeToolCallEvent| verdict())
}

async fn told(policies: Vec<Policy>) -> Vec<String> {
    let mut agent = Agent::builder()
        .model(ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]))
        .tools([echo("a")])
        .hooks([Interventions::new(policies).unwrap()])
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::EndTurn);
    last_results(&agent.messages())
}

#[tokio::test]
async fn the_first_denial_wins_and_nobody_else_is_asked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let count = move |_: &BeforeToolCallEvent| {
        counter.fetch_add(1, Ordering::SeqCst);
        Verdict::proceed()
    };
    let told = told(vec![
        Policy::named("before").before_tool_call(count.clone()),
        policy("first", || Verdict::deny("one")),
        policy("second", || Verdict::deny("two")),
        Policy::named("after").before_tool_call(count),
    ])
    .await;
    assert_eq!(told, ["DENIED: one"]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn guidance_of_all_is_put_together_in_the_order_of_the_list() {
    let told = told(vec![
        policy("b", || Verdict::guide("shorter")),
        policy("quiet", Verdict::proceed),
        policy("a", || Verdict::guide("in English")),
    ])
    .await;
    assert_eq!(told, ["GUIDANCE: [b] shorter\n[a] in English"]);
}

#[tokio::test]
async fn a_denial_goes_before_the_guidance_of_others() {
    let told = told(vec![
        policy("a", || Verdict::guide("shorter")),
        policy("b", || Verdict::deny("never")),
        policy("c", || Verdict::guide("later")),
    ])
    .await;
    assert_eq!(told, ["DENIED: never"]);
}

#[tokio::test]
async fn nobody_is_asked_about_a_call_that_guidance_has_stopped() {
    let told = told(vec![
        policy("a", || Verdict::guide("use `b`")),
        policy("b", || Verdict::confirm("May it?")),
    ])
    .await;
    assert_eq!(told, ["GUIDANCE: [a] use `b`"]);
}

#[test]
fn names_must_be_there_and_be_unique() {
    let error = Interventions::new([Policy::named("x"), Policy::named("y"), Policy::named("x")])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("two interventions are named `x`"), "{error}");
    let error = Interventions::new([Policy::named(" ")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let both = Interventions::new([Policy::named("x"), Policy::named("y")]).unwrap();
    assert_eq!(both.names().collect::<Vec<_>>(), ["x", "y"]);
}
