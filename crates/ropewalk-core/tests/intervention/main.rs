//! Policies over an agent: what their verdicts do, in which order, and what follows when they fail.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;

mod actions;
mod confirm;
mod decisions;
mod failures;
mod order;
