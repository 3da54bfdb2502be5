//! A run asks, its process ends, and another process answers, whenever that is.
//!
//! ```console
//! $ cargo run --example approve_later               # asks, and exits
//! $ cargo run --example approve_later -- yes ada    # another process: Ada says yes
//! ```
//!
//! The model is scripted, so that it runs without a key; the session on the disk is the real one.

use std::time::Duration;

use ropewalk::prelude::*;
use ropewalk::session::Sessions;
use ropewalk::{ApprovalRequest, ModelCallRequest, ModelNext};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Pays an invoice.
#[tool]
async fn pay(invoice: String) -> String {
    format!("{invoice} is paid")
}

/// Only Ada or Grace may answer, within two days; no answer is a no.
async fn ask_first(event: &mut ToolCallGuardEvent) -> HookResult {
    let invoice = event.tool_use().input["invoice"].clone();
    let request = ApprovalRequest::new(format!("Pay invoice {invoice}?"))
        .with_approvers(["ada", "grace"])
        .with_expires_in(Duration::from_secs(2 * 24 * 3600));
    let approval = event.ask_approval("pay", request)?;
    if !approval.is_approved() {
        event.cancel_tool(if approval.expired { "nobody answered in time" } else { "denied" });
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let session = Sessions::in_folder("target/approve-later").session("invoices").await?;
    let path = session.place();
    let model =
        ScriptedModel::new([Reply::tool("pay", json!({"invoice": "A-17"})), Reply::text("Done.")]);
    let mut agent = Agent::builder()
        .model(model)
        .tools([pay])
        .hook(ask_first)
        // The scripted model knows nothing of an earlier process: skip what it has said there.
        .wrap_model_call(async |request: ModelCallRequest, next: ModelNext<'_>| {
            let asked_again = request.request.messages.len() > 1;
            match next.run(request.clone()).await {
                Ok(turn) if asked_again && turn.message.tool_uses().next().is_some() => {
                    next.run(request).await
                }
                turn => turn,
            }
        })
        .session(session)
        .no_callback_handler()
        .build()
        .await?;

    let questions = agent.interrupts();
    let (answer, name) = (words.next(), words.next().unwrap_or_else(|| "ada".to_owned()));
    let result = match (questions.first(), answer) {
        (None, _) => agent.invoke("Pay invoice A-17.").await?,
        (Some(_), None) => agent.invoke(()).await?,
        (Some(question), Some(answer)) => {
            agent.invocation(question.answer(answer)).answered_by(name).await?
        }
    };
    if let Some(questions) = result.interrupts() {
        for question in questions {
            println!("{}", question.reason["title"].as_str().unwrap_or("a question"));
        }
        println!("this process ends; answer in another: … --example approve_later -- yes ada");
        return Ok(());
    }
    for message in agent.messages().iter() {
        message.results().for_each(|result| println!("{}", result.text()));
    }
    println!("{result}");
    std::fs::remove_file(path).ok();
    Ok(())
}
