//! Dispatching an event, and a bare loop over the same callbacks: what the goals of W7 are about.

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::task::Poll;

use futures_executor::block_on;
use ropewalk_core::{BaseHookEvent, HookRegistry, HookResult, InterruptScope};

use super::Case;

pub(super) const CASES: &[Case] = &[
    ("bare loop: 10 sync callbacks", bare),
    ("bare loop: 10 async callbacks that await nothing", |times| bare_later(times, false)),
    ("bare loop: 10 async callbacks that wait once", |times| bare_later(times, true)),
    ("dispatch: no callback", |times| plain(0, times)),
    ("dispatch: 1 sync callback", |times| plain(1, times)),
    ("dispatch: 10 sync callbacks", |times| plain(10, times)),
    ("dispatch: 10 sync callbacks that may ask", scoped),
    ("dispatch: 10 async callbacks that await nothing", |times| later(times, false)),
    ("dispatch: 10 async callbacks that wait once", |times| later(times, true)),
    ("registry: a copy of one with 30 callbacks for 3 events, and one more", copied),
];

/// An event that can't be interrupted.
struct Plain(u64);

impl BaseHookEvent for Plain {}

/// An event with a scope to ask from.
struct Scoped(u64, InterruptScope);

impl BaseHookEvent for Scoped {
    const INTERRUPTIBLE: bool = true;

    fn interrupt_scope(&self) -> Option<&InterruptScope> {
        Some(&self.1)
    }
}

struct Other;

impl BaseHookEvent for Other {}

struct Third;

impl BaseHookEvent for Third {}

type Callback = Box<dyn Fn(&mut Plain) -> HookResult + Send + Sync>;
type Later<'a> = Pin<Box<dyn Future<Output = HookResult> + Send + 'a>>;
type CallbackLater = Box<dyn for<'a> Fn(&'a mut Plain) -> Later<'a> + Send + Sync>;

fn bare(times: usize) {
    let mut callbacks: Vec<Callback> = Vec::new();
    for by in 0..10 {
        callbacks.push(Box::new(move |event| {
            event.0 = event.0.wrapping_add(black_box(by));
            Ok(())
        }));
    }
    let mut event = Plain(0);
    for _ in 0..times {
        let called = black_box(&callbacks).iter().try_for_each(|callback| callback(&mut event));
        assert!(called.is_ok(), "a callback failed");
    }
}

fn bare_later(times: usize, waits_once: bool) {
    let mut callbacks: Vec<CallbackLater> = Vec::new();
    for _ in 0..10 {
        if waits_once {
            callbacks.push(Box::new(|event| {
                Box::pin(async move {
                    waits().await;
                    event.0 = event.0.wrapping_add(black_box(1));
                    Ok(())
                })
            }));
        } else {
            callbacks.push(Box::new(|event| {
                Box::pin(async move {
                    event.0 = event.0.wrapping_add(black_box(1));
                    Ok(())
                })
            }));
        }
    }
    let mut event = Plain(0);
    for _ in 0..times {
        let called = block_on(async {
            for callback in black_box(&callbacks) {
                callback(&mut event).await?;
            }
            HookResult::Ok(())
        });
        assert!(called.is_ok(), "a callback failed");
    }
}

/// A registry with callbacks for another event: with none for this one, it still has to look.
fn busy_elsewhere() -> HookRegistry {
    let mut registry = HookRegistry::new();
    registry.add_callback(|_: &Other| {});
    registry
}

fn plain(callbacks: u64, times: usize) {
    let mut registry = busy_elsewhere();
    for by in 0..callbacks {
        registry.add_callback(move |event: &mut Plain| -> HookResult {
            event.0 = event.0.wrapping_add(black_box(by));
            Ok(())
        });
    }
    let mut event = Some(Plain(0));
    for _ in 0..times {
        event = event
            .and_then(|event| black_box(&registry).invoke_callbacks(event).ok())
            .map(|it| it.0);
    }
    assert!(event.is_some(), "a callback failed");
}

fn scoped(times: usize) {
    let mut registry = busy_elsewhere();
    for by in 0..10 {
        registry.add_callback(move |event: &mut Scoped| -> HookResult {
            event.0 = event.0.wrapping_add(black_box(by));
            Ok(())
        });
    }
    let mut event = Some(Scoped(0, InterruptScope::new("v1:bench", [])));
    for _ in 0..times {
        event = event
            .and_then(|event| black_box(&registry).invoke_callbacks(event).ok())
            .map(|it| it.0);
    }
    assert!(event.is_some(), "a callback failed");
}

/// Ready when it is asked the second time.
async fn waits() {
    let mut asked = false;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn later(times: usize, waits_once: bool) {
    let mut registry = busy_elsewhere();
    for _ in 0..10 {
        if waits_once {
            registry.add_callback(async |event: &mut Plain| -> HookResult {
                waits().await;
                event.0 = event.0.wrapping_add(black_box(1));
                Ok(())
            });
        } else {
            registry.add_callback(async |event: &mut Plain| -> HookResult {
                event.0 = event.0.wrapping_add(black_box(1));
                Ok(())
            });
        }
    }
    let mut event = Some(Plain(0));
    for _ in 0..times {
        event = event
            .and_then(|event| block_on(black_box(&registry).invoke_callbacks_async(event)).ok())
            .map(|it| it.0);
    }
    assert!(event.is_some(), "a callback failed");
}

/// What it takes to add a callback to a registry that others share.
fn copied(times: usize) {
    let mut registry = HookRegistry::new();
    for _ in 0..10 {
        registry.add_callback(|_: &Plain| {});
        registry.add_callback(|_: &Scoped| {});
        registry.add_callback(|_: &Third| {});
    }
    for _ in 0..times {
        let mut copy = black_box(&registry).clone();
        copy.add_callback(|_: &Other| {});
        black_box(copy);
    }
}
