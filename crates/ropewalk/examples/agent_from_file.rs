//! An agent that a file describes, with a hook that no file can hold.
//! `cargo run --example agent_from_file`
//!
//! The file names no model: the one here is scripted, so that it runs without a key. With
//! `model = "openai:gpt-4o-mini"` in the file, nothing is needed here.

use ropewalk::prelude::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

const AGENT: &str = r#"
name = "Ropemaker"
description = "Knows all about ropes."
system_prompt = "You answer in one sentence."
tools = ["calculator", "current_time"]
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join(format!("ropewalk-agent-{}.toml", std::process::id()));
    std::fs::write(&file, AGENT)?;
    let config = AgentConfig::load(&file);
    std::fs::remove_file(&file)?;

    let model = ScriptedModel::new([
        Reply::tool("calculator", json!({"expression": "3 * 220"})),
        Reply::text("Three strands of 220 m take 660 m of yarn."),
    ]);
    let mut agent = config?
        .builder()
        .await?
        .model(model)
        .no_callback_handler()
        .hook(|event: &AfterToolCallEvent| {
            println!("  {} gave {}", event.tool_use().name, event.result().text());
        })
        .build()
        .await?;
    println!("{}:", agent.view().name());
    println!("{}", agent.invoke("How much yarn for three strands of 220 m?").await?.text());

    // What can't be is refused, with its place.
    if let Err(error) = AgentConfig::parse("name = 'x'\nsystem_promt = 'y'") {
        println!("{error}");
    }
    Ok(())
}
