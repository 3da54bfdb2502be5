//! Models made of models, without a network: scripted models, and a clock that is wound forward.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod any_failures;
mod any_turns;
mod cached;
mod fallback;
mod kit;
mod rate_limited;
mod round_robin;
mod router;
mod support;
mod together;
