//! §1.10 Registration API.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};

use crate::common::echo;
use crate::support::{Count, Notes, one_call, says};

struct Bell(Notes);
impl BaseHookEvent for Bell {}
struct Gong(Notes);
impl BaseHookEvent for Gong {}

fn ring(event: &mut Bell) {
    event.0.add("ring");
}

/// A provider that counts model calls.
struct Counting(Count);

impl HookProvider for Counting {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        let counter = self.0.clone();
        registry.add_callback(move |_: &BeforeModelCallEvent| {
            counter.up();
        });
    }
}

/// §1.10 add_callback(event_type, callback); [≥1.29] the type comes from the callback itself: the
/// compiler finds it, so that there is no missing annotation and no wrong type
#[test]
fn add_callback_takes_the_event_type_from_the_callback() {
    let mut registry = HookRegistry::new();
    registry.add_callback(ring);
    registry.add_callback(|event: &Gong| event.0.add("gong"));
    let notes = Notes::default();
    registry.invoke_callbacks(Bell(notes.clone())).unwrap();
    registry.invoke_callbacks(Gong(notes.clone())).unwrap();
    assert_eq!(notes.take(), ["ring", "gong"]);
}

/// §1.10 add_hook(provider)
#[tokio::test]
async fn add_hook_lets_the_provider_register() {
    let count = Count::default();
    let mut registry = HookRegistry::new();
    registry.add_hook(&Counting(count.clone()));
    assert!(registry.listens_to::<BeforeModelCallEvent>());
    let provider = Arc::new(Counting(count.clone()));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hooks([provider])
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(count.get(), 1);
}

/// §1.10 has_callbacks()
#[test]
fn has_callbacks() {
    let mut registry = HookRegistry::new();
    assert!(!registry.has_callbacks());
    registry.add_callback(ring);
    assert!(registry.has_callbacks());
}

/// §1.10 get_callbacks_for(event)
#[test]
fn get_callbacks_for_gives_them_in_the_order_of_the_call() {
    let mut registry = HookRegistry::new();
    registry.add_callback(callback(ring).named("second"));
    registry.add_callback(callback(ring).named("first").order(order::SDK_FIRST));
    let event = Bell(Notes::default());
    let names: Vec<_> = registry.get_callbacks_for(&event).map(HookCallback::name).collect();
    assert_eq!(names, ["first", "second"]);
}

/// §1.10 invoke_callbacks(event), invoke_callbacks_async(event) → (event, interrupts)
#[tokio::test]
async fn invoke_callbacks_gives_event_and_questions() {
    struct Asked(InterruptScope);
    impl BaseHookEvent for Asked {
        fn interrupt_scope(&self) -> Option<&InterruptScope> {
            Some(&self.0)
        }
    }
    let mut registry = HookRegistry::new();
    registry.add_callback(|event: &mut Asked| event.0.ask::<bool>("really?", "why").map(drop));
    let event = || Asked(InterruptScope::new("v1:own", []));
    let (_, open) = registry.invoke_callbacks(event()).unwrap();
    let (_, open_later) = registry.invoke_callbacks_async(event()).await.unwrap();
    assert_eq!((open.len(), open[0].name.as_str()), (1, "really?"));
    assert_eq!(open, open_later);
}

/// §1.10 "The same callback may be registered repeatedly and is then called repeatedly"
#[test]
fn a_callback_registered_twice_is_called_twice() {
    let mut registry = HookRegistry::new();
    registry.add_callback(ring);
    registry.add_callback(ring);
    let notes = Notes::default();
    registry.invoke_callbacks(Bell(notes.clone())).unwrap();
    assert_eq!(notes.take(), ["ring", "ring"]);
}

/// §1.10 "No removal API in any version". Not here (Appendix A 33): each registration gives a handle.
#[tokio::test]
async fn what_was_registered_can_be_removed() {
    let mut registry = HookRegistry::new();
    let handle = registry.add_callback(ring);
    assert!(registry.remove(handle));
    assert!(!registry.remove(handle), "it is gone");
    assert!(!registry.has_callbacks());

    let count = Count::default();
    let counter = count.clone();
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let handle = agent.add_hook(move |_: &BeforeModelCallEvent| {
        counter.up();
    });
    agent.invoke("q").await.unwrap();
    assert!(agent.remove_hook(handle));
    agent.invoke("q").await.unwrap();
    assert_eq!(count.get(), 1);
}

/// §1.10 / Appendix A 33: what is the host's can't be removed by who holds the agent
#[tokio::test]
async fn what_is_the_hosts_stays() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .host_hook(|event: &mut BeforeToolCallEvent| event.cancel_tool("house rules"))
        .build()
        .await
        .unwrap();
    let own = agent.add_hook(|event: &mut BeforeToolCallEvent| event.cancel_tool(false));
    assert!(agent.remove_hook(own));
    let tiers: Vec<_> = agent
        .hooks()
        .events
        .iter()
        .flat_map(|event| &event.callbacks)
        .map(|info| info.tier)
        .collect();
    assert_eq!(tiers, [Tier::Host]);
    agent.invoke("q").await.unwrap();
    assert_eq!(tool.count(), 0);
}

/// §1.10 Constructor hooks=[…] takes bare callables too [≥1.36]
#[tokio::test]
async fn the_builder_takes_functions_and_providers() {
    async fn look(_: &mut BeforeModelCallEvent) -> HookResult {
        Ok(())
    }
    let provider: Box<dyn HookProvider> = Box::new(Counting(Count::default()));
    let builder =
        Agent::builder().no_callback_handler().model(says("ok")).hook(look).hooks([provider]);
    let blueprint = builder.blueprint().unwrap();
    assert_eq!(blueprint.hooks().pipeline().events[0].callbacks.len(), 2);
}

/// §1.10 [≥1.27] agent.add_hook(callback, event_type=None)
#[tokio::test]
async fn an_agent_takes_hooks_of_its_own() {
    let count = Count::default();
    let counter = count.clone();
    let blueprint = Arc::new(
        Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([Reply::text("one"), Reply::text("two")]))
            .blueprint()
            .unwrap(),
    );
    let (mut one, mut two) = (blueprint.agent().await.unwrap(), blueprint.agent().await.unwrap());
    one.add_hook(move |_: &BeforeModelCallEvent| {
        counter.up();
    });
    two.invoke("q").await.unwrap();
    assert_eq!(count.get(), 0, "the other agent of the blueprint does not have it");
    one.invoke("q").await.unwrap();
    assert_eq!(count.get(), 1);
}

/// §1.10 [≥1.28] a list of event types, duplicates removed; [≥1.29] a union. An empty list and a type
/// that is no event do not compile (`tests/ui/core`).
#[test]
fn one_callback_for_several_types() {
    let mut registry = HookRegistry::new();
    let notes = Notes::default();
    let log = notes.clone();
    let handle = registry.add_callback_for::<(Bell, Gong, Bell), _>(move |event: &AnyEvent| {
        log.add(event.name());
    });
    registry.invoke_callbacks(Bell(Notes::default())).unwrap();
    registry.invoke_callbacks(Gong(Notes::default())).unwrap();
    assert_eq!(notes.take(), ["Bell", "Gong"]);
    assert!(registry.remove(handle));
    assert!(!registry.has_callbacks(), "one handle for all of them");
}

/// §1.10 [≥1.43] keyword order
#[test]
fn an_order_can_be_given_at_registration() {
    let mut registry = HookRegistry::new();
    registry.add_callback(callback(ring).order(order::INTERVENTION_INPUT));
    assert_eq!(registry.pipeline().events[0].callbacks[0].order, 90);
}

/// Not in §1.10: a callback for every event there is; it may only look.
#[tokio::test]
async fn an_observer_of_all_events_sees_each_once_with_its_outcome() {
    let mut registry = HookRegistry::new();
    let notes = Notes::default();
    let log = notes.clone();
    registry.observe_all(move |event: &ObservedEvent| {
        log.add(format!("{} {:?}", event.name(), event.outcome()));
    });
    registry.add_callback(|_: &mut Gong| -> HookResult { Err("cracked".into()) });
    registry.invoke_callbacks(Bell(Notes::default())).unwrap();
    assert!(registry.invoke_callbacks(Gong(Notes::default())).is_err());
    assert_eq!(notes.take(), ["Bell Continued", "Gong Failed"]);
}

/// §1.10 events of one's own go through the registry of an agent: its callbacks are called, those of the
/// host and those that see everything too
#[tokio::test]
async fn an_event_of_ones_own_goes_through_the_hooks_of_an_agent() {
    struct StockRanOut(Vec<&'static str>);
    impl BaseHookEvent for StockRanOut {}
    struct Audit(Notes);
    impl HookProvider for Audit {
        fn register_hooks(&self, registry: &mut HookRegistry) {
            let notes = self.0.clone();
            registry.observe_all(move |event: &ObservedEvent| notes.add(event.name()));
        }
    }
    let notes = Notes::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .host_hooks([Audit(notes.clone())])
        .host_hook(|event: &mut StockRanOut| event.0.push("host"))
        .hook(|event: &mut StockRanOut| event.0.push("builder"))
        .build()
        .await
        .unwrap();
    agent.add_hook(async |event: &mut StockRanOut| event.0.push("agent"));
    notes.take();
    let event = StockRanOut(Vec::new());
    let (event, asked) = agent.hook_registry().invoke_callbacks_async(event).await.unwrap();
    assert_eq!((event.0, asked.len()), (vec!["host", "builder", "agent"], 0));
    assert_eq!(notes.take(), ["StockRanOut"]);
}
