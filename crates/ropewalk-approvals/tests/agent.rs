//! Approvals in an agent: what is asked, what runs, what is remembered and noted.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use common::{Bench, TestTool, call, calls, denied};
use ropewalk_approvals::{
    Approvals, DecisionLog, FileGrants, Grant, GrantStore, LogKind, MemoryGrants, Remember, Rule,
};
use ropewalk_core::*;
use serde_json::{Value, json};

use ApprovalScope::{Always, Once, Session};

fn approvals(rules: impl IntoIterator<Item = Rule>) -> Approvals {
    Approvals::new(rules).unwrap()
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
