//! A tool called by hand: `agent.tool("name").call(…)`, with the hooks of any other call, and a note
//! of it in the history. `cargo run --example direct_tool_call`

use ropewalk::prelude::*;
use ropewalk::tools::calculator;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let model = ScriptedModel::new([Reply::text("7006652, as you have just worked out.")]);
    let mut agent = Agent::builder()
        .model(model)
        .tools([calculator])
        .no_callback_handler()
        .hook(|event: &BeforeToolCallEvent| println!("about to run {}", event.tool_use().name))
        .build()
        .await?;
    println!("tools: {:?}", agent.tool_names());

    let result = agent.tool("calculator").call(json!({"expression": "1234 * 5678"})).await?;
    println!("{}", result.text());

    println!("{}", agent.invoke("What is 1234 * 5678?").await?);
    for message in agent.messages().iter() {
        println!("{:?}: {}", message.role, message.text());
    }
    Ok(())
}
