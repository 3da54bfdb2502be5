//! §1.7 Sync and async rules.

use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;

use crate::support::{Count, Notes, says};

struct Bell(Notes);
impl BaseHookEvent for Bell {}

async fn slow(event: &mut Bell) {
    event.0.add("slow begins");
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    event.0.add("slow ends");
}

/// §1.7 "The async dispatcher awaits coroutine functions and calls plain functions inline, strictly
/// one after the other"
#[tokio::test]
async fn async_callbacks_are_awaited_one_after_the_other() {
    let mut registry = HookRegistry::new();
    registry.add_callback(|event: &Bell| event.0.add("first"));
    registry.add_callback(slow);
    registry.add_callback(|event: &Bell| event.0.add("last"));
    let notes = Notes::default();
    registry.invoke_callbacks_async(Bell(notes.clone())).await.unwrap();
    assert_eq!(notes.take(), ["first", "slow begins", "slow ends", "last"]);
}

/// §1.7 "calls plain functions inline on the event-loop thread"
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_callbacks_are_called_on_the_thread_of_the_dispatch() {
    struct Where(Option<std::thread::ThreadId>);
    impl BaseHookEvent for Where {}
    let mut registry = HookRegistry::new();
    registry.add_callback(|event: &mut Where| event.0 = Some(std::thread::current().id()));
    let (event, _) = registry.invoke_callbacks_async(Where(None)).await.unwrap();
    assert_eq!(event.0, Some(std::thread::current().id()));
}

/// §1.7 "The sync dispatcher refuses … if any registered callback for that event is a coroutine
/// function — before calling any"
#[tokio::test]
async fn the_sync_dispatcher_refuses_async_callbacks_before_it_calls_any() {
    let mut registry = HookRegistry::new();
    registry.add_callback(|event: &Bell| event.0.add("first"));
    registry.add_callback(callback(slow).named("slow one"));
    let notes = Notes::default();
    let error = registry.invoke_callbacks(Bell(notes.clone())).err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Hook);
    assert!(error.to_string().contains("`slow one` for Bell is async"), "{error}");
    assert!(notes.take().is_empty());
}

/// §1.7 "Registering a coroutine function for AgentInitialized is rejected". Not here: building an
/// agent is async, so that they are simply awaited.
#[tokio::test]
async fn async_callbacks_for_agent_initialized_are_awaited() {
    async fn look(notes: &Notes, event: &AgentInitializedEvent) {
        tokio::task::yield_now().await;
        notes.add(event.agent().name());
    }
    let notes = Notes::default();
    let hook = bind(notes.clone(), look);
    Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .name("Anna")
        .hook(hook)
        .build()
        .await
        .unwrap();
    assert_eq!(notes.take(), ["Anna"]);
}

/// §1.7 "An object whose call operator is async is called but never awaited — silently does nothing
/// (WEAK, Appendix A 25)". Here the compiler knows what is async, also of a value with a method.
#[tokio::test]
async fn an_object_with_an_async_method_is_awaited() {
    struct Policy {
        word: &'static str,
    }
    impl Policy {
        async fn check(&self, event: &mut Bell) -> HookResult {
            tokio::task::yield_now().await;
            event.0.add(self.word);
            Ok(())
        }
    }
    let mut registry = HookRegistry::new();
    registry.add_callback(bind(Policy { word: "checked" }, Policy::check));
    let notes = Notes::default();
    registry.invoke_callbacks_async(Bell(notes.clone())).await.unwrap();
    assert_eq!(notes.take(), ["checked"]);
}

/// §1.7 "Return values are ignored". Not here: what a callback returns is nothing, or a result, and an
/// error in it counts.
#[tokio::test]
async fn an_error_that_an_async_callback_returns_counts() {
    async fn fails(_: &mut Bell) -> HookResult {
        tokio::task::yield_now().await;
        Err("no".into())
    }
    let mut registry = HookRegistry::new();
    registry.add_callback(fails);
    assert!(registry.invoke_callbacks_async(Bell(Notes::default())).await.is_err());
}

/// Not in §1.7: an async callback has a time limit, after which it has failed. In Strands a hook that
/// hangs hangs the agent.
#[tokio::test(start_paused = true)]
async fn an_async_callback_that_takes_too_long_has_failed() {
    async fn hangs(event: &mut Bell) {
        event.0.add("hangs");
        std::future::pending::<()>().await;
    }
    let mut registry = HookRegistry::new();
    registry.add_callback(callback(hangs).timeout(Duration::from_secs(5)).named("stuck"));
    let notes = Notes::default();
    let before = tokio::time::Instant::now();
    let error = registry.invoke_callbacks_async(Bell(notes)).await.err().expect("an error");
    assert_eq!(before.elapsed().as_secs(), 5);
    assert!(error.to_string().contains("`stuck`") && error.to_string().contains("5 s"), "{error}");
}

/// Not in §1.7: an observer that hangs is left behind, and the run goes on.
#[tokio::test(start_paused = true)]
async fn an_async_observer_that_takes_too_long_stops_nothing() {
    async fn hangs(_: &BeforeModelCallEvent) {
        std::future::pending::<()>().await;
    }
    let later = Count::default();
    let counter = later.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(hangs)
        .hook(move |_: &BeforeModelCallEvent| {
            counter.up();
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
    assert_eq!(later.get(), 1);
}
