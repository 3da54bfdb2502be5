//! Sessions in Strands' files: read as Strands wrote them, written as Strands reads them.
#![allow(clippy::unwrap_used)]

mod bad;
mod interrupts;
mod read;
mod support;
mod takeover;
mod write;
