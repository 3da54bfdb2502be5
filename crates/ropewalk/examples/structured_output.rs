//! Answers of a type of yours, in place of text. `cargo run --example structured_output`

use futures_util::StreamExt as _;
use ropewalk::prelude::*;
use ropewalk::schemars::{self, JsonSchema};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde::Deserialize;
use serde_json::json;

/// A city.
#[derive(Deserialize, JsonSchema)]
struct City {
    /// Its name in English.
    name: String,
    /// How many people live there.
    people: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = ScriptedModel::new([
        // The first try does not have the form: the model is told, and corrects it.
        Reply::tool("City", json!({"name": "Oslo", "people": "many"})),
        Reply::tool("City", json!({"name": "Oslo", "people": 717_710})),
        Reply::text("Sorry, I would rather talk about ropes."),
        Reply::text("Ropes it is."),
        Reply::tool("City", json!({"name": "Rome", "people": 2_746_984})),
    ]);
    let mut agent = Agent::builder().model(model).no_callback_handler().build().await?;

    let city: City = agent.invoke_as("How many people live in Oslo?").await?;
    println!("{} has {} people", city.name, city.people);

    // A model that gives none: the error has the result, with what the model said.
    if let Err(error) = agent.invoke_as::<City>("And in the moon's largest city?").await {
        let said = error.result().map(AgentResult::text).unwrap_or_default();
        println!("none: {error}\nit said: {said}");
    }

    // While it is written, the value comes piece by piece.
    let mut events = agent.invocation("And in Rome?").output::<City>().stream();
    while let Some(event) = events.next().await {
        match event? {
            AgentEvent::StructuredOutputStream { partial } => println!("so far: {partial}"),
            AgentEvent::StructuredOutput(value) => println!("whole: {value}"),
            _ => {}
        }
    }
    Ok(())
}
