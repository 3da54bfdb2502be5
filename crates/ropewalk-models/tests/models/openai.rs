//! Chat completions.

mod aimock;
mod conversations;
mod errors;
pub(crate) mod kit;
mod listing;
mod request;
mod stream;
