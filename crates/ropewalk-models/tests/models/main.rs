//! Models of providers, over real sockets: what they send, what they make of answers, and recorded exchanges.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cassettes;
mod kit;
#[cfg(feature = "openai")]
mod openai;
mod support;
mod transcripts;
