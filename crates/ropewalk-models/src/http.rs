//! What every provider that speaks HTTP needs: a client, waiting times, and errors that say enough
//! and give away nothing.

mod client;
mod failure;
mod retry_after;
mod secrets;

pub(crate) use client::{client, shown};
pub(crate) use failure::{broken, refused};
pub(crate) use retry_after::retry_after;
pub(crate) use secrets::Secrets;
