//! What the programs have in common that do the same work with different libraries: their command line, the
//! workloads, the clocks, and the line that says what was measured.
//!
//! A program is `peer WORKLOAD [NAME=VALUE…]`. It prints `RESULT {…}` at last; its exit status is 3 if it does not
//! offer what was asked for. In its environment stand `BENCH_URL`, the server's address, and `BENCH_RT`, `ct` for a
//! runtime of one thread in place of one of many.

mod arguments;
mod called;
mod peer;
mod process;
mod report;
mod runtime;
mod session;
mod timing;
mod workload;

use std::process::ExitCode;

pub use arguments::Arguments;
pub use called::{called, calls};
pub use peer::{Answer, Exchange, Failure, NotOffered, Peer, Setting, Source};
pub use process::{cpu_time, resident_kb};
pub use report::Report;
pub use runtime::runtime;
pub use session::{Keeping, Kept, folder, session, synced};
pub use timing::{Running, Timing, nanoseconds, nanoseconds_later};

/// What the agents are told before the conversation.
pub const SYSTEM_PROMPT: &str = "You are a bench.";

/// What the tools say they do.
pub const TOOL_DESCRIPTION: &str = "Add two integers.";

/// The names of the tools of an idle agent.
pub const IDLE_TOOLS: [&str; 5] = ["tool0", "tool1", "tool2", "tool3", "tool4"];

/// The key that the server does not look at.
pub const KEY: &str = "sk-bench";

/// The address of the server's interface.
pub fn server() -> String {
    std::env::var("BENCH_URL").unwrap_or_else(|_| "http://127.0.0.1:8808/v1".to_owned())
}

/// Does the workload that the command line names, with this library.
pub fn run<P: Peer>(arguments: &Arguments) -> ExitCode {
    finish(workload::run::<P>(arguments))
}

/// Prints what was measured, or why nothing was.
pub fn finish(outcome: Result<Report, Failure>) -> ExitCode {
    match outcome {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(if failure.is::<NotOffered>() { 3 } else { 1 })
        }
    }
}
