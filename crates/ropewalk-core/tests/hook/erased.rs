//! Callbacks for several event types, and for all.

use pretty_assertions::assert_eq;

use super::*;

struct Start(Vec<&'static str>);
impl BaseHookEvent for Start {}

struct End(Vec<&'static str>);
impl BaseHookEvent for End {}

/// Notes in whichever of the two it is.
fn mark(event: &mut AnyEvent) {
    if let Some(event) = event.get_mut::<Start>() {
        event.0.push("start");
    }
    if let Some(event) = event.get_mut::<End>() {
        event.0.push("end");
    }
}

#[test]
fn one_callback_serves_several_types_and_one_handle_takes_it_back() {
    let mut registry = HookRegistry::new();
    let handle = registry.add_callback_for::<(Start, End), _>(mark);
    registry.add_callback(|event: &mut Start| event.0.push("own"));
    assert_eq!(registry.invoke_callbacks(Start(vec![])).unwrap().0.0, ["start", "own"]);
    assert_eq!(registry.invoke_callbacks(End(vec![])).unwrap().0.0, ["end"]);
    assert!(!registry.listens_to::<Probe>());
    assert!(registry.remove(handle) && !registry.remove(handle));
    assert_eq!(registry.invoke_callbacks(Start(vec![])).unwrap().0.0, ["own"]);
    assert!(!registry.listens_to::<End>());
}

#[test]
fn a_type_that_is_named_twice_has_it_once() {
    let registry =
        registry_of(|registry| registry.add_callback_for::<(Start, End, Start, Start), _>(mark));
    assert_eq!(registry.invoke_callbacks(Start(vec![])).unwrap().0.0, ["start"]);
}

#[tokio::test]
async fn every_shape_serves_several_types_with_order_and_name() {
    struct Policy;
    impl Policy {
        async fn later(&self, event: &mut AnyEvent) -> HookResult {
            tokio::task::yield_now().await;
            event.get_mut::<Start>().ok_or("no start")?.0.push("method");
            Ok(())
        }
    }
    async fn looks(event: &AnyEvent) {
        tokio::task::yield_now().await;
        assert!(event.get::<End>().is_none() && event.name() == "Start");
    }
    let log = Log::default();
    let seen = Arc::clone(&log);
    let registry = registry_of(|registry| {
        registry.add_callback_for::<(Start, End), _>(callback(mark).order(1).named("mark"));
        registry.add_callback_for::<(Start,), _>(bind(Policy, Policy::later));
        registry.add_callback_for::<(Start, End), _>(looks);
        registry.add_callback_for::<(Start, End), _>(async |event: &mut AnyEvent| {
            event.get_mut::<Start>().unwrap().0.push("async closure");
        });
        registry.add_callback_for::<(Start, End), _>(move |event: &AnyEvent| {
            seen.lock().unwrap().push(event.name());
        });
    });
    let (event, _) = registry.invoke_callbacks_async(Start(vec![])).await.unwrap();
    assert_eq!(event.0, ["method", "async closure", "start"]);
    assert_eq!(*log.lock().unwrap(), ["Start"]);
    let callbacks: Vec<_> = registry.get_callbacks_for(&End(vec![])).collect();
    assert_eq!((callbacks.len(), callbacks[3].name()), (4, "mark"));
    assert_eq!(callbacks[0].kind(), CallbackKind::Observer);
}

#[tokio::test]
async fn a_callback_for_several_types_may_ask_and_fail_like_any_other() {
    let registry = registry_of(|registry| {
        registry.add_callback_for::<(Probe, Start), _>(|event: &mut AnyEvent| -> HookResult {
            let Some(probe) = event.get_mut::<Probe>() else { return Err("not now".into()) };
            probe.ask("q").map(|_| ())
        })
    });
    assert_eq!(dispatch(&registry, Probe::interruptible()).await.1[0].name, "q");
    let error = registry.invoke_callbacks(Start(vec![])).err().unwrap().to_string();
    assert!(error.contains("failed at Start: not now"), "{error}");
}

mod all {
    use pretty_assertions::assert_eq;

    use super::*;

    type Seen = Arc<Mutex<Vec<(&'static str, EventOutcome)>>>;

    fn watching(seen: &Seen) -> impl Fn(&ObservedEvent) + Send + Sync + 'static {
        let seen = Arc::clone(seen);
        move |event| seen.lock().unwrap().push((event.name(), event.outcome()))
    }

    #[tokio::test]
    async fn an_observer_of_all_sees_every_event_once_after_its_callbacks() {
        let seen = Seen::default();
        let log = Log::default();
        let notes = Arc::clone(&log);
        let registry = registry_of(|registry| {
            registry.observe_all(watching(&seen));
            registry.observe_all(move |event: &ObservedEvent| {
                notes.lock().unwrap().extend(event.get::<Probe>().map(|probe| probe.notes[0]));
            });
            registry.add_callback(noting("changed"));
        });
        assert!(registry.listens_to::<End>() && registry.has_callbacks());
        dispatch(&registry, Probe::new()).await;
        registry.invoke_callbacks(Start(vec![])).unwrap();
        registry.invoke_callbacks_async(End(vec![])).await.unwrap();
        let went_on = |name| (name, EventOutcome::Continued);
        assert_eq!(*seen.lock().unwrap(), [went_on("Probe"), went_on("Start"), went_on("End")]);
        assert_eq!(*log.lock().unwrap(), ["changed"]);
    }

    #[tokio::test]
    async fn it_sees_how_the_callbacks_ended() {
        let seen = Seen::default();
        let asks = registry_of(|registry| {
            registry.observe_all(watching(&seen));
            registry.add_callback(asking("q"));
        });
        asks.invoke_callbacks(Probe::interruptible()).unwrap();
        dispatch(&asks, Probe::interruptible()).await;
        for add in [
            |r: &mut HookRegistry| {
                r.add_callback(|_: &mut Probe| -> HookResult { Err("no".into()) })
            },
            |r: &mut HookRegistry| {
                r.add_callback(|_: &mut Probe| -> HookResult { panic!("no floor") })
            },
        ] {
            let fails = registry_of(|registry| {
                add(registry);
                registry.observe_all(watching(&seen));
            });
            fails.invoke_callbacks(Probe::new()).err().expect("an error");
        }
        let later = registry_of(|registry| {
            registry.add_callback(async |_: &mut Probe| -> HookResult { panic!("no floor") });
            registry.observe_all(watching(&seen));
        });
        later.invoke_callbacks_async(Probe::new()).await.err().expect("an error");
        let outcomes: Vec<_> = seen.lock().unwrap().iter().map(|(_, outcome)| *outcome).collect();
        use EventOutcome::{Asked, Failed};
        assert_eq!(outcomes, [Asked, Asked, Failed, Failed, Failed]);
    }

    #[tokio::test]
    async fn one_that_fails_or_panics_stops_neither_the_step_nor_the_others() {
        async fn later(_: &ObservedEvent) -> HookResult {
            tokio::task::yield_now().await;
            Err("not today".into())
        }
        let seen = Seen::default();
        let registry = registry_of(|registry| {
            registry.observe_all(|_: &ObservedEvent| -> HookResult { Err("not today".into()) });
            registry.observe_all(|_: &ObservedEvent| -> HookResult { panic!("no floor") });
            registry.observe_all(callback(watching(&seen)).order(1));
        });
        registry.invoke_callbacks(Start(vec![])).unwrap();
        let mut registry = registry;
        registry.observe_all(later);
        registry.observe_all(async |_: &ObservedEvent| -> HookResult { panic!("no floor") });
        registry.invoke_callbacks_async(Start(vec![])).await.unwrap();
        assert_eq!(seen.lock().unwrap().len(), 2);
    }

    #[test]
    fn an_async_one_keeps_an_event_from_being_called_without_awaiting() {
        let registry = registry_of(|registry| {
            registry.add_callback(|_: &mut Start| -> HookResult { panic!("called") });
            registry.observe_all(async |_: &ObservedEvent| {});
        });
        for error in [
            registry.invoke_callbacks(Start(vec![])).err(),
            registry.invoke_callbacks(End(vec![])).err(),
        ] {
            let text = error.unwrap().to_string();
            assert!(text.contains("invoke_callbacks_async"), "{text}");
        }
    }

    #[test]
    fn it_can_be_taken_back() {
        let mut registry = HookRegistry::new();
        let handle = registry.observe_all(|_: &ObservedEvent| -> HookResult { panic!("called") });
        assert!(registry.remove(handle) && !registry.remove(handle));
        assert!(!registry.listens_to::<Start>() && !registry.has_callbacks());
    }
}
