//! Ropewalk as its builder gives it: its journal in memory, and nobody who listens to events or takes spans.

mod hooks;

use std::process::ExitCode;

use bench_common::Arguments;
use ropewalk_agents::{Agents, Bare};

fn main() -> ExitCode {
    let arguments = Arguments::from_env();
    match arguments.workload() {
        "hooks" => bench_common::finish(hooks::all()),
        "dispatch" => bench_common::finish(hooks::some(&arguments)),
        _ => bench_common::run::<Agents<Bare>>(&arguments),
    }
}
