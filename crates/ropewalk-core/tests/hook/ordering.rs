//! Order numbers, handles, and callbacks that are made before they are registered.

use pretty_assertions::assert_eq;

use super::*;

fn ordered() -> HookRegistry {
    registry_of(|registry| {
        registry.add_callback(callback(noting("last")).order(order::SDK_LAST));
        registry.add_callback(noting("1"));
        registry.add_callback(callback(noting("first")).order(order::SDK_FIRST));
        registry.add_callback(noting("2"));
        registry.add_callback(callback(noting("routing")).order(order::MODEL_ROUTING));
        registry.add_callback(callback(noting("3")).order(order::DEFAULT));
        registry.add_callback(callback(noting("before first")).order(i32::MIN));
    })
}

#[tokio::test]
async fn lower_order_numbers_are_called_first() {
    let (notes, _) = dispatch(&ordered(), Probe::new()).await;
    assert_eq!(notes, ["before first", "first", "1", "2", "3", "routing", "last"]);
}

#[tokio::test]
async fn an_event_that_ends_something_reverses_equals_only() {
    let event = Probe { reverse: true, ..Probe::new() };
    let (notes, _) = dispatch(&ordered(), event).await;
    assert_eq!(notes, ["before first", "first", "3", "2", "1", "routing", "last"]);
}

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

#[test]
fn an_event_type_may_say_for_all_its_events_that_it_ends_something() {
    struct End(Vec<&'static str>);
    impl BaseHookEvent for End {
        const REVERSE: bool = true;
    }
    let registry = registry_of(|registry| {
        registry.add_callback(|event: &mut End| event.0.push("1"));
        registry.add_callback(|event: &mut End| event.0.push("2"));
    });
    assert_eq!(registry.invoke_callbacks(End(vec![])).unwrap().0.0, ["2", "1"]);
}

#[tokio::test]
async fn every_shape_can_be_made_a_callback_first() {
    struct Policy;
    impl Policy {
        fn now(&self, event: &mut Probe) {
            event.note("method");
        }
        async fn later(&self, event: &mut Probe) -> HookResult {
            event.note("async method");
            Ok(())
        }
    }
    async fn later(event: &mut Probe) -> HookResult {
        event.note("async function");
        Ok(())
    }
    let registry = registry_of(|registry| {
        registry.add_callback(callback(bind(Policy, Policy::now)).order(1));
        registry.add_callback(callback(bind(Policy, Policy::later)).named("later").order(-1));
        registry.add_callback(callback(later).without_timeout());
        registry.add_callback(callback(|event: &mut Probe| event.note("closure")).order(2));
        registry.add_callback(callback(async |event: &mut Probe| event.note("async closure")));
        registry.add_callback(callback(callback(|_: &Probe| {}).order(7)).named("twice"));
    });
    let (notes, _) = dispatch(&registry, Probe::new()).await;
    assert_eq!(notes, ["async method", "async function", "async closure", "method", "closure"]);
    let names: Vec<_> = registry.get_callbacks_for(&Probe::new()).map(|c| c.name()).collect();
    assert_eq!((names[0], names[5]), ("later", "twice"));
}

#[test]
fn a_made_callback_may_be_registered_more_than_once() {
    let made = callback(noting("x")).named("x");
    let registry = registry_of(|registry| {
        registry.add_callback(made.clone());
        registry.add_callback(made);
    });
    assert_eq!(registry.invoke_callbacks(Probe::new()).unwrap().0.notes, ["x", "x"]);
}

#[test]
fn a_handle_takes_back_what_it_stands_for_and_only_once() {
    let mut registry = HookRegistry::new();
    let one = registry.add_callback(noting("1"));
    let two = registry.add_callback(noting("2"));
    assert_ne!(one, two);
    let copy = registry.clone();
    assert!(registry.remove(one) && !registry.remove(one));
    assert_eq!(registry.invoke_callbacks(Probe::new()).unwrap().0.notes, ["2"]);
    assert_eq!(copy.invoke_callbacks(Probe::new()).unwrap().0.notes, ["1", "2"]);
    assert!(registry.remove(two));
    assert!(!registry.listens_to::<Probe>() && !registry.has_callbacks());
}

#[test]
fn a_handle_of_another_registry_stands_for_nothing() {
    let mut registry = HookRegistry::new();
    registry.add_callback(noting("1"));
    let foreign = HookRegistry::new().add_callback(noting("1"));
    assert!(!registry.remove(foreign) && registry.has_callbacks());
}

#[test]
fn what_is_not_async_any_more_can_be_called_without_awaiting() {
    let mut registry = HookRegistry::new();
    let later = registry.add_callback(async |_: &Probe| {});
    registry.add_callback(noting("1"));
    assert!(registry.invoke_callbacks(Probe::new()).is_err());
    registry.remove(later);
    assert!(registry.invoke_callbacks(Probe::new()).is_ok());
}
