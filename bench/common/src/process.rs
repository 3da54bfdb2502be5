//! What this process has used.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The processor's time of all threads, in the program and in the system for it.
pub fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// The memory that is held, in KB.
pub fn resident_kb() -> u64 {
    status("VmRSS:")
}

/// The most memory that was ever held, in KB.
pub(crate) fn peak_kb() -> u64 {
    status("VmHWM:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
