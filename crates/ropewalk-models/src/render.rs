//! What is sent of a conversation: each message is rendered once, and a request's body is put together from the pieces.

#[cfg(feature = "http")]
mod body;
#[cfg(any(
    feature = "anthropic",
    feature = "bedrock",
    feature = "cache",
    feature = "gemini",
    feature = "ollama",
    feature = "responses"
))]
mod cache;
#[cfg(any(feature = "gemini", feature = "ollama"))]
mod calls;
#[cfg(feature = "http")]
mod ids;
#[cfg(feature = "openai")]
mod joined;
#[cfg(any(
    feature = "anthropic",
    feature = "gemini",
    feature = "ollama",
    feature = "openai",
    feature = "responses"
))]
mod names;
mod place;
#[cfg(any(feature = "anthropic", feature = "bedrock"))]
mod signature;
mod tools;

#[cfg(feature = "http")]
pub(crate) use body::Body;
#[cfg(any(
    feature = "anthropic",
    feature = "bedrock",
    feature = "cache",
    feature = "gemini",
    feature = "ollama",
    feature = "responses"
))]
pub(crate) use cache::Cache;
#[cfg(any(feature = "anthropic", feature = "responses"))]
pub(crate) use cache::Pieces;
#[cfg(any(feature = "gemini", feature = "ollama"))]
pub(crate) use calls::{arguments, called};
#[cfg(feature = "http")]
pub(crate) use ids::{IdRule, word};
#[cfg(feature = "openai")]
pub(crate) use joined::{Around, Conversations};
#[cfg(any(
    feature = "anthropic",
    feature = "gemini",
    feature = "ollama",
    feature = "openai",
    feature = "responses"
))]
pub(crate) use names::tool_name;
#[cfg(any(feature = "anthropic", feature = "bedrock"))]
pub(crate) use signature::plain_signature;
pub(crate) use tools::Tools;
