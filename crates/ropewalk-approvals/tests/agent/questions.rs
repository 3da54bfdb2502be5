//! Questions: what they say, how they expire, and which answers still fit them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ropewalk_approvals::{Approvals, GrantStore, MemoryGrants, Remember, Rule};
use ropewalk_core::*;
use serde_json::json;

use ApprovalScope::{Always, Once};

use super::approvals;
use crate::common::{Bench, TestTool, call, denied};

#[tokio::test]
async fn a_question_says_everything_that_a_person_must_know() {
    let tool = TestTool::new("delete")
        .previewing(|| Box::pin(async { Ok(Some(Preview::Text("3 files would go".to_owned()))) }));
    let rule = Rule::ask("delete")
        .named("deletions")
        .risk(Risk::High)
        .scopes([Once, Always])
        .remember(Remember::Arguments(vec!["bucket".into(), "dry".into()]))
        .approvers(["ops"]);
    let input = json!({"bucket": "logs", "prefix": "x".repeat(500)});
    let mut agent =
        Bench::new([call("delete", input.clone())]).agent(&tool, approvals([rule])).await;
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let reason = &questions[0].reason;
    assert_eq!(reason["title"], "Run `delete`?");
    assert_eq!(reason["tool"], "delete");
    assert_eq!(reason["input"], input, "whole");
    assert_eq!(reason["risk"], "high");
    assert_eq!(reason["rule"], "deletions");
    assert_eq!(reason["scopes"], json!(["once", "always"]));
    assert_eq!(reason["approvers"], json!(["ops"]));
    assert_eq!(reason["preview"], json!({"text": "3 files would go"}));
    assert_eq!(
        reason["covers"],
        "`delete` whenever `bucket` is \"logs\" and `dry` is not given, whatever its other arguments are"
    );
}

#[tokio::test]
async fn a_preview_that_fails_is_shown_as_such_and_the_question_is_put() {
    let tool = TestTool::new("delete")
        .previewing(|| Box::pin(async { Err("the bucket can't be listed".into()) }));
    let mut agent =
        Bench::new([call("delete", json!({}))]).agent(&tool, Approvals::default()).await;
    let questions = agent.invoke("q").await.unwrap().interrupts;
    let preview = questions[0].reason["preview"]["text"].as_str().unwrap();
    assert!(preview.contains("There is no preview"), "{preview}");
    assert!(preview.contains("the bucket can't be listed"), "{preview}");
}

#[tokio::test(start_paused = true)]
async fn a_preview_that_hangs_or_panics_does_not_keep_the_question_back() {
    let panics = TestTool::new("delete").previewing(|| panic!("oops"));
    let hangs = TestTool::new("delete").previewing(|| Box::pin(std::future::pending()));
    for (tool, why) in [(panics, "it panicked"), (hangs, "it took longer than 10 s")] {
        let mut agent =
            Bench::new([call("delete", json!({}))]).agent(&tool, Approvals::default()).await;
        let questions = agent.invoke("q").await.unwrap().interrupts;
        let preview = questions[0].reason["preview"]["text"].as_str().unwrap();
        assert!(preview.contains(why), "{preview}");
    }
}

#[tokio::test]
async fn a_question_that_expired_is_a_no_that_says_so_unless_the_rule_says_yes() {
    for (on_expiry, runs) in [(Decision::Deny, 0), (Decision::Approve, 1)] {
        let tool = TestTool::new("delete");
        let rule = Rule::ask("delete")
            .expires_in(Duration::from_secs(60))
            .on_expiry(on_expiry)
            .scopes([Once, Always])
            .remember(Remember::Tool);
        let store = MemoryGrants::new();
        let now = Arc::new(AtomicU64::new(1_000));
        let clock = Arc::clone(&now);
        let mut agent = Bench::new([call("delete", json!({}))])
            .builder(&tool, approvals([rule]).grants(store.clone()))
            .clock(move || {
                SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst))
            })
            .build()
            .await
            .unwrap();
        let questions = agent.invoke("q").await.unwrap().interrupts;
        assert_eq!(questions[0].reason["expires_in_seconds"], 60);
        now.store(1_061, Ordering::SeqCst);
        let result = agent.invoke(()).await.unwrap();
        assert_eq!((result.text().as_str(), tool.count()), ("done", runs));
        if runs == 0 {
            assert!(denied(&agent).contains("expired: nobody answered in time"));
        }
        assert!(store.list().await.unwrap().is_empty(), "nobody said anything to remember");
    }
}

#[tokio::test]
async fn two_sets_of_rules_ask_each_for_themselves() {
    let tool = TestTool::new("delete");
    let mut agent = Bench::new([call("delete", json!({}))])
        .builder(&tool, Approvals::default())
        .hooks([Approvals::default().named("host")])
        .build()
        .await
        .unwrap();
    let questions = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(questions.len(), 2);
    agent.resume([questions[0].answer(true), questions[1].answer(false)]).await.unwrap();
    assert_eq!(tool.count(), 0);
}

#[tokio::test]
async fn a_question_is_answered_in_another_process_unless_its_rule_was_changed() {
    let rule = || Rule::ask("delete").named("deletions");
    for (later, asked_again) in [(rule(), false), (rule().approvers(["ops"]), true)] {
        let tool = TestTool::new("delete");
        let journal = MemoryJournal::new();
        let open = async |rule: Rule, bench: Bench| {
            let builder = bench.builder(&tool, approvals([rule]));
            builder.session(journal.clone()).build().await.unwrap()
        };
        let bench = Bench::new([call("delete", json!({}))]);
        let questions = open(rule(), bench).await.invoke("q").await.unwrap().interrupts;

        let mut agent = open(later, Bench::new([])).await;
        let result = agent.resume([questions[0].answer(true)]).await.unwrap();
        assert_eq!(!result.interrupts.is_empty(), asked_again);
        assert_eq!(tool.count(), usize::from(!asked_again));
    }
}
