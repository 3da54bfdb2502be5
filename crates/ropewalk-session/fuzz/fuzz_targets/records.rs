//! Whatever stands in the lines of a session, it is read or refused; and what is read is the same when it was
//! written again.
//!
//! `cargo +nightly fuzz run records -- -max_total_time=60`, in `crates/ropewalk-session`. With a stable compiler,
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run records …` does as well.
#![no_main]
#![allow(dead_code)]

#[path = "../../tests/hostile/mod.rs"]
mod hostile;

use futures_executor::block_on;
use hostile::{HEADER, kept, read_in_every_way, sealed};
use libfuzzer_sys::fuzz_target;

// A line of the input is a record, which gets its number and its checksum here. After `!` it is a line as it is;
// the first one after `@` is the header.
fuzz_target!(|input: &str| {
    let (header, input) = match input.strip_prefix('@').and_then(|rest| rest.split_once('\n')) {
        Some(parts) => parts,
        None => (HEADER, input),
    };
    let line = |(seq, text): (u64, &str)| match text.strip_prefix('!') {
        Some(line) => line.to_owned(),
        None => sealed(seq, text),
    };
    let lines: Vec<String> = (0..).zip(input.lines()).map(line).collect();
    let _ = block_on(async { read_in_every_way(&kept(header, &lines, None).await).await });
});
