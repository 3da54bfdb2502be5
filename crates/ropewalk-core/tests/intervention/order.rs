//! Several policies at one stage.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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
        .no_callback_handler()
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

#[tokio::test]
async fn they_stand_behind_hooks_before_a_step_and_before_hooks_after_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let seen = Arc::clone(&seen);
        move || seen.lock().unwrap().push(what)
    };
    let (policy_before, policy_after) = (note("policy before"), note("policy after"));
    let (hook_before, hook_after) = (note("hook before"), note("hook after"));
    let policy = Policy::named("p")
        .before_tool_call(move |_: &BeforeToolCallEvent| {
            policy_before();
            Verdict::proceed()
        })
        .after_tool_call(move |_: &AfterToolCallEvent| {
            policy_after();
            Verdict::proceed()
        });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]))
        .tools([echo("a")])
        .hooks([Interventions::new([policy]).unwrap()])
        .hook(move |_: &BeforeToolCallEvent| hook_before())
        .hook(move |_: &AfterToolCallEvent| hook_after())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let order = ["hook before", "policy before", "policy after", "hook after"];
    assert_eq!(*seen.lock().unwrap(), order);
}

#[tokio::test]
async fn a_guard_judges_what_the_last_hook_made_of_the_arguments() {
    let guard = Policy::named("guard").guard_tool_call(|event: &ToolCallGuardEvent| {
        match event.tool_use().input["path"].as_str() {
            Some(path) if path.starts_with('/') => Verdict::deny(format!("not `{path}`")),
            _ => Verdict::proceed(),
        }
    });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::tool("a", json!({"path": "x"})), Reply::text("done")]))
        .tools([echo("a")])
        .hooks([Interventions::new([guard]).unwrap()])
        .hook(
            callback(|event: &mut BeforeToolCallEvent| event.set_input(json!({"path": "/etc"})))
                .order(order::SDK_LAST),
        )
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["DENIED: not `/etc`"]);
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
