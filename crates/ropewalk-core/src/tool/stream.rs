//! Tools that give one value after another.

use std::pin::pin;

use futures_core::Stream;
use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::Value;

use super::{IntoToolOutput, ToolContext, ToolOutput};
use crate::error::BoxError;

/// Sends each item to whoever listens while the tool runs; the last one is what the tool gives, as in
/// Strands. `read` makes JSON of an item; an error ends the stream.
///
/// # Errors
/// An item is an error, or there was none.
pub async fn stream_output<S: Stream>(
    context: &ToolContext,
    items: S,
    read: impl Fn(S::Item) -> Result<Value, BoxError>,
) -> Result<ToolOutput, BoxError> {
    let mut items = pin!(items);
    let mut last = None;
    while let Some(item) = items.next().await {
        let item = read(item)?;
        if context.is_heard() {
            context.send(item.clone());
        }
        last = Some(item);
    }
    match last {
        Some(value) => value.into_tool_output(),
        None => {
            let name = &context.tool_use().name;
            Err(format!("Tool '{name}' did not return a result").into())
        }
    }
}

/// An item as JSON.
///
/// # Errors
/// It does not serialise.
pub fn stream_item(item: impl Serialize) -> Result<Value, BoxError> {
    Ok(serde_json::to_value(item)?)
}
