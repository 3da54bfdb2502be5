//! How long an async callback may take.

use std::time::Duration;

use pretty_assertions::assert_eq;
use tokio::time::Instant;

use super::*;

async fn hangs(_: &mut Probe) -> HookResult {
    std::future::pending().await
}

async fn looks_for_ever(_: &Probe) {
    std::future::pending().await
}

async fn sleeps(event: &mut Probe) {
    tokio::time::sleep(Duration::from_secs(60)).await;
    event.note("slept");
}

/// Dispatches; gives the error's text and how long it took.
async fn fails(registry: &HookRegistry) -> (Error, Duration) {
    let start = Instant::now();
    let error = registry.invoke_callbacks_async(Probe::new()).await.err().expect("an error");
    (error, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_changer_that_hangs_fails_after_30_seconds_and_stops_its_step() {
    let log = Log::default();
    let after = Arc::clone(&log);
    let registry = registry_of(|registry| {
        registry.add_callback(hangs);
        registry.add_callback(move |_: &Probe| after.lock().unwrap().push("after"));
    });
    let (error, took) = fails(&registry).await;
    assert_eq!(error.kind(), ErrorKind::Hook);
    let text = error.to_string();
    assert!(text.contains("limits::hangs` failed at Probe: took longer than 30 s"), "{text}");
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<Error>());
    assert_eq!(cause.map(Error::kind), Some(ErrorKind::Timeout));
    assert!(took >= DEFAULT_TIMEOUT && took < DEFAULT_TIMEOUT * 2, "{took:?}");
    assert_eq!(*log.lock().unwrap(), <[&str; 0]>::default());
}

#[tokio::test(start_paused = true)]
async fn the_limit_and_the_name_are_those_that_were_said() {
    let limit = Duration::from_millis(1500);
    let registry = registry_of(|registry| {
        registry.add_callback(callback(hangs).timeout(limit).named("the gate"))
    });
    let (error, took) = fails(&registry).await;
    let text = error.to_string();
    assert_eq!(text, "hook `the gate` failed at Probe: took longer than 1.5 s");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_it_may_take_as_long_as_it_likes() {
    let registry = registry_of(|registry| {
        registry.add_callback(callback(sleeps).without_timeout());
    });
    assert_eq!(dispatch(&registry, Probe::new()).await.0, ["slept"]);
    let registry = registry_of(|registry| registry.add_callback(sleeps));
    assert!(fails(&registry).await.0.to_string().contains("took longer"));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_hangs_stops_nothing() {
    let registry = registry_of(|registry| {
        registry.add_callback(looks_for_ever);
        registry.add_callback(noting("after"));
        registry.observe_all(async |_: &ObservedEvent| std::future::pending::<()>().await);
    });
    let start = Instant::now();
    assert_eq!(dispatch(&registry, Probe::new()).await.0, ["after"]);
    assert!(start.elapsed() >= DEFAULT_TIMEOUT * 2, "{:?}", start.elapsed());
}

#[test]
fn outside_a_tokio_runtime_nothing_is_timed_and_all_works() {
    async fn yields(event: &mut Probe) {
        yield_by_hand().await;
        event.note("yielded");
    }
    let registry = registry_of(|registry| {
        registry.add_callback(callback(yields).timeout(Duration::ZERO));
    });
    let (event, _) =
        futures_executor::block_on(registry.invoke_callbacks_async(Probe::new())).unwrap();
    assert_eq!(event.notes, ["yielded"]);
}

/// Pending once.
async fn yield_by_hand() {
    let mut waited = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
