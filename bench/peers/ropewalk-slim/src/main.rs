//! Ropewalk in its default shape, built with no features but that of its model.

use std::process::ExitCode;

use bench_common::Arguments;
use ropewalk_agents::{Agents, Bare};

fn main() -> ExitCode {
    bench_common::run::<Agents<Bare>>(&Arguments::from_env())
}
