//! Whatever stands in a snapshot, it is used or passed over: the session opens; and a run that is read is the same
//! when it was written again, and can be gone on with.
//!
//! `cargo +nightly fuzz run snapshot -- -max_total_time=60`, in `crates/ropewalk-session`. With a stable compiler,
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run snapshot …` does as well.
#![no_main]
#![allow(dead_code)]

#[path = "../../tests/hostile/mod.rs"]
mod hostile;

use futures_executor::block_on;
use hostile::{HEADER, kept, read_in_every_way, sealed};
use libfuzzer_sys::fuzz_target;

// The input is a run, which gets its checksum here; after `!` it is the whole snapshot.
fuzz_target!(|input: &str| {
    let snapshot = match input.strip_prefix('!') {
        Some(snapshot) => snapshot.to_owned(),
        None => sealed(0, input),
    };
    let read = block_on(async { read_in_every_way(&kept(HEADER, &[], Some(&snapshot)).await).await });
    assert_eq!(read.expect("a snapshot that can't be used is as good as none"), 0);
});
