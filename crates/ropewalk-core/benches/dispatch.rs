//! What a dispatch costs, beside a bare loop over the same callbacks in the same run. The target: at
//! most 5 ns and no allocation with no callback; ten sync callbacks at most 1.5 times, ten async ones
//! at most 1.3 times the bare loop.
//!
//! What is timed is a thousand dispatches, each of an event of its own, which is handed over and given
//! back: that of an agent is another one each time, too.
//!
//! ```console
//! $ cargo bench -p ropewalk-core --bench dispatch
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use divan::{AllocProfiler, Bencher};
use ropewalk_core::{BaseHookEvent, BoxError, HookRegistry, HookResult, InterruptScope, callback};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const COUNTS: [usize; 4] = [0, 1, 10, 50];

/// An event that can't be interrupted.
struct Plain {
    hits: u64,
}

impl BaseHookEvent for Plain {}

/// An event with a scope to ask from.
struct Scoped {
    hits: u64,
    scope: InterruptScope,
}

impl BaseHookEvent for Scoped {
    const INTERRUPTIBLE: bool = true;

    fn interrupt_scope(&self) -> Option<&InterruptScope> {
        Some(&self.scope)
    }
}

trait Counts: BaseHookEvent {
    fn fresh() -> Self;
    fn hit(&mut self, by: u64);
}

impl Counts for Plain {
    fn fresh() -> Self {
        Self { hits: 0 }
    }

    fn hit(&mut self, by: u64) {
        self.hits = self.hits.wrapping_add(black_box(by));
    }
}

impl Counts for Scoped {
    fn fresh() -> Self {
        Self { hits: 0, scope: InterruptScope::new("v1:bench", []) }
    }

    fn hit(&mut self, by: u64) {
        self.hits = self.hits.wrapping_add(black_box(by));
    }
}

fn main() {
    divan::main();
}

struct Other;

impl BaseHookEvent for Other {}

/// A registry with callbacks for another event: with none for this one, it still has to look.
fn busy_elsewhere() -> HookRegistry {
    let mut registry = HookRegistry::new();
    registry.add_callback(|_: &Other| {});
    registry
}

/// Awaits what is ready at once. In line, as `.await` is: the future is made where it is polled.
#[inline(always)]
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the callbacks are ready at once"),
    }
}

#[divan::bench_group(sample_count = 1000, sample_size = 1000)]
mod sync {
    use super::*;

    type Bare<E> = Vec<Box<dyn Fn(&mut E) -> Result<(), BoxError> + Send + Sync>>;

    #[divan::bench(types = [Plain, Scoped], args = COUNTS)]
    fn bare_loop<E: Counts>(bencher: Bencher<'_, '_>, count: usize) {
        let mut callbacks: Bare<E> = Vec::new();
        for by in 0..count as u64 {
            callbacks.push(Box::new(move |event| {
                event.hit(by);
                Ok(())
            }));
        }
        bencher.with_inputs(E::fresh).bench_local_values(|mut event| {
            for callback in black_box(&callbacks) {
                callback(&mut event).unwrap();
            }
            event
        });
    }

    #[divan::bench(types = [Plain, Scoped], args = COUNTS)]
    fn registry<E: Counts>(bencher: Bencher<'_, '_>, count: usize) {
        let mut registry = busy_elsewhere();
        for by in 0..count as u64 {
            registry.add_callback(move |event: &mut E| -> HookResult {
                event.hit(by);
                Ok(())
            });
        }
        bencher
            .with_inputs(E::fresh)
            .bench_local_values(|event| black_box(&registry).invoke_callbacks(event).unwrap().0);
    }
}

#[divan::bench_group(sample_count = 1000, sample_size = 1000)]
mod r#async {
    use super::*;

    type Later<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;
    type Bare<E> = Vec<Box<dyn for<'a> Fn(&'a mut E) -> Later<'a> + Send + Sync>>;

    #[divan::bench(types = [Plain, Scoped], args = COUNTS)]
    fn bare_loop<E: Counts>(bencher: Bencher<'_, '_>, count: usize) {
        let mut callbacks: Bare<E> = Vec::new();
        for _ in 0..count {
            callbacks.push(Box::new(move |event| {
                Box::pin(async move {
                    event.hit(1);
                    Ok(())
                })
            }));
        }
        bencher.with_inputs(E::fresh).bench_local_values(|mut event| {
            ready(async {
                for callback in black_box(&callbacks) {
                    callback(&mut event).await.unwrap();
                }
            });
            event
        });
    }

    #[divan::bench(types = [Plain, Scoped], args = COUNTS)]
    fn registry<E: Counts>(bencher: Bencher<'_, '_>, count: usize) {
        let mut registry = busy_elsewhere();
        for _ in 0..count {
            registry.add_callback(async |event: &mut E| -> HookResult {
                event.hit(1);
                Ok(())
            });
        }
        bencher.with_inputs(E::fresh).bench_local_values(|event| {
            ready(black_box(&registry).invoke_callbacks_async(event)).unwrap().0
        });
    }
}

/// Callbacks that wait once: in a box, whoever calls them.
#[divan::bench_group(sample_count = 500, sample_size = 200)]
mod waiting {
    use super::*;

    type Later<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;
    type Bare = Vec<Box<dyn for<'a> Fn(&'a mut Plain) -> Later<'a> + Send + Sync>>;

    const COUNTS: [usize; 2] = [1, 10];

    async fn once() {
        let mut waited = false;
        poll_fn(
            |_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending },
        )
        .await;
    }

    /// Polls a future to its end.
    fn driven<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(output) = polled {
                return output;
            }
        }
    }

    fn registry_of(count: usize, timed: bool) -> HookRegistry {
        let mut registry = busy_elsewhere();
        for _ in 0..count {
            let waits = callback(async |event: &mut Plain| -> HookResult {
                once().await;
                event.hit(1);
                Ok(())
            });
            registry.add_callback(if timed { waits } else { waits.without_timeout() });
        }
        registry
    }

    #[divan::bench(args = COUNTS)]
    fn bare_loop(bencher: Bencher<'_, '_>, count: usize) {
        let mut callbacks: Bare = Vec::new();
        for _ in 0..count {
            callbacks.push(Box::new(move |event| {
                Box::pin(async move {
                    once().await;
                    event.hit(1);
                    Ok(())
                })
            }));
        }
        bencher.with_inputs(Plain::fresh).bench_local_values(|mut event| {
            driven(async {
                for callback in black_box(&callbacks) {
                    callback(&mut event).await.unwrap();
                }
            });
            event
        });
    }

    #[divan::bench(args = COUNTS)]
    fn registry(bencher: Bencher<'_, '_>, count: usize) {
        let registry = registry_of(count, false);
        bencher.with_inputs(Plain::fresh).bench_local_values(|event| {
            driven(black_box(&registry).invoke_callbacks_async(event)).unwrap().0
        });
    }

    /// In a runtime, where each callback has its time limit.
    #[divan::bench(args = COUNTS)]
    fn registry_with_time_limits(bencher: Bencher<'_, '_>, count: usize) {
        let registry = registry_of(count, true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _inside = runtime.enter();
        bencher.with_inputs(Plain::fresh).bench_local_values(|event| {
            driven(black_box(&registry).invoke_callbacks_async(event)).unwrap().0
        });
    }
}
