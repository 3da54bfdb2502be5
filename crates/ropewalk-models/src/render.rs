//! What is sent of a conversation: each message is rendered once, and a request's body is put together from the pieces.

mod body;
mod cache;
#[cfg(any(feature = "gemini", feature = "ollama"))]
mod calls;
mod ids;
#[cfg(any(feature = "gemini", feature = "ollama"))]
mod names;

pub(crate) use body::Body;
pub(crate) use cache::{Cache, Pieces};
#[cfg(any(feature = "gemini", feature = "ollama"))]
pub(crate) use calls::{arguments, called};
pub(crate) use ids::{IdRule, word};
#[cfg(any(feature = "gemini", feature = "ollama"))]
pub(crate) use names::tool_name;
