//! Programs in a folder as tools.
#![cfg(all(unix, feature = "directory"))]
#![allow(clippy::unwrap_used, missing_docs)]

mod agent;
mod calls;
mod files;
mod specs;
mod support;
mod watching;
