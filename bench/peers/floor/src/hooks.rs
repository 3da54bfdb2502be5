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

/// All counts and kinds. Each dispatch has an event of its own, as that of an agent has.
pub(crate) fn all() -> Result<Report, Failure> {
    let mut report = Report::new();
    for count in COUNTS {
        let callbacks = callbacks(count);
        let bare = nanoseconds(SYNC / (count + 1), || dispatch(&callbacks));
        report = report.with(&format!("sync_{count}"), bare);

        let callbacks = async_callbacks(count);
        let later = nanoseconds_later(ASYNC / (count + 1), async || {
            dispatch_later(&callbacks).await;
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
            let callbacks = callbacks(count);
            (0..times).for_each(|_| dispatch(&callbacks));
        }
        Some("async") => {
            let callbacks = async_callbacks(count);
            block_on(async {
                for _ in 0..times {
                    dispatch_later(&callbacks).await;
                }
            })?;
        }
        _ => return Err(NotOffered.into()),
    }
    Ok(Report::new())
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

fn dispatch(callbacks: &[Callback]) {
    let mut event = Event { hits: black_box(0) };
    for callback in black_box(callbacks) {
        if callback(&mut event).is_err() {
            break;
        }
    }
    black_box(event);
}

async fn dispatch_later(callbacks: &[AsyncCallback]) {
    let mut event = Event { hits: black_box(0) };
    for callback in black_box(callbacks) {
        if callback(&mut event).await.is_err() {
            break;
        }
    }
    black_box(event);
}

fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}
