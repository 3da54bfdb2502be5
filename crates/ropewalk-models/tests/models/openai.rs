//! Chat completions.

mod aimock;
mod errors;
mod kit;
mod listing;
mod request;
mod stream;
