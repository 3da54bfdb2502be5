//! A person approves a call in the terminal before it runs. `cargo run --example approve_in_terminal`
//!
//! The model is scripted, so that it runs without a key; the guard, the question and the pause are
//! the real ones.

use std::io::{self, BufRead as _, Write as _};

use ropewalk::prelude::*;
use ropewalk::{Approval, ApprovalRequest, Risk};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Deletes everything under a path.
#[tool]
async fn delete(path: String) -> String {
    format!("{path} is gone")
}

/// A guard: the last stage before a tool. It sees exactly what will run, and what is answered here
/// holds for these arguments and no others.
async fn ask_first(event: &mut ToolCallGuardEvent) -> HookResult {
    let request = ApprovalRequest::new("Delete for good?").with_risk(Risk::High);
    let approval = event.ask_approval("delete", request)?;
    if !approval.is_approved() {
        let why = approval.comment.unwrap_or_else(|| "a person said no".to_owned());
        event.cancel_tool(why);
    }
    Ok(())
}

/// Puts a question to whoever sits at the terminal. No answer is a no.
fn put(question: &Interrupt) -> io::Result<Approval> {
    let reason = &question.reason;
    let text = |key: &str| reason[key].as_str().unwrap_or_default().to_owned();
    println!("{} ({} risk)", text("title"), text("risk"));
    println!("  {} {}", text("tool"), reason["input"]);
    print!("yes or no? ");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(match line.trim() {
        "y" | "yes" => Approval::approve(),
        _ => Approval::deny().with_comment("a person said no; do not try again"),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = ScriptedModel::new([
        Reply::tool("delete", json!({"path": "tmp/"})),
        Reply::text("That is all."),
    ]);
    let mut agent = Agent::builder()
        .model(model)
        .tools([delete])
        .hook(ask_first)
        .no_callback_handler()
        .build()
        .await?;

    let mut result = agent.invoke("Delete everything under tmp/").await?;
    while let Some(questions) = result.interrupts() {
        let answers: Vec<_> = questions
            .iter()
            .map(|question| Ok(question.answer(put(question)?)))
            .collect::<io::Result<_>>()?;
        result = agent.resume(answers).await?;
    }
    for message in agent.messages().iter() {
        for result in message.results() {
            println!("the model was told: {}", result.text());
        }
    }
    println!("{result}");
    Ok(())
}
