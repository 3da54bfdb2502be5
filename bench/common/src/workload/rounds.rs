//! One agent that calls its tool again and again, several times anew.

use crate::arguments::Arguments;
use crate::called::forget;
use crate::peer::{Failure, Peer, Source};
use crate::report::Report;
use crate::timing::Timing;
use crate::workload::{check, cycles, open};

/// How many cycles there are unless it is said.
pub(super) const CYCLES: usize = 100;

pub(super) async fn run<P: Peer>(arguments: &Arguments, source: Source) -> Result<Report, Failure> {
    let count = arguments.number("n", CYCLES);
    let peer = open::<P>(arguments, source).await?;
    let mut timing = Timing::new();
    for _ in 0..arguments.number("reps", 6) {
        forget();
        let mut agent = peer.agent().await?;
        let running = Timing::start();
        let answer = P::ask(&mut agent, cycles(count)).await?;
        timing.stop(running);
        check(&answer, count)?;
    }
    Ok(timing.report(Report::new().with("cycles", count)))
}
