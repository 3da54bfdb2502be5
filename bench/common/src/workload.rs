//! The workloads. Each makes its agents itself, so that all libraries do the same.

mod cold;
mod concurrent;
mod history;
mod idle;
mod rounds;
mod stream;

use crate::arguments::Arguments;
use crate::called::calls;
use crate::peer::{Answer, Failure, NotOffered, Peer, Setting, Source};
use crate::report::Report;
use crate::runtime::runtime;

/// Does the one that the command line names.
pub(crate) fn run<P: Peer>(arguments: &Arguments) -> Result<Report, Failure> {
    let runtime = runtime()?;
    runtime.block_on(async {
        match arguments.workload() {
            "cold" => cold::run::<P>(arguments).await,
            "loop" => rounds::run::<P>(arguments, Source::Server).await,
            "inproc" => {
                let calls = arguments.number("n", rounds::CYCLES);
                rounds::run::<P>(arguments, Source::Process { calls }).await
            }
            "history" => history::run::<P>(arguments).await,
            "stream" => stream::run::<P>(arguments).await,
            "conc" => concurrent::run::<P>(arguments).await,
            "idle" => idle::run::<P>(arguments).await,
            _ => Err(NotOffered.into()),
        }
    })
}

/// The library, for agents that work.
async fn open<P: Peer>(arguments: &Arguments, source: Source) -> Result<P, Failure> {
    P::open(Setting { source, idle: false, arguments: arguments.clone() }).await
}

/// The prompt for so many cycles and a word at last.
fn cycles(count: usize) -> String {
    format!("BENCH loop={count} tokens=1")
}

/// That the work was done: the tool was called so many times and the word was said.
fn check(answer: &Answer, expected: usize) -> Result<(), Failure> {
    if calls() == expected && answer.text.contains("word") {
        return Ok(());
    }
    let text =
        format!("{} tool calls in place of {expected}, and at last: {:?}", calls(), answer.text);
    Err(text.into())
}
