//! Code around calls: a cache around tools, a fallback and a clock around the model.
//! `cargo run --example wrap_cache`
//!
//! The models are scripted, so that it runs without a key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ropewalk::prelude::*;
use ropewalk::{
    BoxError, BoxFuture, ErrorKind, ModelCallRequest, ModelNext, ModelTurn, ToolCallRequest,
    ToolNext, ToolResult, WrapModelCall, WrapToolCall, input_hash,
};
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

/// Looks up a rate. It takes its time.
#[tool(replay = "pure")]
async fn exchange_rate(currency: String) -> String {
    println!("  … asking the bank about {currency}");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    format!("1 {currency} is 1.08 USD")
}

/// Keeps the results of calls by tool and arguments.
#[derive(Default)]
struct Cache(Mutex<HashMap<(String, String), ToolResult>>);

impl WrapToolCall for Cache {
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        Box::pin(async move {
            let tool_use = request.tool_use();
            let (id, key) = (
                tool_use.tool_use_id.clone(),
                (tool_use.name.clone(), input_hash(&tool_use.input)),
            );
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
            if let Some(mut result) = known {
                println!("  … from the cache");
                result.tool_use_id = id;
                return Ok(result);
            }
            let result = next.run(request).await?;
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, result.clone());
            Ok(result)
        })
    }

    fn name(&self) -> &str {
        "cache"
    }
}

/// Asks another model when the first one fails.
struct Fallback(Arc<dyn Model>);

impl WrapModelCall for Fallback {
    fn wrap<'a>(
        &'a self,
        request: ModelCallRequest,
        next: ModelNext<'a>,
    ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
        Box::pin(async move {
            match next.run(request.clone()).await {
                Ok(turn) => Ok(turn),
                Err(error) => {
                    println!("  … {error}: asking {}", self.0.id());
                    next.run_on(Arc::clone(&self.0), request).await
                }
            }
        })
    }

    fn name(&self) -> &str {
        "fallback"
    }
}

/// An `async fn` is a wrap hook too.
async fn timed(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
    let started = Instant::now();
    let result = next.run(request).await?;
    println!("  took {} ms", started.elapsed().as_millis());
    Ok(result)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let first = ScriptedModel::new([
        Reply::tool("exchange_rate", json!({"currency": "EUR"})),
        Reply::tool("exchange_rate", json!({"currency": "EUR"})),
        Reply::error(ErrorKind::Unavailable, "the first model is away"),
    ]);
    let second = Arc::new(ScriptedModel::new([Reply::text("1 EUR is 1.08 USD, I checked twice.")]));
    let mut agent = Agent::builder()
        .model(first)
        .tools([exchange_rate])
        .wrap_tool_call(timed)
        .wrap_tool_call(Cache::default())
        .wrap_model_call(Fallback(second))
        .no_callback_handler()
        .build()
        .await?;
    println!("{}", agent.invoke("What is a euro worth? Check twice.").await?);
    Ok(())
}
