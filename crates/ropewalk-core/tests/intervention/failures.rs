//! Policies that can't judge.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestTool, echo, last_results};

/// The ways in which a policy fails before a tool call, and what is said of each.
fn failing() -> [(Policy, &'static str); 6] {
    let policy = || Policy::named("p");
    [
        (
            policy().before_tool_call(|_: &BeforeToolCallEvent| -> VerdictResult<_> {
                Err("no connection".into())
            }),
            "no connection",
        ),
        (
            policy().before_tool_call(async |_: &BeforeToolCallEvent| {
                tokio::task::yield_now().await;
                Err::<Verdict<_>, _>(std::io::Error::other("no file"))
            }),
            "no file",
        ),
        (
            policy().before_tool_call(|_: &BeforeToolCallEvent| -> Verdict<_> { panic!("ouch") }),
            "panicked: ouch",
        ),
        (
            policy().before_tool_call(async |_: &BeforeToolCallEvent| -> Verdict<_> {
                tokio::task::yield_now().await;
                panic!("late")
            }),
            "panicked: late",
        ),
        (
            policy().timeout(Duration::from_millis(5)).before_tool_call(
                async |_: &BeforeToolCallEvent| -> Verdict<_> { std::future::pending().await },
            ),
            "it took longer than 5ms",
        ),
        (
            policy().before_tool_call(|_: &BeforeToolCallEvent| {
                Verdict::transform(|_: &mut BeforeToolCallEvent| -> HookResult {
                    panic!("half done")
                })
            }),
            "panicked: half done",
        ),
    ]
}

async fn agent(policies: Vec<Policy>) -> (Agent, TestTool) {
    let a = echo("a");
    let agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]))
        .tools([a.clone()])
        .hooks([Interventions::new(policies).unwrap()])
        .build()
        .await
        .unwrap();
    (agent, a)
}

fn counting() -> (Policy, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let policy = Policy::named("next").before_tool_call(move |_: &BeforeToolCallEvent| {
        counter.fetch_add(1, Ordering::SeqCst);
        Verdict::proceed()
    });
    (policy, asked)
}

#[tokio::test]
async fn the_step_stops_unless_told_otherwise() {
    for (policy, why) in failing() {
        let (next, asked) = counting();
        let (mut agent, a) = agent(vec![policy, next]).await;
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hook);
        let text = error.to_string();
        let place = format!("intervention `p` failed at before_tool_call: {why}");
        assert!(text.contains(&place), "{text}");
        assert_eq!((a.count(), asked.load(Ordering::SeqCst)), (0, 0));
    }
}

#[tokio::test]
async fn it_counts_as_a_denial_where_told_so_and_the_model_is_not_told_why() {
    for (policy, _) in failing() {
        let (next, asked) = counting();
        let (mut agent, a) = agent(vec![policy.on_error(OnError::Deny), next]).await;
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
        assert_eq!(last_results(&agent.messages()), ["DENIED: `p` could not decide"]);
        assert_eq!((a.count(), asked.load(Ordering::SeqCst)), (0, 0));
    }
}

#[tokio::test]
async fn it_counts_as_nothing_where_told_so() {
    for (policy, _) in failing() {
        let (next, asked) = counting();
        let (mut agent, a) = agent(vec![policy.on_error(OnError::Proceed), next]).await;
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
        assert_eq!((a.count(), asked.load(Ordering::SeqCst)), (1, 1));
    }
}

#[tokio::test]
async fn a_guard_that_fails_lets_nothing_through() {
    for on_error in [OnError::Stop, OnError::Deny] {
        let policy = Policy::named("p").on_error(on_error).guard_tool_call(
            |_: &ToolCallGuardEvent| -> VerdictResult<_> { Err("no connection".into()) },
        );
        let (mut agent, a) = agent(vec![policy]).await;
        let result = agent.invoke("q").await;
        assert_eq!(result.is_err(), on_error == OnError::Stop);
        assert_eq!(a.count(), 0);
    }
}

#[tokio::test]
async fn what_can_not_be_denied_any_more_stops() {
    let policy = Policy::named("p").on_error(OnError::Deny).after_tool_call(
        |_: &AfterToolCallEvent| -> VerdictResult<_> { Err("no connection".into()) },
    );
    let (mut agent, _) = agent(vec![policy]).await;
    let text = agent.invoke("q").await.unwrap_err().to_string();
    assert!(text.contains("intervention `p` failed at after_tool_call: no connection"), "{text}");
}

#[tokio::test]
async fn a_type_says_how_it_fails() {
    struct Slow;
    impl Intervention for Slow {
        fn name(&self) -> &str {
            "slow"
        }
        fn on_error(&self) -> OnError {
            OnError::Deny
        }
        fn timeout(&self) -> Duration {
            Duration::from_millis(5)
        }
        async fn before_tool_call(
            &self,
            _: &BeforeToolCallEvent,
        ) -> VerdictResult<BeforeToolCallEvent> {
            std::future::pending().await
        }
    }
    let (mut agent, a) = agent(vec![Slow.into()]).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["DENIED: `slow` could not decide"]);
    assert_eq!(a.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_take_longer_than_other_callbacks_if_it_says_so() {
    let slow = |name: &str| {
        Policy::named(name).before_tool_call(async |_: &BeforeToolCallEvent| -> Verdict<_> {
            tokio::time::sleep(Duration::from_secs(100)).await;
            Verdict::proceed()
        })
    };
    let patient = slow("p").timeout(Duration::from_secs(200));
    let (mut patient, a) = agent(vec![patient]).await;
    patient.invoke("q").await.unwrap();
    assert_eq!(a.count(), 1);

    let (mut hasty, a) = agent(vec![slow("p")]).await;
    let text = hasty.invoke("q").await.unwrap_err().to_string();
    assert!(text.contains("it took longer than 30s"), "{text}");
    assert_eq!(a.count(), 0);
}
