//! One conversation that grows.

use serde_json::json;

use crate::arguments::Arguments;
use crate::called::marks;
use crate::peer::{Failure, Peer, Source};
use crate::report::Report;
use crate::timing::Timing;
use crate::workload::{check, cycles, open};

pub(super) async fn run<P: Peer>(arguments: &Arguments) -> Result<Report, Failure> {
    let count = arguments.number("n", 1000);
    let source = match arguments.text("model") {
        Some("process") => Source::Process { calls: count },
        _ => Source::Server,
    };
    let peer = open::<P>(arguments, source).await?;
    let mut agent = peer.agent().await?;
    let mut timing = Timing::new();
    let running = Timing::start();
    let (wall, cpu) = running.since();
    let answer = P::ask(&mut agent, cycles(count)).await?;
    timing.stop(running);
    check(&answer, count)?;
    let marks = marks().into_iter().map(|mark| {
        let wall = mark.wall.duration_since(wall).as_secs_f64();
        json!([mark.call, wall, (mark.cpu - cpu).as_secs_f64()])
    });
    let report = Report::new().with("cycles", count).with("marks", marks.collect::<Vec<_>>());
    Ok(timing.report(report))
}
