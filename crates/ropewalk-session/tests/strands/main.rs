//! Sessions in Strands' files: read as Strands wrote them, written as Strands reads them.
#![allow(clippy::unwrap_used)]

mod bad;
#[path = "../copied/mod.rs"]
mod copied;
mod interrupts;
mod read;
mod support;
mod takeover;
mod write;
