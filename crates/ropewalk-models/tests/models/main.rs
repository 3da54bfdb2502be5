//! Models of providers, over real sockets: what they send, what they make of answers, and recorded exchanges.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod aimock;
#[cfg(feature = "anthropic")]
mod anthropic;
#[cfg(feature = "bedrock")]
mod bedrock;
mod cassettes;
mod foreign;
#[cfg(feature = "gemini")]
mod gemini;
#[cfg(feature = "openai")]
mod http;
mod kit;
#[cfg(all(feature = "anthropic", feature = "gemini", feature = "responses"))]
mod litellm;
mod llmock;
#[cfg(feature = "mistral")]
mod mistral;
#[cfg(feature = "ollama")]
mod ollama;
#[cfg(feature = "openai")]
mod openai;
#[cfg(feature = "responses")]
mod responses;
mod support;
mod transcripts;
