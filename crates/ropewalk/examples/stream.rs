//! The events of an invocation as they happen. `cargo run --example stream`
//!
//! Each event also has a JSON form with the keys of Strands' `stream_async` (`data`, `message`,
//! `result` …): `serde_json::to_value(&event)`.

use std::io::Write as _;

use futures_util::StreamExt as _;
use ropewalk::prelude::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Looks up the weather of a city.
#[tool(replay = "pure")]
fn weather(city: String) -> String {
    format!("It rains in {city}.")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let model = ScriptedModel::new([
        Reply::tool("weather", json!({"city": "Oslo"})),
        Reply::text("Take an umbrella."),
    ]);
    let mut agent =
        Agent::builder().model(model).tools([weather]).no_callback_handler().build().await?;

    let mut events = agent.stream("Analyze this data: the weather in Oslo.");
    while let Some(event) = events.next().await {
        match event? {
            AgentEvent::Text(text) => {
                print!("{text}");
                std::io::stdout().flush().ok();
            }
            AgentEvent::ToolUseStream { current, .. } => {
                println!("[{} {}]", current.name, current.input);
            }
            AgentEvent::Result(result) => {
                println!(
                    "\n[{}, {} tokens]",
                    result.stop_reason.as_str(),
                    result.usage.total_tokens
                );
            }
            other => println!("{}", serde_json::to_string(&other).unwrap_or_default()),
        }
    }
    Ok(())
}
