//! What was found wrong once, and must stay right.

mod answers;
mod calls;
mod messages;
mod questions;
mod usage;
