//! Agents that do nothing: what each takes of memory, and how long it takes to make one.

use crate::arguments::Arguments;
use crate::peer::{Exchange, Failure, Peer, Setting, Source};
use crate::process::resident_kb;
use crate::report::Report;
use crate::timing::Timing;

pub(super) async fn run<P: Peer>(arguments: &Arguments) -> Result<Report, Failure> {
    let agents = arguments.number("agents", 1000);
    let setting = Setting { source: Source::Server, idle: true, arguments: arguments.clone() };
    let peer = P::open(setting).await?;
    let mut kept = Vec::with_capacity(agents + 1);
    // The first one brings what all share.
    kept.push(peer.idle(agents, said(agents)).await?);
    let before = resident_kb();
    let mut timing = Timing::new();
    let running = Timing::start();
    for number in 0..agents {
        kept.push(peer.idle(number, said(number)).await?);
    }
    timing.stop(running);
    let after = resident_kb();
    drop(kept);
    let report =
        Report::new().with("agents", agents).with("before_kb", before).with("after_kb", after);
    Ok(timing.report(report))
}

/// What was said to an agent.
fn said(number: usize) -> impl Iterator<Item = Exchange> + Send {
    (0..2).map(move |at| Exchange {
        question: format!("question {number} {at} about the weather in some city"),
        answer: format!("answer {number} {at}: it is sunny and twenty degrees"),
    })
}
