//! §1.6 Ordering.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{TestJournal, echo};
use crate::support::{Notes, one_call, says};

/// An event of our own, forward or reverse.
struct Bell {
    rung: Vec<&'static str>,
    reverse: bool,
}

impl BaseHookEvent for Bell {
    fn should_reverse_callbacks(&self) -> bool {
        self.reverse
    }
}

/// A relative of it: has all that it has.
struct GreatBell(Bell);
impl BaseHookEvent for GreatBell {}

fn rings(name: &'static str) -> HookCallback<Bell> {
    callback(move |event: &mut Bell| event.rung.push(name))
}

fn rung(registry: &HookRegistry, reverse: bool) -> Vec<&'static str> {
    registry.invoke_callbacks(Bell { rung: Vec::new(), reverse }).unwrap().0.rung
}

/// §1.6 "kept per exact event type. Registering for a base class never receives subclasses"
#[tokio::test]
async fn callbacks_are_called_for_their_exact_type_only() {
    let mut registry = HookRegistry::new();
    registry.add_callback(rings("bell"));
    assert!(registry.listens_to::<Bell>() && !registry.listens_to::<GreatBell>());
    let great = GreatBell(Bell { rung: Vec::new(), reverse: false });
    let (great, _) = registry.invoke_callbacks(great).unwrap();
    assert!(great.0.rung.is_empty());
    assert_eq!(rung(&registry, false), ["bell"]);
}

/// §1.6 "Forward events: registration order. Reverse events: reverse registration order."
#[tokio::test]
async fn forward_and_reverse() {
    let mut registry = HookRegistry::new();
    for name in ["one", "two", "three"] {
        registry.add_callback(rings(name));
    }
    assert_eq!(rung(&registry, false), ["one", "two", "three"]);
    assert_eq!(rung(&registry, true), ["three", "two", "one"]);
}

/// §1.6 [≥1.43] "numeric order (default 0); lower runs first"
#[tokio::test]
async fn lower_order_numbers_run_first() {
    let mut registry = HookRegistry::new();
    registry.add_callback(rings("late").order(7));
    registry.add_callback(rings("default"));
    registry.add_callback(rings("early").order(-7));
    registry.add_callback(rings("default too").order(0));
    assert_eq!(rung(&registry, false), ["early", "default", "default too", "late"]);
}

/// §1.6 Named levels
#[test]
fn the_named_levels_are_those_of_strands() {
    let levels = [
        order::SDK_FIRST,
        order::INTERVENTION_OUTPUT,
        order::DEFAULT,
        order::MODEL_ROUTING,
        order::INTERVENTION_INPUT,
        order::SDK_LAST,
    ];
    assert_eq!(levels, [-100, -90, 0, 50, 90, 100]);
}

/// §1.6 [≥1.43] "reverse events reverse only within an equal-order group (ran: first, d2, d1, last)"
#[tokio::test]
async fn reverse_turns_round_equals_only() {
    let mut registry = HookRegistry::new();
    registry.add_callback(rings("last").order(order::SDK_LAST));
    registry.add_callback(rings("d1"));
    registry.add_callback(rings("d2"));
    registry.add_callback(rings("first").order(order::SDK_FIRST));
    assert_eq!(rung(&registry, true), ["first", "d2", "d1", "last"]);
}

/// §1.6 Built-in registration order. Not as in Strands, where built-ins and users share one list:
/// whoever runs the agent has a tier around all others, whatever their numbers, so that nobody can
/// come before its guards or after its audit.
#[tokio::test]
async fn the_hosts_hooks_stand_around_all_others() {
    let notes = Notes::default();
    let note = |text: &'static str| {
        let notes = notes.clone();
        move || notes.add(text)
    };
    let (before_user, after_user) = (note("user before"), note("user after"));
    let (before_host, after_host) = (note("host before"), note("host after"));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(
            callback(move |_: &BeforeInvocationEvent| before_user()).order(order::SDK_FIRST - 1000),
        )
        .hook(callback(move |_: &AfterInvocationEvent| after_user()).order(order::SDK_LAST + 1000))
        .host_hook(callback(move |_: &BeforeInvocationEvent| before_host()).order(order::SDK_LAST))
        .host_hook(callback(move |_: &AfterInvocationEvent| after_host()).order(order::SDK_FIRST))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["host before", "user before", "user after", "host after"]);
}

/// §1.6 Not in Strands: hooks of the agent come behind those of its blueprint, those of one invocation
/// behind both.
#[tokio::test]
async fn hooks_of_the_agent_and_of_the_invocation_come_last() {
    let notes = Notes::default();
    let note = |text: &'static str| {
        let notes = notes.clone();
        move |_: &BeforeInvocationEvent| notes.add(text)
    };
    let model = ScriptedModel::new([Reply::text("ok"), Reply::text("ok")]);
    let builder = Agent::builder().no_callback_handler().model(model).hook(note("blueprint"));
    let mut agent = builder.build().await.unwrap();
    agent.add_hook(note("agent"));
    agent.invocation("q").hook(note("invocation")).await.unwrap();
    assert_eq!(notes.take(), ["blueprint", "agent", "invocation"]);
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["blueprint", "agent"]);
}

/// §1.6 "on reverse events user callbacks run before the session manager (state changed in
/// AfterInvocation is persisted)"
#[tokio::test]
async fn what_after_invocation_changes_is_stored() {
    let journal = MemoryJournal::new();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .session(journal.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .hook(|event: &AfterInvocationEvent| event.invocation_state().set("seen", "by the hook"))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let stored = Run::new(journal.run_id()).replay(journal.load().await.unwrap()).unwrap();
    assert_eq!(stored.state()["seen"], json!("by the hook"));
}

/// §1.6 "on MessageAdded the session manager writes before user callbacks see the message"
#[tokio::test]
async fn a_message_is_stored_before_it_is_announced() {
    let journal = TestJournal::new();
    let notes = Notes::default();
    let (log, stored) = (notes.clone(), journal.clone());
    async fn look((notes, journal): &(Notes, TestJournal), event: &MessageAddedEvent) {
        let records = serde_json::to_string(&journal.records().await).unwrap();
        let text = event.message().text();
        notes.add(format!("{text} {}", records.contains(&text)));
    }
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("answered"))
        .session(journal)
        .hook(bind((log, stored), look))
        .build()
        .await
        .unwrap();
    agent.invoke("asked").await.unwrap();
    assert_eq!(notes.take(), ["asked true", "answered true"]);
}
