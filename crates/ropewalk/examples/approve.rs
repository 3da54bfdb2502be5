//! A hook asks a person before a dangerous tool runs. `cargo run --example approve`
//!
//! The model is scripted, so that it runs without a key; the hook, the question and the pause are
//! the real ones.

use ropewalk::prelude::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde::Deserialize;
use serde_json::json;

/// Deletes everything under a path.
#[tool]
async fn delete(path: String) -> String {
    format!("{path} is gone")
}

/// The answer that the hook wants: typed, so that a wrong one is no answer.
#[derive(Deserialize)]
struct Approval {
    approved: bool,
    by: String,
}

async fn ask_first(event: &mut BeforeToolCallEvent) -> HookResult {
    let reason = json!({"tool": event.tool_use().name, "input": event.tool_use().input});
    let approval: Approval = event.interrupt("approve", reason)?;
    println!("{} said {}", approval.by, if approval.approved { "yes" } else { "no" });
    if !approval.approved {
        event.cancel_tool("a person said no");
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let model = ScriptedModel::new([
        Reply::tool("delete", json!({"path": "tmp/"})),
        Reply::text("I did not delete anything, as you wished."),
    ]);
    let mut agent = Agent::builder().model(model).tools([delete]).hook(ask_first).build().await?;

    let mut result = agent.invoke("Delete everything under tmp/").await?;
    while let Some(questions) = result.interrupts() {
        let answers: Vec<_> = questions
            .iter()
            .map(|question| {
                println!("{}? {}", question.name, question.reason);
                question.answer(json!({"approved": false, "by": "Ada"}))
            })
            .collect();
        result = agent.resume(answers).await?;
    }
    println!("{result}");
    Ok(())
}
