//! What is noted in the log of decisions.

use ropewalk_approvals::{DecisionLog, LogKind, Rule};
use ropewalk_core::*;
use serde_json::json;

use ApprovalScope::{Once, Session};

use super::{agent_asks, approvals};
use crate::common::{Bench, TestTool, call};

#[tokio::test]
async fn every_decision_is_noted_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let log = DecisionLog::open(&path).unwrap();
    let tool = TestTool::new("delete");
    let rules = approvals([
        Rule::allow("delete").arg("path", "tmp/**").named("tmp"),
        Rule::deny("delete").arg("path", "prod/**").named("prod"),
        Rule::ask("delete").named("rest").scopes([Once, Session]),
    ]);
    let session = json!({"decision": "approve", "scope": "session"});
    let mut agent = Bench::new(
        ["tmp/a", "prod/a", "src/a", "src/a"].map(|path| call("delete", json!({"path": path}))),
    )
    .builder(&tool, rules)
    .hooks([log.clone()])
    .name("clerk")
    .build()
    .await
    .unwrap();
    assert_eq!(agent_asks(&mut agent, &session).await, 1);
    assert_eq!(tool.count(), 3);

    let verified = DecisionLog::verify(&path).unwrap();
    assert_eq!((verified.entries, verified.head), (4, log.head().hash));
    let noted: Vec<_> = DecisionLog::entries(&path)
        .unwrap()
        .filter_map(|entry| match entry.unwrap().kind {
            LogKind::Decision { agent, run_id, decision } => {
                assert_eq!(agent, "clerk");
                assert!(!run_id.is_empty());
                let decision: DecisionRecord = serde_json::from_value(decision).unwrap();
                assert_eq!(decision.tool.as_deref(), Some("delete"));
                assert_eq!(decision.input_hash.map(|hash| hash.len()), Some(64));
                Some((decision.verdict, decision.rule.unwrap(), decision.by))
            }
            _ => None,
        })
        .collect();
    let ada = Some("ada".to_owned());
    let expected = [
        ("allow", "tmp", None),
        ("deny", "prod", None),
        ("approve", "rest", ada.clone()),
        ("allow", "rest", ada),
    ];
    let expected = expected.map(|(verdict, rule, by)| (verdict.to_owned(), rule.to_owned(), by));
    assert_eq!(noted, expected);
}

#[tokio::test]
async fn a_decision_that_cant_be_noted_stops_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let log = DecisionLog::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let tool = TestTool::new("delete");
    let mut agent = Bench::new([call("delete", json!({}))])
        .builder(&tool, approvals([Rule::allow("delete")]))
        .hooks([log])
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.report().contains("can't open the log of decisions"), "{}", error.report());
    assert_eq!(tool.count(), 0);
}
