//! The runtime.

use std::env;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// The runtime of `#[tokio::main]`, or one of a single thread if `BENCH_RT` is `ct`.
///
/// # Errors
/// The system gives it no threads or no events.
pub fn runtime() -> io::Result<Runtime> {
    let single = env::var("BENCH_RT").is_ok_and(|flavour| flavour == "ct");
    let mut builder =
        if single { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}
