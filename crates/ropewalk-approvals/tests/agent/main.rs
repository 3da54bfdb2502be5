//! Approvals in an agent: what is asked, what runs, what is remembered and noted.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod noted;
mod questions;
mod remembered;

use std::sync::Arc;

use common::{Bench, TestTool, call, denied};
use ropewalk_approvals::{Approvals, FileGrants, Rule};
use ropewalk_core::*;
use serde_json::{Value, json};

use ApprovalScope::{Always, Once};

fn approvals(rules: impl IntoIterator<Item = Rule>) -> Approvals {
    Approvals::new(rules).unwrap()
}

/// Invokes, gives every question the same answer, and says how many there were.
async fn agent_asks(agent: &mut Agent, answer: &Value) -> usize {
    let mut asked = 0;
    let mut result = agent.invoke("q").await.unwrap();
    while !result.interrupts.is_empty() {
        asked += result.interrupts.len();
        let answers: Vec<_> =
            result.interrupts.iter().map(|question| question.answer(answer.clone())).collect();
        result = agent.invocation(answers).answered_by("ada").await.unwrap();
    }
    asked
}

#[tokio::test]
async fn users_15_1_a_denied_call_is_never_entered() {
    // By a rule: nobody is asked.
    let tool = TestTool::new("delete");
    let mut agent = Bench::new([call("delete", json!({}))])
        .agent(&tool, approvals([Rule::deny("delete").named("no deletions")]))
        .await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.text().as_str(), tool.count()), ("done", 0));
    let text = denied(&agent);
    assert!(text.starts_with("DENIED: the rule `no deletions` forbids"), "{text}");
    assert!(text.contains("Do not try it again"), "{text}");

    // By a person, in every form of no.
    for no in [json!(false), json!("no"), json!({"decision": "deny", "comment": "too big"})] {
        let tool = TestTool::new("delete");
        let mut agent =
            Bench::new([call("delete", json!({}))]).agent(&tool, Approvals::default()).await;
        let questions = agent.invoke("q").await.unwrap().interrupts;
        agent.resume([questions[0].answer(no)]).await.unwrap();
        assert_eq!(tool.count(), 0);
        assert!(denied(&agent).starts_with("DENIED: a person refused"), "{}", denied(&agent));
    }
}

#[tokio::test]
async fn users_15_2_no_decision_is_no_execution() {
    let tool = TestTool::new("delete");
    let mut agent =
        Bench::new([call("delete", json!({}))]).agent(&tool, Approvals::default()).await;
    let questions = agent.invoke("q").await.unwrap().interrupts;
    // Nothing, null and what is neither yes nor no: it is not made.
    agent.resume([questions[0].answer(Value::Null)]).await.unwrap_err();
    for answer in [json!("perhaps"), json!({}), json!({"decision": "approve", "by": "me"})] {
        let result = agent.resume([questions[0].answer(answer)]).await.unwrap();
        assert_eq!(result.interrupts.len(), 1);
    }
    agent.invoke(()).await.unwrap();
    assert_eq!(tool.count(), 0);
    agent.resume([questions[0].answer(true)]).await.unwrap();
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn users_15_3_arguments_rewritten_after_the_approval_void_it() {
    let tool = TestTool::new("delete");
    let path = Arc::new(std::sync::Mutex::new("a"));
    let rewrite = Arc::clone(&path);
    let mut agent = Bench::new([call("delete", json!({"path": "x"}))])
        .builder(&tool, Approvals::default())
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_input(json!({"path": *rewrite.lock().unwrap()}));
        })
        .build()
        .await
        .unwrap();
    let first = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(first[0].reason["input"], json!({"path": "a"}), "what will run, not what was asked");

    // The hook changes its mind after the answer: another question, which shows what would run.
    *path.lock().unwrap() = "b";
    let second = agent.resume([first[0].answer(true)]).await.unwrap().interrupts;
    assert_eq!((second.len(), tool.count()), (1, 0));
    assert_ne!(second[0].id, first[0].id);
    assert_eq!(second[0].reason["input"], json!({"path": "b"}));
    agent.resume([second[0].answer(true)]).await.unwrap();
    assert_eq!(tool.inputs(), [json!({"path": "b"})]);
}

#[tokio::test]
async fn users_15_4_an_approval_delivered_twice_runs_once() {
    let tool = TestTool::new("delete");
    let mut agent =
        Bench::new([call("delete", json!({}))]).agent(&tool, Approvals::default()).await;
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let answer = questions[0].answer(true);
    agent.resume([answer.clone(), answer.clone()]).await.unwrap_err();
    assert_eq!(tool.count(), 0);
    agent.resume([answer.clone()]).await.unwrap();
    agent.resume([answer]).await.unwrap_err();
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn users_15_5_an_answer_in_another_name_is_refused() {
    let tool = TestTool::new("delete");
    let rule = Rule::ask("delete").approvers(["ops", "ceo"]);
    let mut agent = Bench::new([call("delete", json!({}))]).agent(&tool, approvals([rule])).await;
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let answer = || [questions[0].answer(true)];
    agent.resume(answer()).await.unwrap_err();
    agent.invocation(answer().to_vec()).answered_by("eve").await.unwrap_err();
    assert_eq!(tool.count(), 0);
    agent.invocation(answer().to_vec()).answered_by("ops").await.unwrap();
    assert_eq!(tool.count(), 1);
}

#[tokio::test]
async fn the_rules_see_the_tool_that_runs_not_the_name_that_was_asked() {
    let (read, delete) = (TestTool::new("read"), TestTool::new("delete"));
    let other: Arc<dyn Tool> = Arc::new(delete.clone());
    let mut agent = Bench::new([call("read", json!({}))])
        .builder(&read, approvals([Rule::allow("read"), Rule::deny("delete")]))
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_selected_tool(Some(Arc::clone(&other)));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((read.count(), delete.count()), (0, 0));
}

#[tokio::test]
async fn a_test_that_panics_and_a_store_that_fails_stop_the_call() {
    let tool = TestTool::new("delete");
    let rule = Rule::allow("delete").when(|_| panic!("oops"));
    let mut agent = Bench::new([call("delete", json!({}))]).agent(&tool, approvals([rule])).await;
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    let store = FileGrants::open(&path).unwrap();
    std::fs::write(&path, "damaged").unwrap();
    let rules = approvals([Rule::ask("delete").scopes([Once, Always])]).grants(store);
    let mut agent = Bench::new([call("delete", json!({}))]).agent(&tool, rules).await;
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert_eq!(tool.count(), 0);
}
