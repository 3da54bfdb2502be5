//! An agent in a program without async: it prints what it says while it says it, keeps a count of its
//! own, and does nothing twice for one token.
//!
//! Run it with `cargo run --example without_async`.

use ropewalk::blocking::{Agent, wait};
use ropewalk::prelude::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Counts how often it was called, for as long as the agent lives.
#[tool]
fn ring(context: ToolContext) -> Result<String, Error> {
    let Some(agent) = context.agent() else { return Ok("nobody hears it".to_owned()) };
    let times = agent.state().get::<u32>("rung").unwrap_or_default() + 1;
    agent.state().set("rung", times)?;
    Ok(format!("rung {times} times"))
}

fn main() -> Result<(), Error> {
    let model = ScriptedModel::new([
        Reply::tool("ring", json!({})),
        Reply::text("The bell was rung.\n"),
        Reply::text("Again? No.\n"),
    ]);
    let builder = ropewalk::Agent::builder().model(model).tools([ring]).state(json!({"rung": 0}));
    let mut agent = Agent::build(builder)?;

    // Prints "Tool #1: ring" and "The bell was rung.": that is what an agent does unless it is told
    // otherwise.
    let result = wait(agent.invocation("Ring the bell.").idempotency_token("morning"))?;
    println!("it took {} model calls; rung: {}", result.cycles, agent.state().to_json()["rung"]);

    // The same token again: the same result, and the bell stays silent.
    let again = wait(agent.invocation("Ring the bell.").idempotency_token("morning"))?;
    println!("the same: {}; rung: {}", again == result, agent.state().to_json()["rung"]);

    // The events themselves, for a screen of one's own.
    for event in agent.stream("Once more?") {
        if let AgentEvent::Result(result) = event? {
            println!("it ended with {}", result.stop_reason.as_str());
        }
    }
    Ok(())
}
