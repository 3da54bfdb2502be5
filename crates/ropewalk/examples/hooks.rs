//! Hooks from the simplest to a provider with state, and what they see. `cargo run --example hooks`
//!
//! The model is scripted, so that it runs without a key; everything else is the real thing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ropewalk::prelude::*;
use ropewalk::{ObservedEvent, callback};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Looks up the weather of a city.
#[tool(replay = "pure")]
fn weather(city: String) -> String {
    format!("It rains in {city}.")
}

/// Allows so many calls of tools in an invocation.
struct CallLimit {
    most: usize,
    made: AtomicUsize,
}

impl CallLimit {
    fn begin(&self, _: &mut BeforeInvocationEvent) {
        self.made.store(0, Ordering::Relaxed);
    }

    async fn check(&self, event: &mut BeforeToolCallEvent) -> HookResult {
        if self.made.fetch_add(1, Ordering::Relaxed) >= self.most {
            event.cancel_tool(format!("only {} calls are allowed", self.most));
        }
        Ok(())
    }
}

/// A provider brings several callbacks along. They share its state.
struct Limits(Arc<CallLimit>);

impl HookProvider for Limits {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        registry.add_callback(bind(Arc::clone(&self.0), CallLimit::begin));
        // The options of a callback: its place among the others, how long it may take, its name.
        let check = callback(bind(Arc::clone(&self.0), CallLimit::check));
        registry.add_callback(check.order(-10).timeout(Duration::from_secs(5)).named("call limit"));
    }
}

/// What may change something takes `&mut`: here the arguments.
fn in_full(event: &mut BeforeToolCallEvent) {
    if event.tool_use().input["city"] == "NYC" {
        event.set_input(json!({"city": "New York"}));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let model = ScriptedModel::new([
        Reply::tool("weather", json!({"city": "NYC"})),
        Reply::tool("weather", json!({"city": "Oslo"})),
        Reply::tool("weather", json!({"city": "Rome"})),
        Reply::text("It rains in New York and Oslo. I could not look up Rome."),
    ]);
    let mut agent = Agent::builder()
        .model(model)
        .tools([weather])
        .hooks([Limits(Arc::new(CallLimit { most: 2, made: AtomicUsize::new(0) }))])
        .hook(in_full)
        // What only looks takes `&`: it can't change anything, and if it fails, nothing stops.
        .hook(|event: &AfterToolCallEvent| {
            let user = event.invocation_state().get::<String>("user").unwrap_or_default();
            println!("for {user}: {}", event.result().text());
        })
        .no_callback_handler()
        .build()
        .await?;

    println!("who is called, and what each may do:\n\n{}", agent.hooks());

    let trace = agent.add_hook(|event: &BeforeModelCallEvent| {
        println!("the model reads {} messages", event.agent().messages().len());
    });
    let result = agent
        .invocation("How is the weather in New York, Oslo and Rome?")
        .state("user", "ada")
        .hook(|event: &MessageAddedEvent| println!("+ {:?}", event.message().role))
        .await?;
    println!("{result}");

    agent.remove_hook(trace);
    // An event that nobody asked for is seen by who wants to see all.
    let mut registry = HookRegistry::new();
    registry.observe_all(|event: &ObservedEvent| println!("saw {}", event.name()));
    registry.invoke_callbacks(OutOfHemp)?;
    Ok(())
}

/// An event of one's own goes through the same registry.
struct OutOfHemp;

impl ropewalk::BaseHookEvent for OutOfHemp {}
