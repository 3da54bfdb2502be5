//! Does one thing so many times, for a tool that counts the instructions: `bench-instructions NAME TIMES`. What one time
//! takes is the difference of two runs, divided by that of their times; `bench/instructions/run` does that.

mod agent;
mod codec;
mod dispatch;

use std::process::ExitCode;

/// What is counted: its name, and what does it so many times.
pub(crate) type Case = (&'static str, fn(usize));

fn main() -> ExitCode {
    let cases = [agent::CASES, codec::CASES, dispatch::CASES].concat();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["--list"] {
        cases.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    let [name, times] = &arguments[..] else {
        eprintln!("usage: bench-instructions NAME TIMES, or --list for the names");
        return ExitCode::from(2);
    };
    let case = cases.iter().find(|(known, _)| known == name);
    match (case, times.parse()) {
        (Some((_, case)), Ok(times)) => {
            case(times);
            ExitCode::SUCCESS
        }
        (None, _) => {
            eprintln!("there is no `{name}`: see --list");
            ExitCode::from(2)
        }
        (_, Err(error)) => {
            eprintln!("`{times}` is no number of times: {error}");
            ExitCode::from(2)
        }
    }
}
