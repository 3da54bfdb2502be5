//! Rules say what an agent may do, and who is asked. `cargo run --example approvals_rules`
//!
//! The model is scripted, so that it runs without a key; the rules, the questions, what is remembered
//! and the log are the real ones.

use ropewalk::approvals::{Approvals, DecisionLog, FileGrants, LogKind, Remember, Rule};
use ropewalk::prelude::*;
use ropewalk::{ApprovalScope, Risk};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Reads a file.
#[tool]
fn read_file(path: String) -> String {
    format!("(what {path} says)")
}

/// Deletes objects of a bucket.
#[tool]
fn delete_objects(bucket: String, prefix: String) -> String {
    format!("{bucket}/{prefix}* is gone")
}

/// Runs a command.
#[tool]
fn shell(command: String) -> String {
    format!("ran {command}")
}

fn rules() -> Result<Approvals, Error> {
    Approvals::new([
        Rule::allow("read_file").arg("path", "docs/**"),
        Rule::ask("delete_*")
            .named("deletions")
            .title("Delete objects for good?")
            .risk(Risk::High)
            .approvers(["ops@example.org"])
            .scopes([ApprovalScope::Once, ApprovalScope::Always])
            .remember(Remember::Arguments(vec!["bucket".into()])),
        Rule::deny("shell").named("no shell"),
    ])
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let log = DecisionLog::open(folder.path().join("decisions.jsonl"))?;
    let delete =
        |prefix: &str| Reply::tool("delete_objects", json!({"bucket": "logs", "prefix": prefix}));
    let model = ScriptedModel::new([
        Reply::tool("read_file", json!({"path": "docs/buckets.md"})),
        Reply::tool("shell", json!({"command": "rm -rf /"})),
        delete("2024/"),
        delete("2025/"),
        Reply::text("The old logs are gone. A shell is not for me."),
    ]);
    let mut agent = Agent::builder()
        .model(model)
        .tools([read_file, delete_objects, shell])
        .hooks([rules()?.grants(FileGrants::open(folder.path().join("grants.json"))?)])
        .hooks([log.clone()])
        .hook(|event: &AfterToolCallEvent| println!("<- {}", event.result().text()))
        .no_callback_handler()
        .build()
        .await?;

    let mut result = agent.invoke("Clear out the old logs.").await?;
    while let Some(questions) = result.interrupts() {
        let mut answers = Vec::new();
        for question in questions {
            println!("?? {}\n   {}", question.reason["title"], question.reason["input"]);
            println!("   \"always\" would cover {}", question.reason["covers"]);
            answers.push(question.answer(json!({"decision": "approve", "scope": "always"})));
        }
        // Who answers is known to the program that asked, not to the answer.
        result = agent.invocation(answers).answered_by("ops@example.org").await?;
    }
    println!("{result}");

    for entry in DecisionLog::entries(log.path())? {
        if let LogKind::Decision { decision, .. } = entry?.kind {
            println!("log: {} {} ({})", decision["verdict"], decision["tool"], decision["rule"]);
        }
    }
    let verified = DecisionLog::verify(log.path())?;
    println!("{} entries, nothing was changed", verified.entries);
    Ok(())
}
