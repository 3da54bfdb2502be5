//! Whatever stands in an exported session, it is read or refused; and what is read is the same when it was written
//! again, and can be gone on with.
//!
//! `cargo +nightly fuzz run export -- -max_total_time=60`, in `crates/ropewalk-session`. With a stable compiler,
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run export …` does as well.
#![no_main]
#![allow(dead_code)]

#[path = "../../tests/hostile/mod.rs"]
mod hostile;

use hostile::read_export;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    read_export(input);
});
