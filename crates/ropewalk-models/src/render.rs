//! What is sent of a conversation: each message is rendered once, and a request's body is put together from the pieces.

#[cfg(feature = "http")]
mod body;
mod cache;
#[cfg(feature = "http")]
mod ids;

#[cfg(feature = "http")]
pub(crate) use body::Body;
pub(crate) use cache::Cache;
#[cfg(feature = "http")]
pub(crate) use ids::{IdRule, word};
