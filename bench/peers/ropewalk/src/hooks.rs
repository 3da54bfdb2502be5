//! What a dispatch costs.

use std::hint::black_box;

use bench_common::{Arguments, Failure, NotOffered, Report, nanoseconds, nanoseconds_later};
use ropewalk::{BaseHookEvent, Error, HookRegistry, HookResult};

/// How many callbacks there are.
const COUNTS: [usize; 4] = [0, 1, 10, 50];

/// How many events are dispatched at once.
const SYNC: usize = 1_000_000;
const ASYNC: usize = 500_000;

struct Tick {
    hits: u64,
}

impl BaseHookEvent for Tick {}

/// Another event: who has callbacks for it only must still look whether there are some for a tick.
struct Other;

impl BaseHookEvent for Other {}

/// All counts and kinds. Each dispatch has an event of its own, as that of an agent has.
pub(crate) fn all() -> Result<Report, Failure> {
    let mut report = Report::new();
    for count in COUNTS {
        let registry = callbacks(count);
        let mut failed = None;
        let sync = nanoseconds(SYNC / (count + 1), || {
            if let Err(error) = dispatch(&registry) {
                failed = Some(error);
            }
        });
        failed.map_or(Ok(()), Err)?;
        report = report.with(&format!("sync_{count}"), sync);

        let registry = async_callbacks(count);
        let later = nanoseconds_later(ASYNC / (count + 1), async || {
            dispatch_later(&registry).await?;
            Ok(())
        });
        report = report.with(&format!("async_{count}"), later?);
    }
    Ok(report)
}

/// One count and kind, so many times, for whoever counts instructions.
pub(crate) fn some(arguments: &Arguments) -> Result<Report, Failure> {
    let (count, times) = (arguments.number("hooks", 10), arguments.number("n", 1000));
    match arguments.text("kind") {
        Some("sync") => {
            let registry = callbacks(count);
            (0..times).try_for_each(|_| dispatch(&registry))?;
        }
        Some("async") => {
            let registry = async_callbacks(count);
            block_on(async {
                for _ in 0..times {
                    dispatch_later(&registry).await?;
                }
                Ok::<_, Error>(())
            })??;
        }
        _ => return Err(NotOffered.into()),
    }
    Ok(Report::new())
}

fn callbacks(count: usize) -> HookRegistry {
    let mut registry = HookRegistry::new();
    registry.add_callback(|_: &Other| {});
    for by in 0..count as u64 {
        registry.add_callback(move |event: &mut Tick| -> HookResult {
            event.hits = event.hits.wrapping_add(black_box(by));
            Ok(())
        });
    }
    registry
}

fn async_callbacks(count: usize) -> HookRegistry {
    let mut registry = HookRegistry::new();
    registry.add_callback(|_: &Other| {});
    for _ in 0..count {
        registry.add_callback(async |event: &mut Tick| -> HookResult {
            event.hits = event.hits.wrapping_add(black_box(1));
            Ok(())
        });
    }
    registry
}

fn dispatch(registry: &HookRegistry) -> Result<(), Error> {
    let event = Tick { hits: black_box(0) };
    black_box(black_box(registry).invoke_callbacks(event)?.0);
    Ok(())
}

async fn dispatch_later(registry: &HookRegistry) -> Result<(), Error> {
    let event = Tick { hits: black_box(0) };
    black_box(black_box(registry).invoke_callbacks_async(event).await?.0);
    Ok(())
}

fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}
