//! Models made of models: a fallback of a rate-limited model and two spare ones in turn, behind a cache.
//! `cargo run -p ropewalk --example model_fallback --features combine`
//!
//! The models are scripted, so that it runs without a key. With keys, `ropewalk::model("openai:gpt-4o-mini").await?`
//! and its like stand in their places.

use std::time::Duration;

use ropewalk::models::{CachedModel, FallbackModel, RateLimit, RateLimitedModel, RoundRobinModel};
use ropewalk::prelude::*;
use ropewalk::{ErrorKind, ModelChunk, ModelStreamEvent};
use ropewalk_testkit::{Reply, ScriptedModel};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // The best one: two requests a minute, and nobody waits for it longer than a second.
    let best = ScriptedModel::new([
        Reply::text("Säntis is 2,502 metres high."),
        Reply::error(ErrorKind::Throttled, "come back later"),
    ])
    .with_id("best");
    let limit =
        RateLimit::builder().requests_per_minute(2).longest_wait(Duration::from_secs(1)).build()?;
    let restarting =
        ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "the server restarts")]);
    let working = ScriptedModel::new([
        Reply::text("Altmann is 2,435 metres high."),
        Reply::text("Kronberg is 1,663 metres high."),
    ]);
    // Two spare ones in turn; one that fails rests for half a minute.
    let spare = RoundRobinModel::new()
        .with(restarting.with_id("spare 1"))
        .with(working.with_id("spare 2"))
        .named("spare");
    let model = FallbackModel::new(RateLimitedModel::new(best, &limit)).or(spare);
    let model = CachedModel::new(model.named("anybody"));

    for mountain in ["Säntis", "Altmann", "Kronberg", "Säntis"] {
        // An agent for each question: what they share is the model.
        let mut agent = Agent::builder()
            .model(model.clone())
            .no_callback_handler()
            .observe_stream(|event: &ModelStreamEvent| {
                if let ModelChunk::Metadata(metadata) = event.chunk() {
                    println!("  {}", serde_json::Value::from(metadata.extra.clone()));
                }
            })
            .build()
            .await?;
        println!("{}", agent.invoke(format!("How high is {mountain}?")).await?);
    }
    Ok(())
}
