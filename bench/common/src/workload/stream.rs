//! One answer of many pieces.

use crate::arguments::Arguments;
use crate::peer::{Failure, Peer, Source};
use crate::report::Report;
use crate::timing::Timing;
use crate::workload::open;

pub(super) async fn run<P: Peer>(arguments: &Arguments) -> Result<Report, Failure> {
    let tokens = arguments.number("tokens", 20_000);
    let flush = arguments.number("flush", 0);
    let peer = open::<P>(arguments, Source::Server).await?;
    let mut timing = Timing::new();
    let mut pieces = 0;
    for _ in 0..arguments.number("reps", 6) {
        let mut agent = peer.agent().await?;
        let prompt = format!("BENCH loop=0 tokens={tokens} flush={flush}");
        let running = Timing::start();
        pieces = P::listen(&mut agent, prompt).await?.pieces;
        timing.stop(running);
        if pieces < tokens {
            return Err(format!("{pieces} pieces came in place of {tokens}").into());
        }
    }
    Ok(timing.report(Report::new().with("tokens", tokens).with("pieces", pieces)))
}
