//! How long something takes, by the clock on the wall and by the processor's.

use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use crate::peer::Failure;
use crate::process::cpu_time;
use crate::report::Report;

/// How often something is timed of which the middle one counts.
const ROUNDS: usize = 9;

/// What a number of runs took.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

/// A run under way.
#[derive(Debug)]
#[must_use = "it ends with `Timing::stop`"]
pub struct Running {
    wall: Instant,
    cpu: Duration,
}

impl Timing {
    /// No runs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a run.
    pub fn start() -> Running {
        Running { wall: Instant::now(), cpu: cpu_time() }
    }

    /// Ends a run.
    pub fn stop(&mut self, running: Running) {
        self.wall.push(running.wall.elapsed().as_secs_f64());
        self.cpu.push((cpu_time() - running.cpu).as_secs_f64());
    }

    /// The middle one of the runs, by the wall and by the processor, in microseconds.
    pub fn medians(&self) -> (f64, f64) {
        (median(self.wall.clone()) * 1e6, median(self.cpu.clone()) * 1e6)
    }

    /// What a run took on average, by the wall, in microseconds.
    pub fn mean(&self) -> f64 {
        self.wall.iter().sum::<f64>() / self.wall.len().max(1) as f64 * 1e6
    }

    /// Adds all runs to a report, in seconds.
    pub(crate) fn report(&self, report: Report) -> Report {
        report.with("wall_s", self.wall.clone()).with("cpu_s", self.cpu.clone())
    }
}

impl Running {
    /// When it began.
    pub(crate) fn since(&self) -> (Instant, Duration) {
        (self.wall, self.cpu)
    }
}

/// The middle one; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The processor's nanoseconds for something that is done `times` times at once: the middle one of nine rounds.
pub fn nanoseconds(times: usize, mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let start = cpu_time();
        for _ in 0..times {
            work();
        }
        (cpu_time() - start).as_secs_f64() / times as f64 * 1e9
    };
    median((0..ROUNDS).map(round).collect())
}

/// The same for something that is awaited.
///
/// # Errors
/// There is no runtime to be had, or what is done failed.
pub fn nanoseconds_later(
    times: usize,
    mut work: impl AsyncFnMut() -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let runtime = Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let start = cpu_time();
            for _ in 0..times {
                work().await?;
            }
            rounds.push((cpu_time() - start).as_secs_f64() / times as f64 * 1e9);
        }
        Ok(median(rounds))
    })
}
