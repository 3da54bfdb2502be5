//! Callbacks in a bare list: the least that a dispatch can cost.

use std::hint::black_box;
use std::pin::Pin;

use bench_common::{Arguments, Failure, NotOffered, Report, nanoseconds, nanoseconds_later};

/// How many callbacks there are.
const COUNTS: [usize; 4] = [0, 1, 10, 50];

/// How many events are dispatched at once.
const SYNC: usize = 1_000_000;
const ASYNC: usize = 500_000;

type Later<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;
type Callback = Box<dyn Fn(&mut Event) -> Result<(), Failure> + Send + Sync>;
type AsyncCallback = Box<dyn for<'a> Fn(&'a mut Event) -> Later<'a> + Send + Sync>;

struct Event {
    hits: u64,
}

/// All counts and kinds.
pub(crate) fn all() -> Result<Report, Failure> {
    let mut report = Report::new();
    for count in COUNTS {
        let callbacks = callbacks(count);
        let mut event = Event { hits: 0 };
        let bare = nanoseconds(SYNC / (count + 1), || dispatch(&callbacks, &mut event));
        report = report.with(&format!("sync_{count}"), bare);

        let callbacks = async_callbacks(count);
        let later = nanoseconds_later(ASYNC / (count + 1), event, async |mut event| {
            dispatch_later(&callbacks, &mut event).await;
            Ok(event)
        });
        report = report.with(&format!("async_{count}"), later?);
    }
    Ok(report)
}

/// One count and kind, so many times, for whoever counts instructions.
pub(crate) fn some(arguments: &Arguments) -> Result<Report, Failure> {
    let (count, times) = (arguments.number("hooks", 10), arguments.number("n", 1000));
    let mut event = Event { hits: 0 };
    match arguments.text("kind") {
        Some("sync") => {
            let callbacks = callbacks(count);
            (0..times).for_each(|_| dispatch(&callbacks, &mut event));
        }
        Some("async") => {
            let callbacks = async_callbacks(count);
            block_on(async {
                for _ in 0..times {
                    dispatch_later(&callbacks, &mut event).await;
                }
            })?;
        }
        _ => return Err(NotOffered.into()),
    }
    Ok(Report::new().with("hits", event.hits))
}

fn callbacks(count: usize) -> Vec<Callback> {
    let callback = |by: usize| -> Callback {
        Box::new(move |event| {
            event.hits = event.hits.wrapping_add(black_box(by as u64));
            Ok(())
        })
    };
    (0..count).map(callback).collect()
}

fn async_callbacks(count: usize) -> Vec<AsyncCallback> {
    let callback = |by: usize| -> AsyncCallback {
        Box::new(move |event| {
            Box::pin(async move {
                event.hits = event.hits.wrapping_add(black_box(by as u64));
                Ok(())
            })
        })
    };
    (0..count).map(callback).collect()
}

fn dispatch(callbacks: &[Callback], event: &mut Event) {
    for callback in black_box(callbacks) {
        if callback(event).is_err() {
            break;
        }
    }
}

async fn dispatch_later(callbacks: &[AsyncCallback], event: &mut Event) {
    for callback in black_box(callbacks) {
        if callback(event).await.is_err() {
            break;
        }
    }
}

fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}
