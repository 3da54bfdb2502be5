//! Many agents at once.

use crate::arguments::Arguments;
use crate::called::{calls, forget};
use crate::peer::{Failure, Peer, Source};
use crate::report::Report;
use crate::timing::Timing;
use crate::workload::{cycles, open};

pub(super) async fn run<P: Peer>(arguments: &Arguments) -> Result<Report, Failure> {
    let (agents, count) = (arguments.number("agents", 500), arguments.number("cycles", 5));
    let peer = open::<P>(arguments, Source::Server).await?;
    let mut timing = Timing::new();
    for _ in 0..arguments.number("reps", 6) {
        forget();
        let running = Timing::start();
        let mut tasks = Vec::with_capacity(agents);
        for _ in 0..agents {
            let mut agent = peer.agent().await?;
            tasks.push(tokio::spawn(async move { P::ask(&mut agent, cycles(count)).await }));
        }
        for task in tasks {
            task.await??;
        }
        timing.stop(running);
        if calls() != agents * count {
            return Err(format!("{} tool calls in place of {}", calls(), agents * count).into());
        }
    }
    Ok(timing.report(Report::new().with("agents", agents).with("cycles", count)))
}
