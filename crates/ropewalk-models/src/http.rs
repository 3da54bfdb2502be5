//! What every provider that speaks HTTP needs: connections, calls with their waiting times, and errors that say enough
//! and give away nothing.

mod call;
mod client;
mod dialect;
mod direct;
mod endpoint;
mod failure;
mod fault;
mod listing;
mod options;
mod proxy;
mod response;
mod retry_after;
mod secrets;
mod service;
mod tls;

/// How servers are told who asks.
const USER_AGENT: &str = concat!("ropewalk/", env!("CARGO_PKG_VERSION"));

pub(crate) use call::stream;
pub use client::HttpClient;
pub(crate) use dialect::{Chunks, Dialect, Flow, Framing, Post, Reader};
pub(crate) use endpoint::{Endpoint, shown};
pub(crate) use fault::{Fault, Kinds, malformed, no_answer};
#[cfg(feature = "bedrock")]
pub(crate) use fault::{excerpt, says_overflow};
pub(crate) use listing::Listing;
pub use listing::ModelInfo;
#[cfg(any(feature = "bedrock", feature = "gemini", feature = "ollama"))]
pub(crate) use options::variable;
pub(crate) use options::{Options, http_options};
use response::Response;
#[cfg(feature = "bedrock")]
pub(crate) use retry_after::retry_after;
pub(crate) use secrets::Secrets;
pub(crate) use service::{KeyHeader, Service};
