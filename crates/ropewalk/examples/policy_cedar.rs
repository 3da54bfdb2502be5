//! Cedar policies say which tool calls are allowed: one is, one is not, and about one a person is
//! asked. `cargo run -p ropewalk --features cedar --example policy_cedar`
//!
//! The model is scripted, so that it runs without a key; the policies, the question and the pause are
//! the real ones.

use ropewalk::cedar::CedarPolicy;
use ropewalk::prelude::*;
use ropewalk::{DecisionEvent, ToolResult};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

const POLICIES: &str = r#"
    @id("own notes")
    permit (principal == User::"ann", action == Action::"read_file", resource)
    when { context.input.path like "notes/*" };

    @id("no way out")
    @reason("a path must stay below its folder")
    forbid (principal, action, resource)
    when { context.input has path && context.input.path like "*..*" };

    @id("ask before deleting")
    @ask("May a file be deleted?")
    permit (principal == User::"ann", action == Action::"delete_file", resource)
    when { context.input.path like "notes/*" };
"#;

/// Reads a file.
#[tool]
async fn read_file(path: String) -> String {
    format!("(what stands in {path})")
}

/// Deletes a file.
#[tool]
async fn delete_file(path: String) -> String {
    format!("{path} is gone")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let model = ScriptedModel::new([
        Reply::tool("read_file", json!({"path": "notes/todo.md"})),
        Reply::tool("read_file", json!({"path": "notes/../secrets.md"})),
        Reply::tool("delete_file", json!({"path": "notes/todo.md"})),
        Reply::text("I have read your list and deleted it. The secrets I could not read."),
    ]);
    let policy: CedarPolicy = POLICIES.parse()?;
    let mut agent = Agent::builder()
        .model(model)
        .tools([read_file(), delete_file()])
        .hooks([Interventions::new([policy])?])
        .hook(|event: &DecisionEvent| {
            let decision = event.decision();
            let rule = decision.rule.as_deref().unwrap_or("no policy");
            println!("  {}: {} ({rule})", decision.handler, decision.verdict);
        })
        .hook(|event: &AfterToolCallEvent| {
            let path = event.tool_use().input["path"].as_str().unwrap_or_default();
            let ToolResult { status, .. } = event.result();
            println!("{} {path}: {status:?}: {}", event.tool_use().name, event.result().text());
        })
        .no_callback_handler()
        .build()
        .await?;

    // For whom the agent works is for the program to say. It is kept while a question is open.
    let mut result = agent.invocation("Tidy up my notes.").state("principal", "ann").await?;
    while let Some(questions) = result.interrupts() {
        let mut answers = Vec::new();
        for question in questions {
            println!("? {} {} -> yes", question.reason["title"], question.reason["input"]);
            answers.push(question.answer(true));
        }
        result = agent.resume(answers).await?;
    }
    print!("{result}");
    Ok(())
}
