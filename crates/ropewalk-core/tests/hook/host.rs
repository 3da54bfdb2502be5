//! The tier of the host, which only the core can write: compiled into the core by
//! `src/hook/registry.rs`.

use crate::{
    BaseHookEvent, HookHandle, HookProvider, HookRegistry, ObservedEvent, Tier, callback, order,
};

struct Trace {
    notes: Vec<&'static str>,
    reverse: bool,
}

impl BaseHookEvent for Trace {
    fn should_reverse_callbacks(&self) -> bool {
        self.reverse
    }
}

fn noting(note: &'static str) -> impl Fn(&mut Trace) + Send + Sync + 'static {
    move |event| event.notes.push(note)
}

fn notes(registry: &HookRegistry, reverse: bool) -> Vec<&'static str> {
    let event = Trace { notes: Vec::new(), reverse };
    registry.invoke_callbacks(event).map(|(event, _)| event.notes).unwrap_or_default()
}

/// Two callbacks of a host, and their handles.
fn host() -> (HookRegistry, [HookHandle; 2]) {
    let mut host = HookRegistry::new();
    let one = host.add_callback(noting("host 1"));
    let two = host.add_callback(noting("host 2"));
    (host, [one, two])
}

#[test]
fn the_host_stands_around_all_others_whatever_their_order() {
    let mut registry = HookRegistry::new();
    registry.add_callback(callback(noting("user last")).order(order::SDK_LAST));
    registry.add_callback(noting("user"));
    registry.add_host(&host().0);
    registry.add_callback(callback(noting("user first")).order(i32::MIN));
    let forward = ["host 1", "host 2", "user first", "user", "user last"];
    assert_eq!(notes(&registry, false), forward);
    // The host has the last word; order numbers count the same way round in each tier.
    let reverse = ["user first", "user", "user last", "host 2", "host 1"];
    assert_eq!(notes(&registry, true), reverse);
    let tiers: Vec<Tier> =
        registry.pipeline().events[0].callbacks.iter().map(|callback| callback.tier).collect();
    assert_eq!(tiers, [Tier::Host, Tier::Host, Tier::User, Tier::User, Tier::User]);
}

#[test]
fn what_the_host_has_can_not_be_removed() {
    let (mut host, [one, two]) = host();
    let all = host.observe_all(|_: &ObservedEvent| {});
    let mut registry = HookRegistry::new();
    let user = registry.add_callback(noting("user"));
    registry.add_host(&host);
    for handle in [one, two, all] {
        assert!(!registry.remove(handle));
    }
    assert!(registry.remove(user));
    assert_eq!(notes(&registry, false), ["host 1", "host 2"]);
    assert_eq!(registry.pipeline().observers.len(), 1);
    assert!(host.remove(one), "its own registry is the host's");
    assert_eq!(notes(&registry, false), ["host 1", "host 2"]);
}

#[test]
fn a_provider_can_neither_see_nor_replace_what_the_host_has() {
    struct Rogue(HookHandle);
    impl HookProvider for Rogue {
        fn register_hooks(&self, registry: &mut HookRegistry) {
            assert!(!registry.remove(self.0));
            *registry = HookRegistry::new();
            registry.add_callback(noting("rogue"));
        }
    }
    let (host, [one, _]) = host();
    let mut registry = HookRegistry::new();
    registry.add_host(&host);
    registry.add_callback(noting("user"));
    registry.add_hook(&Rogue(one));
    assert_eq!(notes(&registry, false), ["host 1", "host 2", "rogue"]);
}

#[test]
fn merging_puts_the_other_users_behind_and_keeps_orders_and_handles() {
    let mut own = HookRegistry::new();
    own.add_callback(noting("own"));
    own.add_host(&host().0);
    let mut other = HookRegistry::new();
    other.add_callback(callback(noting("early")).order(-1));
    let late = other.add_callback(noting("other"));
    other.add_host(&host().0);
    let mut merged = own.merged(&other);
    assert_eq!(notes(&merged, false), ["host 1", "host 2", "early", "own", "other"]);
    assert!(merged.remove(late));
    assert_eq!(notes(&merged, false), ["host 1", "host 2", "early", "own"]);
    assert_eq!(notes(&own, false), ["host 1", "host 2", "own"]);
    assert_eq!(notes(&own.merged(&HookRegistry::new()), true), ["own", "host 2", "host 1"]);
    assert_eq!(notes(&HookRegistry::new().merged(&other), false), ["early", "other"]);
}
