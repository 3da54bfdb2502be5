//! The agent: what a user holds, driven from outside with scripted models.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod anything;
mod cancel;
mod hooks;
mod interrupts;
mod invocations;
mod matrix;
mod order;
mod prompts;
mod recovery;
mod tools;
mod waits;
mod wraps;
