//! Policies over an agent.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_cedar::{CedarPolicy, Principal};
use ropewalk_core::{
    Agent, BeforeToolCallEvent, BoxError, BoxFuture, DecisionEvent, DecisionRecord, Interventions,
    StopReason, Tool, ToolContext, ToolOutput, ToolResult, ToolSpec,
};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

struct Refund(ToolSpec);

impl Tool for Refund {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: Value, _: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async { Ok(ToolOutput::text("paid back")) })
    }
}

fn shop() -> CedarPolicy {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    CedarPolicy::from_dir(folder).unwrap()
}

/// An agent that pays back so much, and its record of decisions.
async fn agent(policy: CedarPolicy, cents: Value) -> (Agent, Arc<Mutex<Vec<DecisionRecord>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let entries = Arc::clone(&log);
    let call = Reply::tool("refund", json!({"order": "o", "cents": cents}));
    let agent = Agent::builder()
        .no_callback_handler()
        .name("clerk")
        .model(ScriptedModel::new([call, Reply::text("done")]))
        .tools([Refund(ToolSpec::new("refund", "pays back", json!({"type": "object"})))])
        .hooks([Interventions::new([policy]).unwrap()])
        .hook(move |event: &DecisionEvent| entries.lock().unwrap().push(event.decision().clone()))
        .build()
        .await
        .unwrap();
    (agent, log)
}

fn result(agent: &Agent) -> String {
    let messages = agent.messages();
    let results = messages.iter().flat_map(|message| message.results().map(ToolResult::text));
    results.collect()
}

#[tokio::test]
async fn who_may_may_and_the_record_says_by_which_policy() {
    let (mut agent, log) = agent(shop(), json!(100)).await;
    agent.invocation("q").state("principal", "ann").await.unwrap();
    assert_eq!(result(&agent), "paid back");
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].handler.as_str(), log[0].verdict.as_str()), ("cedar", "proceed"));
    assert_eq!(log[0].rule.as_deref(), Some("small refunds"));
}

#[tokio::test]
async fn who_may_not_is_told_why() {
    for state in [json!("bob"), json!({"type": "Agent", "id": "ann"})] {
        let (mut agent, _) = agent(shop(), json!(100)).await;
        agent.invocation("q").state("principal", state).await.unwrap();
        assert_eq!(result(&agent), "DENIED: no policy permits `refund` with these arguments");
    }
    // Nobody said who it is: it is the agent itself.
    let (mut agent, _) = agent(shop(), json!(100)).await;
    agent.invoke("q").await.unwrap();
    assert_eq!(result(&agent), "DENIED: no policy permits `refund` with these arguments");
}

#[tokio::test]
async fn a_state_that_names_nobody_denies() {
    for state in
        [json!(7), json!(["ann"]), json!({"type": "User"}), json!({"type": 1, "id": "ann"})]
    {
        let (mut agent, log) = agent(shop(), json!(100)).await;
        agent.invocation("q").state("principal", state).await.unwrap();
        assert_eq!(result(&agent), "DENIED: `cedar` could not decide");
        let reason = log.lock().unwrap()[0].reason.clone().unwrap();
        assert!(reason.contains("must be a text or an object"), "{reason}");
    }
}

#[tokio::test]
async fn a_person_is_asked_where_a_policy_wants_it() {
    for (answer, told) in
        [(json!("yes"), "paid back"), (json!("no"), "CONFIRMATION_FAILED: Pay back more than 50?")]
    {
        let (mut agent, _) = agent(shop(), json!(9000)).await;
        let asked = agent.invocation("q").state("principal", "ann").await.unwrap();
        let question = asked.interrupts().unwrap()[0].clone();
        assert_eq!(question.name, "cedar");
        assert_eq!(question.reason["title"], json!("Pay back more than 50?"));
        assert_eq!(question.reason["rule"], json!("big refunds"));
        assert_eq!(question.reason["input"]["cents"], json!(9000));
        // Who it is for is kept with the run.
        let end = agent.resume([question.answer(answer)]).await.unwrap();
        assert_eq!(end.stop_reason, StopReason::EndTurn);
        assert_eq!(result(&agent), told);
    }
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_denied_and_the_record_says_how() {
    let (mut agent, log) = agent(shop(), json!("100")).await;
    agent.invocation("q").state("principal", "ann").await.unwrap();
    assert_eq!(result(&agent), "DENIED: the call of `refund` does not fit what policies expect");
    let reason = log.lock().unwrap()[0].reason.clone().unwrap();
    assert!(reason.len() > result(&agent).len(), "{reason}");
}

#[tokio::test]
async fn what_a_hook_changed_is_what_is_judged() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([
            Reply::tool("refund", json!({"order": "o", "cents": 1})),
            Reply::text("done"),
        ]))
        .tools([Refund(ToolSpec::new("refund", "pays back", json!({"type": "object"})))])
        .hooks([Interventions::new([shop()]).unwrap()])
        .hook(|event: &mut BeforeToolCallEvent| {
            event.set_input(json!({"order": "o", "cents": 1, "note": "blocked"}));
        })
        .build()
        .await
        .unwrap();
    agent.invocation("q").state("principal", "ann").await.unwrap();
    let told = "DENIED: forbidden by `no blocked customers`: this customer is blocked";
    assert_eq!(result(&agent), told);
}

#[tokio::test]
async fn a_closure_may_say_for_whom_it_is() {
    let policy = shop().with_principal(|event| {
        let id: Option<String> = event.invocation_state().get("employee");
        id.map(Principal::user)
    });
    let (mut agent, _) = agent(policy, json!(100)).await;
    agent.invocation("q").state("employee", "ann").state("principal", "eve").await.unwrap();
    assert_eq!(result(&agent), "paid back");
}
