//! The hook registry by itself: events of your own, callbacks, providers, both ways to dispatch.
//! `cargo run --example registry`
//!
//! These are the examples of the page of Strands' `HookRegistry`, in Rust.

use std::sync::Arc;

use ropewalk::prelude::*;
use ropewalk::{BaseHookEvent, Error};

/// Something begins.
struct StartRequestEvent {
    agent: String,
}

impl BaseHookEvent for StartRequestEvent {}

/// Something ends: whoever was called first at its beginning is called last at its end.
struct EndRequestEvent;

impl BaseHookEvent for EndRequestEvent {
    const REVERSE: bool = true;
}

/// A callback is a function. The type of its argument says which event it is for.
fn my_handler(event: &StartRequestEvent) {
    println!("Request started for agent: {}", event.agent);
}

/// It may as well be async.
async fn my_async_handler(event: &EndRequestEvent) {
    tokio::task::yield_now().await;
    let _ = event;
    println!("Request ended");
}

/// A provider brings several callbacks, which share what it holds.
struct MyHooks(Arc<Log>);

#[derive(Default)]
struct Log;

impl Log {
    fn on_start(&self, _: &StartRequestEvent) {
        println!("provider: start");
    }

    fn on_end(&self, _: &EndRequestEvent) {
        println!("provider: end");
    }
}

impl HookProvider for MyHooks {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        registry.add_callback(bind(Arc::clone(&self.0), Log::on_start));
        registry.add_callback(bind(Arc::clone(&self.0), Log::on_end));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut registry = HookRegistry::new();
    assert!(!registry.has_callbacks());

    registry.add_callback(my_handler);
    let handle = registry.add_callback(my_async_handler);
    registry.add_hook(&MyHooks(Arc::default()));
    if registry.has_callbacks() {
        println!("Registry has callbacks registered");
    }

    // Who would be called, in this order: for an event that ends something, in reverse.
    for callback in registry.get_callbacks_for(&EndRequestEvent) {
        println!("at the end: {}", callback.name());
    }

    let event = StartRequestEvent { agent: "my agent".to_owned() };
    let (event, interrupts) = registry.invoke_callbacks(event)?;
    println!("back from {}, with {} questions", event.agent, interrupts.len());

    // One of these callbacks is async: dispatching without awaiting is refused, before any is called.
    if let Err(error) = registry.invoke_callbacks(EndRequestEvent) {
        println!("refused: {error}");
    }
    registry.invoke_callbacks_async(EndRequestEvent).await?;

    registry.remove(handle);
    registry.invoke_callbacks(EndRequestEvent)?;
    Ok(())
}
