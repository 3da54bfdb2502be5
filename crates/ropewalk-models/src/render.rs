//! What is sent of a conversation: each message is rendered once, and a request's body is put together from the pieces.

mod body;
mod cache;
mod ids;
mod names;

pub(crate) use body::Body;
pub(crate) use cache::{Cache, Pieces};
pub(crate) use ids::{IdRule, word};
pub(crate) use names::tool_name;
