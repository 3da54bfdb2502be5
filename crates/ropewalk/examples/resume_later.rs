//! A run stops at a question, its process ends, and another goes on. `cargo run --example
//! resume_later`, twice: the first start asks, the second one answers.

use ropewalk::Journal;
use ropewalk::prelude::*;
use ropewalk::session::FileSessions;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Pays an invoice.
#[tool]
async fn pay(invoice: String) -> String {
    format!("{invoice} is paid")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let sessions = FileSessions::new("target/resume-later");
    let session = sessions.session("invoices")?;
    let again = !session.load().await?.is_empty();
    let model = ScriptedModel::new(if again {
        vec![Reply::text("Invoice A-17 is paid.")]
    } else {
        vec![Reply::tool("pay", json!({"invoice": "A-17"}))]
    });
    let mut agent = Agent::builder()
        .model(model)
        .tools([pay])
        .hook(async |event: &mut BeforeToolCallEvent| -> HookResult {
            let yes: bool = event.interrupt("pay", event.tool_use().input.clone())?;
            if !yes {
                event.cancel_tool("not approved");
            }
            Ok(())
        })
        .session(session.clone())
        .build()
        .await?;

    if !again {
        let result = agent.invoke("Pay invoice A-17.").await?;
        println!("stopped with `{}`:\n{result}", result.stop_reason.as_str());
        println!("start this again: the other process goes on from here");
        return Ok(());
    }
    let questions = agent.interrupts();
    let result = agent.resume(questions.iter().map(|question| question.answer(true))).await?;
    println!("{result}");
    std::fs::remove_file(session.path()).ok();
    Ok(())
}
