//! What stands in the record of decisions.

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestTool, echo};

type Log = Arc<Mutex<Vec<DecisionRecord>>>;

async fn agent(policies: Vec<Policy>) -> (Agent, TestTool, Log) {
    let (a, log) = (echo("a"), Log::default());
    let entries = Arc::clone(&log);
    let agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")]))
        .tools([a.clone()])
        .hooks([Interventions::new(policies).unwrap()])
        .hook(move |event: &DecisionEvent| entries.lock().unwrap().push(event.decision().clone()))
        .build()
        .await
        .unwrap();
    (agent, a, log)
}

/// Handler, event, verdict and reason of each.
fn lines(log: &Log) -> Vec<String> {
    let line = |decision: &DecisionRecord| {
        let DecisionRecord { handler, event, verdict, .. } = decision;
        let reason = decision.reason.as_deref().unwrap_or("-");
        format!("{handler} {event} {verdict} {reason}")
    };
    log.lock().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn nothing_is_there_of_a_stage_that_a_type_does_not_write() {
    struct Guard;
    impl Intervention for Guard {
        fn name(&self) -> &str {
            "guard"
        }
        async fn guard_tool_call(
            &self,
            _: &ToolCallGuardEvent,
        ) -> VerdictResult<ToolCallGuardEvent> {
            Ok(Verdict::proceed())
        }
    }
    let (mut agent, a, log) = agent(vec![Policy::from(Guard)]).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(a.count(), 1);
    assert_eq!(lines(&log), ["guard ToolCallGuardEvent proceed -"]);
}

#[tokio::test]
async fn every_verdict_of_every_stage_is_there_with_its_call() {
    let all = Policy::named("all")
        .before_invocation(|_: &BeforeInvocationEvent| Verdict::proceed().with_reason("a friend"))
        .before_model_call(|event: &BeforeModelCallEvent| {
            if event.agent().messages().len() == 1 {
                Verdict::guide("be brief")
            } else {
                Verdict::proceed()
            }
        })
        .after_model_call(|_: &AfterModelCallEvent| Verdict::proceed())
        .before_tool_call(|_: &BeforeToolCallEvent| {
            Verdict::transform(|event: &mut BeforeToolCallEvent| event.set_input(json!({"n": 2})))
        })
        .guard_tool_call(|_: &ToolCallGuardEvent| Verdict::deny("never").with_rule("rule 1"))
        .after_tool_call(|_: &AfterToolCallEvent| Verdict::proceed());
    let silent =
        Policy::named("silent").guard_tool_call(|_: &ToolCallGuardEvent| Verdict::proceed());
    let (mut agent, a, log) = agent(vec![all, silent]).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(a.count(), 0);
    assert_eq!(
        lines(&log),
        [
            "all BeforeInvocationEvent proceed a friend",
            "all BeforeModelCallEvent guide be brief",
            "all AfterModelCallEvent proceed -",
            "all BeforeToolCallEvent transform -",
            "all ToolCallGuardEvent deny never",
            "all AfterToolCallEvent proceed -",
            "all BeforeModelCallEvent proceed -",
            "all AfterModelCallEvent proceed -",
        ]
    );
    let log = log.lock().unwrap();
    assert_eq!(log[2].tool_use_id, None);
    // What was judged before the change, and what after it.
    assert_eq!(log[3].input_hash, Some(input_hash(&json!({"n": 1}))));
    assert_eq!(log[4].input_hash, Some(input_hash(&json!({"n": 2}))));
    assert_eq!(log[4].tool.as_deref(), Some("a"));
    assert!(log[4].tool_use_id.is_some());
    assert_eq!(log[4].rule.as_deref(), Some("rule 1"));
}

#[tokio::test]
async fn a_question_and_its_answer_are_there_with_who_answered() {
    for (answer, verdict) in [(true, "approve"), (false, "deny")] {
        let policy = Policy::named("p")
            .guard_tool_call(|_: &ToolCallGuardEvent| Verdict::confirm("May it?"));
        let (mut agent, _, log) = agent(vec![policy]).await;
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(lines(&log), ["p ToolCallGuardEvent confirm May it?"]);
        let answer = result.interrupts().unwrap()[0].answer(answer);
        agent.invocation(answer).answered_by("ann").await.unwrap();
        let last = log.lock().unwrap().last().cloned().unwrap();
        assert_eq!((last.verdict.as_str(), last.by.as_deref()), (verdict, Some("ann")));
        assert_eq!(last.reason.as_deref(), Some("May it?"));
    }
}

#[tokio::test]
async fn a_failure_is_there_with_what_followed() {
    let table = [
        (OnError::Stop, "deny", true),
        (OnError::Deny, "deny", false),
        (OnError::Proceed, "proceed", false),
    ];
    for (on_error, verdict, stops) in table {
        let policy = Policy::named("p").on_error(on_error).guard_tool_call(
            |_: &ToolCallGuardEvent| -> VerdictResult<_> { Err("no connection".into()) },
        );
        let (mut agent, _, log) = agent(vec![policy]).await;
        assert_eq!(agent.invoke("q").await.is_err(), stops);
        let why = "intervention `p` failed at guard_tool_call: no connection";
        assert_eq!(lines(&log), [format!("p ToolCallGuardEvent {verdict} {why}")]);
    }
}

#[tokio::test]
async fn a_log_that_can_not_write_stops_what_was_allowed() {
    let a = echo("a");
    let policy = Policy::named("p").guard_tool_call(|_: &ToolCallGuardEvent| Verdict::proceed());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]))
        .tools([a.clone()])
        .hooks([Interventions::new([policy]).unwrap()])
        .hook(|_: &mut DecisionEvent| -> HookResult { Err("the disk is full".into()) })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert_eq!(a.count(), 0);
}
