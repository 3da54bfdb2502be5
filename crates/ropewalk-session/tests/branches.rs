//! Branching off, going back, exporting, importing, verifying.
#![allow(clippy::unwrap_used)]

use std::fs;

use ropewalk_core::*;
use ropewalk_session::{Export, Sessions, markdown};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

/// A tool that counts its calls and asks before each.
struct Pay(ToolSpec);

impl Pay {
    fn new() -> Self {
        Self(ToolSpec::new("pay", "Pays.", json!({"type": "object"})))
    }
}

impl Tool for Pay {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: Value, context: ToolContext) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(async move {
            let yes: bool = context.interrupt("approve", "pay 7?")?;
            Ok(ToolOutput::text(if yes { "paid" } else { "not paid" }))
        })
    }
}

async fn agent(sessions: &Sessions, name: &str, replies: Vec<Reply>) -> Agent {
    Agent::builder()
        .model(ScriptedModel::new(replies))
        .tools([Pay::new()])
        .no_callback_handler()
        .session(sessions.session(name).await.unwrap())
        .build()
        .await
        .unwrap()
}

fn texts(run: &Run) -> Vec<String> {
    run.transcript().iter().map(|message| message.text()).collect()
}

#[tokio::test]
async fn a_branch_is_a_run_of_its_own_that_stands_where_the_other_stood() {
    let sessions = Sessions::in_memory();
    let mut one =
        agent(&sessions, "one", vec![Reply::text("First."), Reply::text("Second.")]).await;
    one.invoke("a").await.unwrap();
    let records = one.run().applied();
    one.invoke("b").await.unwrap();
    // The other one may be open all the while.
    sessions.fork("one", Some(records), "two").await.unwrap();
    sessions.fork("one", None, "three").await.unwrap();
    let two = sessions.run("two").await.unwrap().unwrap();
    assert_eq!(texts(&two), ["a", "First."]);
    assert_ne!(two.id(), one.run().id());
    assert_eq!(texts(&sessions.run("three").await.unwrap().unwrap()), texts(&one.run()));
    let verified = sessions.verify("two").await.unwrap();
    assert_eq!(verified.forked_from, Some((one.run().id().to_owned(), records)));

    // They go on apart.
    let mut two = agent(&sessions, "two", vec![Reply::text("Else.")]).await;
    two.invoke("c").await.unwrap();
    assert_eq!(texts(&two.run()), ["a", "First.", "c", "Else."]);
    assert_eq!(texts(&one.run()), ["a", "First.", "b", "Second."]);
}

#[tokio::test]
async fn what_can_not_be_branched_off_says_why_and_leaves_nothing_behind() {
    let sessions = Sessions::in_memory();
    let mut one = agent(&sessions, "one", vec![Reply::text("First.")]).await;
    one.invoke("a").await.unwrap();
    for (name, records, into, why) in [
        ("none", None, "two", "there is no session `none`"),
        ("one", Some(999), "two", "has 3 records"),
        ("one", None, "one", "in use"),
        ("one", None, "../two", "begins with a dot"),
    ] {
        let error = sessions.fork(name, records, into).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    sessions.fork("one", None, "two").await.unwrap();
    let error = sessions.fork("one", None, "two").await.unwrap_err();
    assert!(error.to_string().contains("there is a session `two` already"), "{error}");
    assert_eq!(sessions.names().await.unwrap(), ["one", "two"]);
}

#[tokio::test]
async fn a_branch_does_not_begin_while_a_tool_runs() {
    let sessions = Sessions::in_memory();
    let model = [Reply::tool("pay", json!({})), Reply::text("Paid.")];
    let mut one = agent(&sessions, "one", model.into()).await;
    let result = one.invoke("pay").await.unwrap();
    let answers =
        result.interrupts().unwrap().iter().map(|open| open.answer(true)).collect::<Vec<_>>();
    one.resume(answers).await.unwrap();
    let records = sessions.session_records("one").await;
    let claimed = records.iter().rposition(|record| matches!(record, Record::ToolClaimed { .. }));
    let claimed = claimed.unwrap() as u64;
    let error = sessions.fork("one", Some(claimed + 1), "two").await.unwrap_err().to_string();
    assert!(error.contains("`pay` was running"), "{error}");
    assert!(error.contains(&format!("after {claimed} records")), "{error}");
    sessions.fork("one", Some(claimed), "two").await.unwrap();
}

/// Of tools that run together, the hint lies before the first of them.
#[tokio::test]
async fn where_a_branch_may_begin_is_where_no_tool_runs() {
    let sessions = Sessions::in_memory();
    let calls = [("t1", "pay", json!({})), ("t2", "pay", json!({}))];
    let mut one = agent(&sessions, "one", vec![Reply::tools(calls), Reply::text("Paid.")]).await;
    one.invoke("pay").await.unwrap();
    let answers = one.interrupts().iter().map(|open| open.answer(true)).collect::<Vec<_>>();
    one.resume(answers).await.unwrap();
    let records = sessions.session_records("one").await;
    for at in 0..=records.len() as u64 {
        let into = format!("at-{at}");
        let Err(error) = sessions.fork("one", Some(at), &into).await else { continue };
        let text = error.to_string();
        let hint = text.split("it, after ").nth(1).unwrap().split(' ').next().unwrap();
        sessions.fork("one", Some(hint.parse().unwrap()), &into).await.unwrap();
    }
    let claims =
        records.iter().filter(|record| matches!(record, Record::ToolClaimed { .. })).count();
    assert!(claims >= 2, "{claims} claims");
}

/// What the tests of this file look up in a session.
trait SessionRecords {
    async fn session_records(&self, name: &str) -> Vec<Record>;
}

impl SessionRecords for Sessions {
    async fn session_records(&self, name: &str) -> Vec<Record> {
        let export = self.export(name).await.unwrap().to_json().unwrap();
        let value: Value = serde_json::from_str(&export).unwrap();
        serde_json::from_value(value["records"].clone()).unwrap()
    }
}

#[tokio::test]
async fn a_session_goes_back_and_what_came_between_is_not_lost() {
    let sessions = Sessions::in_memory();
    let replies = vec![Reply::text("First."), Reply::text("Second.")];
    let mut one = agent(&sessions, "one", replies).await;
    one.state().set("mood", "good").unwrap();
    one.invoke("a").await.unwrap();
    let records = one.run().applied();
    one.state().set("mood", "bad").unwrap();
    one.invoke("b").await.unwrap();
    let whole = one.run().applied();
    let error = sessions.rewind("one", records).await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(one);

    sessions.rewind("one", records).await.unwrap();
    let mut one = agent(&sessions, "one", vec![Reply::text("Third.")]).await;
    assert_eq!(texts(&one.run()), ["a", "First."]);
    assert_eq!(one.state().get::<String>("mood").as_deref(), Some("good"));
    one.invoke("c").await.unwrap();
    assert_eq!(texts(&one.run()), ["a", "First.", "c", "Third."]);
    sessions.fork("one", Some(whole), "before").await.unwrap();
    let before = sessions.run("before").await.unwrap().unwrap();
    assert_eq!(texts(&before), ["a", "First.", "b", "Second."]);
}

#[tokio::test]
async fn a_session_with_an_open_question_moves_as_a_document_and_goes_on_elsewhere() {
    let here = Sessions::in_memory();
    let mut one = agent(&here, "one", vec![Reply::tool("pay", json!({}))]).await;
    let result = one.invoke("pay").await.unwrap();
    assert_eq!(result.interrupts().unwrap().len(), 1);
    let json = here.export("one").await.unwrap().to_json().unwrap();

    let there = Sessions::in_memory();
    there.import("moved", &Export::from_json(&json).unwrap()).await.unwrap();
    assert_eq!(there.run("moved").await.unwrap().unwrap(), one.run());
    let mut moved = agent(&there, "moved", vec![Reply::text("Paid.")]).await;
    let answers = moved.interrupts().iter().map(|open| open.answer(true)).collect::<Vec<_>>();
    let result = moved.resume(answers).await.unwrap();
    assert_eq!(result.to_string(), "Paid.\n");
    assert!(there.import("moved", &Export::from_json(&json).unwrap()).await.is_err());
}

#[test]
fn what_is_no_exported_session_is_refused_with_the_reason() {
    let cases = [
        ("", "EOF"),
        ("{}", "missing field `format`"),
        (r#"{"format":"x","version":2}"#, "its format is `x`"),
        (
            r#"{"format":"ropewalk-session-export","version":99,"run_id":"r","records":7}"#,
            "format 99",
        ),
        (
            r#"{"format":"ropewalk-session-export","version":2,"run_id":"r"}"#,
            "missing field `records`",
        ),
        (
            r#"{"format":"ropewalk-session-export","version":2,"run_id":"r","records":[{"invocation_ended":{}}]}"#,
            "this is no exported session",
        ),
    ];
    for (json, why) in cases {
        let error = Export::from_json(json).unwrap_err().to_string();
        assert!(error.contains(why), "{json}: {error}");
    }
}

#[tokio::test]
async fn verifying_finds_a_changed_record_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::in_folder(folder.path());
    let mut one = agent(&sessions, "one", vec![Reply::text("First.")]).await;
    one.invoke("a").await.unwrap();
    let verified = sessions.verify("one").await.unwrap();
    assert_eq!((verified.records, verified.messages, verified.questions), (3, 2, 0));
    let path = folder.path().join("one.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("First.", "Worst.")).unwrap();
    let error = sessions.verify("one").await.unwrap_err().to_string();
    assert!(error.contains("damaged in line"), "{error}");
    assert!(sessions.verify("two").await.unwrap_err().to_string().contains("no session `two`"));
}

#[tokio::test]
async fn a_transcript_reads_well() {
    let sessions = Sessions::in_memory();
    let replies = [
        Reply::tool("pay", json!({"to": "Ada", "note": "``` and more"})),
        Reply::text("Paid."),
        Reply::tool("pay", json!({"to": "Bob"})),
    ];
    let mut one = agent(&sessions, "one", replies.into()).await;
    one.invoke("Pay Ada 7").await.unwrap();
    let answers = one.interrupts().iter().map(|open| open.answer(true)).collect::<Vec<_>>();
    one.resume(answers).await.unwrap();
    one.invoke("Pay Bob too").await.unwrap();
    let run = sessions.run("one").await.unwrap().unwrap();
    let text = markdown(&run).replace(run.id(), "ID");
    for part in [
        "# Run ID\n\n## User\n\nPay Ada 7\n\n## Assistant\n\n**Calls `pay`:**\n\n````json\n{",
        "## Tools\n\n**Result (success):**\n\n```\npaid\n```\n\n## Assistant\n\nPaid.\n",
        "## Under way\n\n**Calls `pay`:**\n",
        "**Open question** `approve` (`",
        "```json\n\"pay 7?\"\n```",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
}
