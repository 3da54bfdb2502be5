//! A program that starts, asks once and ends.

use crate::arguments::Arguments;
use crate::peer::{Failure, Peer, Source};
use crate::report::Report;
use crate::workload::{check, cycles, open};

pub(super) async fn run<P: Peer>(arguments: &Arguments) -> Result<Report, Failure> {
    let mut agent = open::<P>(arguments, Source::Server).await?.agent().await?;
    let answer = P::ask(&mut agent, cycles(0)).await?;
    check(&answer, 0)?;
    // Whoever started this program looks at when its first line comes.
    println!("FIRST");
    Ok(Report::new())
}
