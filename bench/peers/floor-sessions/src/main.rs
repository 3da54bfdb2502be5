//! No library: the conversation that somebody keeps by hand, each message a line of a file or a row of a table. A
//! program of its own: the loop by hand does not link a database.

mod lines;
mod message;
mod rows;

use std::process::ExitCode;

use bench_common::{Arguments, NotOffered};

use lines::Lines;
use rows::Rows;

fn main() -> ExitCode {
    let arguments = Arguments::from_env();
    bench_common::finish(match (arguments.workload(), arguments.text("store")) {
        ("session", Some("file")) => bench_common::session::<Lines>(&arguments),
        ("session", Some("sqlite")) => bench_common::session::<Rows>(&arguments),
        _ => Err(NotOffered.into()),
    })
}
