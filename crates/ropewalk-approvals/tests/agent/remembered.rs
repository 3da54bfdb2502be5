//! What is remembered of an answer: for which calls, and for how long.

use ropewalk_approvals::{FileGrants, Grant, GrantStore, MemoryGrants, Remember, Rule};
use ropewalk_core::*;
use serde_json::{Value, json};

use ApprovalScope::{Always, Once, Session};

use super::{agent_asks, approvals};
use crate::common::{Bench, TestTool, call, calls, denied};

#[tokio::test]
async fn once_asks_each_time_session_asks_once_a_run() {
    for (offered, answer, questions) in [
        (vec![Once], json!(true), 2),
        (vec![Once, Session], json!({"decision": "approve", "scope": "once"}), 2),
        (vec![Once, Session], json!({"decision": "approve", "scope": "session"}), 1),
        // What the question did not offer holds once.
        (vec![Once], json!({"decision": "approve", "scope": "session"}), 2),
        (vec![Once, Session], json!({"decision": "approve", "scope": "always"}), 2),
    ] {
        let tool = TestTool::new("delete");
        let rules = approvals([Rule::ask("delete").scopes(offered.clone())]);
        let same = json!({"path": "a"});
        let bench = Bench::new([call("delete", same.clone()), call("delete", same)]);
        let mut agent = bench.agent(&tool, rules.clone()).await;
        let asked = agent_asks(&mut agent, &answer).await;
        assert_eq!((asked, tool.count()), (questions, 2), "{offered:?} {answer}");

        // Another run is asked again in any case.
        let bench = Bench::new([call("delete", json!({"path": "a"}))]);
        assert_eq!(agent_asks(&mut bench.agent(&tool, rules).await, &answer).await, 1);
    }
}

#[tokio::test]
async fn session_holds_after_a_restart_for_its_run_only_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    let restarted = || {
        let rule = Rule::ask("delete").scopes([Once, Session]);
        approvals([rule]).grants(FileGrants::open(&path).unwrap())
    };
    let session = json!({"decision": "approve", "scope": "session"});
    let tool = TestTool::new("delete");
    let asked = async |journal: &MemoryJournal| {
        let bench = Bench::new([call("delete", json!({"path": "a"}))]);
        let builder = bench.builder(&tool, restarted()).session(journal.clone());
        agent_asks(&mut builder.build().await.unwrap(), &session).await
    };
    let (one, other) = (MemoryJournal::new(), MemoryJournal::new());
    assert_eq!((asked(&one).await, asked(&one).await), (1, 0));
    assert_eq!((asked(&other).await, asked(&other).await), (1, 0), "another run");
    restarted().forget_session(one.run_id()).await.unwrap();
    assert_eq!((asked(&one).await, asked(&other).await), (1, 0));
    assert_eq!(tool.count(), 6);
}

#[tokio::test]
async fn always_holds_in_other_runs_and_after_a_restart_for_what_it_said_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    let always = json!({"decision": "approve", "scope": "always"});
    let rule = || Rule::ask("d*").named("deletions").scopes([Once, Always]);
    let restarted = |rule: Rule| approvals([rule]).grants(FileGrants::open(&path).unwrap());
    let tool = TestTool::new("delete");
    let asked = async |rule: Rule, input: Value| {
        let mut agent = Bench::new([call("delete", input)]).agent(&tool, restarted(rule)).await;
        agent_asks(&mut agent, &always).await
    };
    assert_eq!(asked(rule(), json!({"path": "a", "n": 1})).await, 1);
    assert_eq!(asked(rule(), json!({"n": 1, "path": "a"})).await, 0, "the same arguments");
    assert_eq!(asked(rule(), json!({"path": "b", "n": 1})).await, 1, "other arguments");
    assert_eq!(asked(rule(), json!({"path": "a"})).await, 1);
    // A rule that was changed is another one; one that offers it no more does not look.
    assert_eq!(asked(rule().named("other"), json!({"path": "a", "n": 1})).await, 1);
    assert_eq!(asked(rule().scopes([Once]), json!({"path": "a", "n": 1})).await, 1);

    let grants = FileGrants::open(&path).unwrap().list().await.unwrap();
    assert_eq!(grants.len(), 4);
    assert!(grants.iter().all(|grant| grant.by.as_deref() == Some("ada")));
    for Grant { key, .. } in &grants {
        FileGrants::open(&path).unwrap().revoke(key).await.unwrap();
    }
    assert_eq!(asked(rule(), json!({"path": "a", "n": 1})).await, 1, "taken back");
}

#[tokio::test]
async fn what_is_remembered_is_what_the_rule_says() {
    let always = json!({"decision": "approve", "scope": "always"});
    let first = json!({"bucket": "logs", "prefix": "a"});
    for (remember, same_bucket, other_bucket) in [
        (Remember::Call, 1, 1),
        (Remember::Arguments(vec!["bucket".into()]), 0, 1),
        (Remember::Tool, 0, 0),
    ] {
        let store = MemoryGrants::new();
        let tool = TestTool::new("delete");
        let rule = || Rule::ask("*").scopes([Once, Always]).remember(remember.clone());
        let asked = async |tool: &TestTool, name: &str, input: Value| {
            let rules = approvals([rule()]).grants(store.clone());
            agent_asks(&mut Bench::new([call(name, input)]).agent(tool, rules).await, &always).await
        };
        assert_eq!(asked(&tool, "delete", first.clone()).await, 1);
        let other = json!({"bucket": "logs", "prefix": "b"});
        assert_eq!(asked(&tool, "delete", other).await, same_bucket, "{remember:?}");
        let other = json!({"bucket": "prod", "prefix": "a"});
        assert_eq!(asked(&tool, "delete", other).await, other_bucket, "{remember:?}");
        let other_tool = TestTool::new("shell");
        assert_eq!(asked(&other_tool, "shell", first.clone()).await, 1, "{remember:?}");
    }
}

#[tokio::test]
async fn nothing_is_concluded_from_a_call_that_could_not_be_judged() {
    let store = MemoryGrants::new();
    let always = json!({"decision": "approve", "scope": "always"});
    let rules = || {
        let rule = Rule::ask("delete").arg("path", "tmp/**").scopes([Once, Always]);
        approvals([rule.remember(Remember::Tool)]).grants(store.clone())
    };
    let tool = TestTool::new("delete");
    let asked = async |path: &str| {
        let bench = Bench::new([call("delete", json!({"path": path}))]);
        agent_asks(&mut bench.agent(&tool, rules()).await, &always).await
    };
    assert_eq!(asked("tmp/../etc").await, 1);
    assert!(store.list().await.unwrap().is_empty());
    assert_eq!((asked("tmp/a").await, asked("tmp/b").await), (1, 0));
    assert_eq!(asked("tmp/../etc").await, 1, "what was said of tmp/ does not cover it");
}

#[tokio::test]
async fn never_is_remembered_too() {
    let store = MemoryGrants::new();
    let never = json!({"decision": "deny", "scope": "always"});
    let tool = TestTool::new("delete");
    for asked in [1, 0] {
        let rules = approvals([Rule::ask("delete").scopes([Once, Always])]).grants(store.clone());
        let mut agent = Bench::new([call("delete", json!({}))]).agent(&tool, rules).await;
        assert_eq!(agent_asks(&mut agent, &never).await, asked);
        assert!(denied(&agent).starts_with("DENIED: a person refused"), "{}", denied(&agent));
    }
    assert_eq!(tool.count(), 0);
}

#[tokio::test]
async fn an_answer_to_the_very_call_goes_before_a_remembered_one() {
    let tool = TestTool::new("delete");
    let rule = Rule::ask("delete").scopes([Once, Session]).remember(Remember::Tool);
    let both = calls([("delete", json!({"n": 1})), ("delete", json!({"n": 2}))]);
    let mut agent = Bench::new([both]).agent(&tool, approvals([rule])).await;
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let answers = questions.iter().map(|question| {
        let first = question.reason["input"]["n"] == 1;
        let session = json!({"decision": "approve", "scope": "session"});
        question.answer(if first { session } else { json!(false) })
    });
    agent.resume(answers).await.unwrap();
    assert_eq!(tool.inputs(), [json!({"n": 1})]);
}
