//! Ropewalk with five hooks, sessions in SQLite, and a subscriber that takes all spans; and its sessions by themselves.
//! A program of its own: who does not use a database does not link one.

mod sessions;
mod shape;
mod spans;

use std::process::ExitCode;

use bench_common::Arguments;
use ropewalk_agents::Agents;

use sessions::Place;
use shape::Full;

fn main() -> ExitCode {
    let arguments = Arguments::from_env();
    match arguments.workload() {
        "session" => bench_common::finish(bench_common::session::<Place>(&arguments)),
        _ => bench_common::run::<Agents<Full>>(&arguments),
    }
}
