//! Connections: how they are made, kept, and what goes over them.

mod gzip;
mod proxy;
mod reuse;
mod secrets;
mod tls;
mod tls_server;

use crate::support::{DONE, collect, delta, finish, said};
use ropewalk_core::{Error, ModelRequest};
use ropewalk_models::OpenAiChat;
use serde_json::json;

/// An answer that says this.
fn answer(text: &str) -> String {
    [delta(json!({"content": text})), finish("stop"), DONE.to_owned()].concat()
}

/// What the model says to a question.
async fn ask(model: &OpenAiChat) -> Result<String, Error> {
    let request: ModelRequest = crate::support::ask("?");
    match collect(model, request).await {
        (chunks, None) => Ok(said(&chunks).text),
        (_, Some(error)) => Err(error),
    }
}
