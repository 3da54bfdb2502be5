//! Chat completions.

mod aimock;
mod errors;
mod request;
mod stream;
