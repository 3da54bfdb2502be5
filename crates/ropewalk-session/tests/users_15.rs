//! What users of other SDKs ran into (the numbers are those of the list of users' complaints), as far as it is
//! about sessions. The rest stands in the core's tests; item 13 in `crash`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod counting;
mod hostile;
mod watched;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ropewalk_core::*;
use ropewalk_session::{Export, MemoryStore, Sessions};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use counting::Counting;
use hostile::{HEADER, kept, read_export, read_in_every_way, sealed};

/// A tool whose effects last: the key of each.
#[derive(Clone)]
struct Pay {
    spec: ToolSpec,
    effects: Arc<Mutex<Vec<String>>>,
}

impl Pay {
    fn new() -> Self {
        let spec = ToolSpec::new("pay", "Pays.", json!({"type": "object"}));
        Self { spec, effects: Arc::default() }
    }

    fn effects(&self) -> Vec<String> {
        self.effects.lock().unwrap().clone()
    }
}

impl Tool for Pay {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _: Value, context: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        self.effects.lock().unwrap().push(context.idempotency_key().to_owned());
        Box::pin(std::future::ready(Ok(ToolOutput::text("paid"))))
    }
}

fn guard(event: &mut ToolCallGuardEvent) -> HookResult {
    let approval = event.ask_approval("pay", ApprovalRequest::new("Pay?"))?;
    event.cancel_tool(!approval.is_approved());
    Ok(())
}

/// An agent in a process of its own: with nothing but what the session holds.
async fn agent(sessions: &Sessions, name: &str, tool: &Pay, replies: Vec<Reply>) -> Agent {
    Agent::builder()
        .model(ScriptedModel::new(replies))
        .retry_strategy(RetryStrategy::none())
        .conversation_manager(NullConversationManager::new())
        .tool(tool.clone())
        .hook(guard)
        .no_callback_handler()
        .session(sessions.session(name).await.unwrap())
        .build()
        .await
        .unwrap()
}

fn pays() -> Reply {
    Reply::tools([("t1", "pay", json!({"amount": 0.1}))])
}

/// §15.4 resume delivered twice or concurrently ⇒ executed once
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn users_15_4_an_approval_that_is_given_many_times_at_once_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let tool = Pay::new();
    for round in 0..10 {
        let name = format!("s{round}");
        let sessions = Sessions::in_folder(folder.path());
        let mut first = agent(&sessions, &name, &tool, vec![pays()]).await;
        let paused = first.invoke("q").await.unwrap();
        let answer = paused.interrupts[0].answer(true);
        drop(first);
        let tasks = (0..8).map(|_| {
            // Each with a store of its own, as in a process of its own.
            let (sessions, name) = (Sessions::in_folder(folder.path()), name.clone());
            let (tool, answer) = (tool.clone(), answer.clone());
            tokio::spawn(async move {
                let session = sessions.session(&name).await?;
                let builder = Agent::builder()
                    .model(ScriptedModel::new([Reply::text("paid")]))
                    .tool(tool)
                    .hook(guard)
                    .no_callback_handler()
                    .session(session);
                builder.build().await?.resume([answer]).await
            })
        });
        let mut won = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(result) => {
                    assert_eq!(result.text(), "paid");
                    won += 1;
                }
                Err(error) => {
                    let kinds = [ErrorKind::Journal, ErrorKind::Interrupt];
                    assert!(kinds.contains(&error.kind()), "{:?}: {error}", error.kind());
                }
            }
        }
        assert_eq!((won, tool.effects().len()), (1, round + 1));
    }
}

/// §15.6 approval given, then run fails ⇒ answer not lost
#[tokio::test]
async fn users_15_6_an_answer_outlives_the_process_that_failed_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::in_folder(folder.path());
    let tool = Pay::new();
    let gone = Reply::error(ErrorKind::Unavailable, "gone");
    let mut asks = agent(&sessions, "s", &tool, vec![pays()]).await;
    let question = asks.invoke("pay").await.unwrap().interrupts.remove(0);
    drop(asks);

    let mut answers = agent(&sessions, "s", &tool, vec![gone]).await;
    let error = answers.resume([question.answer(true)]).await.unwrap_err();
    assert_eq!((error.kind(), tool.effects().len()), (ErrorKind::Unavailable, 1));
    drop(answers);

    let mut goes_on = agent(&sessions, "s", &tool, vec![Reply::text("Done.")]).await;
    assert!(goes_on.interrupts().is_empty(), "nobody is asked again");
    assert_eq!(goes_on.invoke(()).await.unwrap().text(), "Done.");
    assert_eq!(tool.effects().len(), 1);
}

/// §15.6 the disk fails at each write from the answer on: the answer is kept, or refused and asked for again
#[tokio::test]
async fn users_15_6_an_answer_is_kept_or_refused_wherever_the_disk_fails() {
    let mut failed = 0;
    for nth in 0.. {
        let store = Counting::new(MemoryStore::new());
        let sessions = Sessions::new(store.clone());
        let tool = Pay::new();
        let mut asks = agent(&sessions, "s", &tool, vec![pays()]).await;
        let question = asks.invoke("pay").await.unwrap().interrupts.remove(0);
        drop(asks);

        let mut answers = agent(&sessions, "s", &tool, vec![Reply::text("Done.")]).await;
        store.fail_after(nth, "the disk is full");
        let ended = answers.resume([question.answer(true)]).await;
        drop(answers);
        if ended.is_ok() {
            break;
        }
        failed += 1;
        let mut goes_on = agent(&sessions, "s", &tool, vec![Reply::text("Done.")]).await;
        if let Some(open) = goes_on.interrupts().first() {
            assert_eq!(
                (nth, open.id == question.id),
                (0, true),
                "only the answer itself is refused"
            );
            goes_on.resume([open.answer(true)]).await.unwrap();
        } else {
            goes_on.invoke(()).await.unwrap();
        }
        assert!(goes_on.interrupts().is_empty() && !goes_on.is_unfinished());
        assert!(tool.effects().len() <= 1, "write {nth}: {:?}", tool.effects());
    }
    assert!(failed > 3, "only {failed} writes");
}

/// §15.10 two fresh runs with identical provider call ids ⇒ isolated
#[tokio::test]
async fn users_15_10_sessions_whose_calls_have_the_same_ids_do_not_know_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::in_folder(folder.path());
    let tool = Pay::new();
    let mut questions = Vec::new();
    for name in ["one", "two"] {
        let mut asks = agent(&sessions, name, &tool, vec![pays()]).await;
        questions.push(asks.invoke("pay").await.unwrap().interrupts.remove(0));
    }
    // A branch is a run of its own too; and so is a session that takes the name of one that is gone.
    sessions.fork("one", None, "branch").await.unwrap();
    let mut asks = agent(&sessions, "gone", &tool, vec![pays()]).await;
    questions.push(asks.invoke("pay").await.unwrap().interrupts.remove(0));
    drop(asks);
    assert!(sessions.remove("gone").await.unwrap());
    let mut asks = agent(&sessions, "gone", &tool, vec![pays()]).await;
    questions.push(asks.invoke("pay").await.unwrap().interrupts.remove(0));
    drop(asks);
    let ids: BTreeSet<_> = questions.iter().map(|question| &question.id).collect();
    assert_eq!(ids.len(), 4, "an approval is bound to its run");

    for name in ["two", "gone"] {
        let mut other = agent(&sessions, name, &tool, vec![Reply::text("Done.")]).await;
        let error = other.resume([questions[0].answer(true)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupt, "{name}");
    }
    // The branch took the question over; but what is answered to it holds for the other run.
    let mut branch = agent(&sessions, "branch", &tool, vec![]).await;
    let anew = branch.resume([questions[0].answer(true)]).await.unwrap().interrupts;
    assert!(anew.len() == 1 && anew[0].id != questions[0].id, "{anew:?}");
    assert!(tool.effects().is_empty());
    drop(branch);
    for (count, name) in (1..).zip(["one", "two", "branch", "gone"]) {
        let replies = vec![Reply::text("Done.")];
        let mut own = agent(&sessions, name, &tool, replies).await;
        while let Some(open) = own.interrupts().first() {
            own.resume([open.answer(true)]).await.unwrap();
        }
        assert_eq!(tool.effects().len(), count, "{name}");
    }
    let keys: BTreeSet<_> = tool.effects().into_iter().collect();
    assert_eq!(keys.len(), 4, "nor do they share a key");
}

/// All that lies in a folder and below it.
fn all_below(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.push(path.display().to_string());
        if path.is_dir() {
            all.extend(all_below(&path));
        }
    }
    all.sort_unstable();
    all
}

/// §15.25 hostile session ids ⇒ no traversal
#[tokio::test]
async fn users_15_25_no_session_name_leads_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("sessions");
    fs::write(folder.path().join("other.jsonl"), format!("{HEADER}\n")).unwrap();
    let sessions = Sessions::in_folder(&inside);
    drop(sessions.session("fine").await.unwrap());
    let export = sessions.export("fine").await.unwrap();
    let before = all_below(folder.path());
    let absolute = folder.path().join("other").display().to_string();
    let long = "a".repeat(129);
    for name in [
        "",
        ".",
        "..",
        "../other",
        "..\\other",
        "fine/../../other",
        &absolute,
        "/etc/passwd",
        "~/other",
        "C:other",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a b",
        ".hidden",
        "fine\u{0}",
        "%2e%2e%2fother",
        "\u{2024}\u{2024}/other",
        "ａ",
        "e\u{301}",
        "$(touch x)",
        "'; DROP TABLE session; --",
        "*",
        &long,
    ] {
        let refused = [
            sessions.session(name).await.map(drop),
            sessions.exists(name).await.map(drop),
            sessions.remove(name).await.map(drop),
            sessions.run(name).await.map(drop),
            sessions.verify(name).await.map(drop),
            sessions.export(name).await.map(drop),
            sessions.import(name, &export).await,
            sessions.fork(name, None, "new").await,
            sessions.fork("fine", None, name).await,
            sessions.rewind(name, 0).await,
        ];
        for (which, ended) in refused.into_iter().enumerate() {
            let error = ended.expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{which} of {name:?}: {error}");
        }
    }
    assert_eq!(all_below(folder.path()), before);
}

/// §15.25 hostile stored blobs ⇒ data or an error: nothing is run, nothing panics, nothing grows beyond what is
/// there. More of it in `decoder`, and in the fuzz targets.
#[tokio::test]
async fn users_15_25_what_is_stored_is_data_only() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let said = |json: &str| format!(r#"{{"type":"invocation_started","messages":[{json}]}}"#);
    let hostile = [
        // What other languages would make objects of.
        r#"{"py/object":"os.system","py/reduce":["touch x"]}"#.to_owned(),
        r#"{"lc":1,"type":"constructor","id":["os","system"],"kwargs":{"command":"touch x"}}"#.to_owned(),
        r#"{"__proto__":{"type":"abandoned"}}"#.to_owned(),
        "gASVIAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAV0b3VjaJSFlFKULg==".to_owned(),
        "!!python/object/apply:os.system ['touch x']".to_owned(),
        deep("[", "]"),
        deep(r#"{"a":"#, "1}").replace("1}1}", "1}}"),
        said(&deep("[", "]")),
        said(r#"{"role":"root","content":[{"text":"x"}]}"#),
        r#"{"type":"history_edited","edit":[{"at":18446744073709551615,"removed":18446744073709551615}]}"#.to_owned(),
        r#"{"type":"tool_claimed","tool_use_id":"t1","claim":{"tool":"shell","input":{},"key":"k"}}"#.to_owned(),
        r#"{"type":"answered","responses":[{"interruptId":"x","response":true}]}"#.to_owned(),
        r#"{"type":"time_spent","time_ms":1e999}"#.to_owned(),
    ];
    for json in hostile {
        let shown = &json[..json.len().min(80)];
        let lines = [sealed(0, &json)];
        let read = read_in_every_way(&kept(HEADER, &lines, None).await).await;
        let sessions = kept(HEADER, &lines, None).await;
        // What is a record all the same makes no run.
        assert!(read.is_err() || sessions.run("hostile").await.is_err(), "{shown}");
        read_in_every_way(&kept(HEADER, &[], Some(&sealed(0, &json))).await).await.unwrap();
        let export = format!(
            r#"{{"format":"ropewalk-session-export","version":2,"run_id":"r","records":[{json}]}}"#
        );
        assert!(read_export(&export).is_none(), "{shown}");
        assert!(Export::from_json(&json).is_err(), "{shown}");
        assert!(read_in_every_way(&kept(&json, &[], None).await).await.is_err(), "{shown}");
    }
}

/// §15.26 bytes written per turn independent of history length
#[tokio::test]
async fn users_15_26_a_turn_writes_as_much_however_long_the_history_is() {
    let store = Counting::new(MemoryStore::new());
    let sessions = Sessions::new(store.clone());
    let text = "All work and no play makes a dull history. ".repeat(5);
    let reply = |_| Reply::text(text.clone());
    let mut agent = agent(&sessions, "s", &Pay::new(), (0..2_501).map(reply).collect()).await;
    let mut measured = Vec::new();
    for length in [10, 1_000, 5_000] {
        while agent.messages().len() < length {
            agent.invoke(&*text).await.unwrap();
        }
        let before = store.line_bytes();
        // With snapshots, the turns so far had on average:
        let average = (before + store.snapshot_bytes()) / (length / 2);
        agent.invoke(&*text).await.unwrap();
        measured.push((length, store.line_bytes() - before, average));
    }
    let (_, first, _) = measured[0];
    for (length, turn, average) in measured {
        // The numbers of the records grow by a digit now and then.
        assert!(turn.abs_diff(first) < 40, "{length}: {turn}, and {first} at the beginning");
        // Each snapshot is half as far again from the one before it: together they are at most three histories.
        assert!(average < 4 * first, "{length}: {average} on average, and {first} for the records");
    }
    drop(agent);
    assert_eq!(sessions.run("s").await.unwrap().unwrap().transcript().len(), 5_002);
}
