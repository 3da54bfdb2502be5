//! Hooks: the shapes of callbacks, their order, and how they end.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;
#[path = "hook/erased.rs"]
mod erased;
#[path = "hook/limits.rs"]
mod limits;
#[path = "hook/many_types.rs"]
mod many_types;
#[path = "hook/ordering.rs"]
mod ordering;
#[path = "hook/pipeline.rs"]
mod pipeline;

use std::sync::{Arc, Mutex};

use ropewalk_core::*;
use serde_json::{Value, json};

/// An event of our own: callbacks write into it, and it may be interrupted.
struct Probe {
    notes: Vec<&'static str>,
    scope: Option<InterruptScope>,
    reverse: bool,
}

impl BaseHookEvent for Probe {
    fn should_reverse_callbacks(&self) -> bool {
        self.reverse
    }

    fn interrupt_scope(&self) -> Option<&InterruptScope> {
        self.scope.as_ref()
    }
}

impl Probe {
    fn new() -> Self {
        Self { notes: Vec::new(), scope: None, reverse: false }
    }

    fn interruptible() -> Self {
        Self { scope: Some(InterruptScope::new("v1:probe", [])), ..Self::new() }
    }

    fn answered(answers: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        // The ids come from asking once without an answer.
        let known = answers.into_iter().map(|(name, response)| {
            let error = InterruptScope::new("v1:probe", []).ask::<bool>(name, ()).unwrap_err();
            let question = *error.downcast::<InterruptException>().unwrap();
            Interrupt { response, ..question.into_interrupt() }
        });
        Self { scope: Some(InterruptScope::new("v1:probe", known)), ..Self::new() }
    }

    fn note(&mut self, note: &'static str) {
        self.notes.push(note);
    }

    fn ask(&mut self, name: &str) -> Result<bool, BoxError> {
        self.scope.as_ref().unwrap().ask(name, "why")
    }
}

type Log = Arc<Mutex<Vec<&'static str>>>;

/// A callback that asks under this name.
fn asking(name: &'static str) -> impl Fn(&mut Probe) -> HookResult + Send + Sync + 'static {
    move |event| {
        event.ask(name)?;
        event.note(name);
        Ok(())
    }
}

/// A callback that notes this.
fn noting(note: &'static str) -> impl Fn(&mut Probe) + Send + Sync + 'static {
    move |event| event.note(note)
}

async fn dispatch(registry: &HookRegistry, event: Probe) -> (Vec<&'static str>, Vec<Interrupt>) {
    let (event, interrupts) = registry.invoke_callbacks_async(event).await.unwrap();
    (event.notes, interrupts.into())
}

fn registry_of<Added>(add: impl FnOnce(&mut HookRegistry) -> Added) -> HookRegistry {
    let mut registry = HookRegistry::new();
    add(&mut registry);
    registry
}

mod shapes {
    use super::*;
    use pretty_assertions::assert_eq;

    fn observer_function(_: &Probe) {}

    fn changer_function(event: &mut Probe) -> HookResult {
        event.note("function");
        Ok(())
    }

    async fn async_observer(event: &Probe) {
        tokio::task::yield_now().await;
        assert!(!event.notes.is_empty());
    }

    async fn async_changer(event: &mut Probe) -> HookResult {
        tokio::task::yield_now().await;
        event.note("async function");
        Ok(())
    }

    struct Policy {
        note: &'static str,
        log: Log,
    }

    impl Policy {
        fn look(&self, _: &Probe) {
            self.log.lock().unwrap().push("bound observer");
        }

        fn change(&self, event: &mut Probe) -> Result<(), std::fmt::Error> {
            event.note("bound method");
            Ok(())
        }

        async fn change_later(&self, event: &mut Probe) -> HookResult {
            tokio::task::yield_now().await;
            event.note(self.note);
            Ok(())
        }

        async fn look_later(&self, event: &Probe) {
            tokio::task::yield_now().await;
            assert!(!event.notes.is_empty());
            self.log.lock().unwrap().push("bound async observer");
        }
    }

    #[tokio::test]
    async fn every_shape_of_callback_is_taken_and_called_in_order() {
        let log = Log::default();
        let policy = Arc::new(Policy { note: "bound async method", log: Arc::clone(&log) });
        let captured = Arc::clone(&log);
        let captured_later = Arc::clone(&log);
        let registry = registry_of(|registry| {
            registry.add_callback(observer_function);
            registry.add_callback(changer_function);
            registry.add_callback(async_observer);
            registry.add_callback(async_changer);
            registry.add_callback(move |_: &Probe| captured.lock().unwrap().push("observer"));
            registry.add_callback(|event: &mut Probe| event.note("closure"));
            registry.add_callback(|event: &mut Probe| -> Result<(), std::io::Error> {
                event.note("closure with a result");
                Ok(())
            });
            registry.add_callback(async |event: &mut Probe| event.note("async closure"));
            registry.add_callback(async |event: &mut Probe| -> HookResult {
                tokio::task::yield_now().await;
                event.note("async closure with a result");
                Ok(())
            });
            registry.add_callback(async |event: &Probe| assert!(!event.notes.is_empty()));
            registry.add_callback(move |_: &Probe| {
                let log = Arc::clone(&captured_later);
                log.lock().unwrap().push("second observer");
            });
            registry.add_callback(bind(Arc::clone(&policy), Policy::look));
            registry.add_callback(bind(Arc::clone(&policy), Policy::change));
            registry.add_callback(bind(Arc::clone(&policy), Policy::change_later));
            registry.add_callback(bind(
                Policy { note: "owned", log: Log::default() },
                Policy::change_later,
            ));
            registry.add_callback(bind(policy, Policy::look_later));
        });
        let (notes, interrupts) = dispatch(&registry, Probe::new()).await;
        assert_eq!(
            notes,
            [
                "function",
                "async function",
                "closure",
                "closure with a result",
                "async closure",
                "async closure with a result",
                "bound method",
                "bound async method",
                "owned",
            ],
        );
        assert_eq!(interrupts, []);
        assert_eq!(
            *log.lock().unwrap(),
            ["observer", "second observer", "bound observer", "bound async observer"],
        );
    }

    #[test]
    fn a_callback_says_what_it_may_do_and_who_it_is() {
        let registry = registry_of(|registry| {
            registry.add_callback(observer_function);
            registry.add_callback(async_changer);
        });
        let callbacks: Vec<_> = registry.get_callbacks_for(&Probe::new()).collect();
        assert_eq!(callbacks[0].kind(), CallbackKind::Observer);
        assert!(!callbacks[0].is_async() && callbacks[0].name().ends_with("observer_function"));
        assert_eq!(callbacks[1].kind(), CallbackKind::Changer);
        assert!(callbacks[1].is_async() && callbacks[1].name().ends_with("async_changer"));
    }

    #[tokio::test]
    async fn a_provider_brings_all_its_callbacks_shared_or_boxed() {
        struct Two;
        impl HookProvider for Two {
            fn register_hooks(&self, registry: &mut HookRegistry) {
                registry.add_callback(noting("one"));
                registry.add_callback(noting("two"));
            }
        }
        let registry = registry_of(|registry| {
            registry.add_hook(&Two);
            registry.add_hook(&Arc::new(Two));
            let boxed: Box<dyn HookProvider> = Box::new(Two);
            registry.add_hook(&boxed);
        });
        let (notes, _) = dispatch(&registry, Probe::new()).await;
        assert_eq!(notes, ["one", "two", "one", "two", "one", "two"]);
    }
}

mod sequence {
    use super::*;
    use pretty_assertions::assert_eq;

    fn three() -> HookRegistry {
        registry_of(|registry| {
            for note in ["1", "2", "3"] {
                registry.add_callback(noting(note));
            }
        })
    }

    #[tokio::test]
    async fn callbacks_are_called_in_the_order_of_registration() {
        assert_eq!(dispatch(&three(), Probe::new()).await.0, ["1", "2", "3"]);
    }

    #[tokio::test]
    async fn an_event_that_ends_something_calls_them_in_reverse() {
        let event = Probe { reverse: true, ..Probe::new() };
        assert_eq!(dispatch(&three(), event).await.0, ["3", "2", "1"]);
    }

    #[test]
    fn get_callbacks_for_gives_them_in_the_order_of_the_call() {
        let registry = registry_of(|registry| {
            registry.add_callback(|_: &Probe| {});
            registry.add_callback(|_: &mut Probe| {});
        });
        let kinds = |event: &Probe| -> Vec<CallbackKind> {
            registry.get_callbacks_for(event).map(HookCallback::kind).collect()
        };
        let forward = kinds(&Probe::new());
        assert_eq!(forward, [CallbackKind::Observer, CallbackKind::Changer]);
        let backward = kinds(&Probe { reverse: true, ..Probe::new() });
        assert_eq!(backward, [CallbackKind::Changer, CallbackKind::Observer]);
    }

    #[tokio::test]
    async fn one_callback_registered_twice_is_called_twice() {
        let registry = registry_of(|registry| {
            fn callback(event: &mut Probe) {
                event.note("x");
            }
            registry.add_callback(callback);
            registry.add_callback(callback);
        });
        assert_eq!(dispatch(&registry, Probe::new()).await.0, ["x", "x"]);
    }

    #[test]
    fn callbacks_are_kept_for_the_exact_event_type() {
        struct Other;
        impl BaseHookEvent for Other {}
        let registry = three();
        assert!(registry.listens_to::<Probe>() && !registry.listens_to::<Other>());
        assert_eq!(registry.get_callbacks_for(&Other).count(), 0);
        assert!(registry.has_callbacks() && !HookRegistry::new().has_callbacks());
    }

    #[tokio::test]
    async fn a_clone_is_a_registry_of_its_own() {
        let registry = three();
        let mut other = registry.clone();
        other.add_callback(noting("4"));
        assert_eq!(dispatch(&registry, Probe::new()).await.0.len(), 3);
        assert_eq!(dispatch(&other, Probe::new()).await.0.len(), 4);
    }
}

mod sync_dispatch {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn it_calls_all_and_gives_the_event_back() {
        let registry = registry_of(|registry| {
            registry.add_callback(noting("1"));
            registry.add_callback(asking("q"));
        });
        let (event, interrupts) = registry.invoke_callbacks(Probe::interruptible()).unwrap();
        assert_eq!(event.notes, ["1"]);
        assert_eq!(interrupts[0].name, "q");
    }

    #[test]
    fn it_refuses_async_callbacks_before_it_calls_any() {
        let log = Log::default();
        let called = Arc::clone(&log);
        let registry = registry_of(|registry| {
            registry.add_callback(move |_: &Probe| called.lock().unwrap().push("called"));
            registry.add_callback(async |_: &Probe| {});
        });
        let error = registry.invoke_callbacks(Probe::new()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Hook);
        assert!(error.to_string().contains("invoke_callbacks_async"), "{error}");
        assert_eq!(*log.lock().unwrap(), <[&str; 0]>::default());
    }

    #[test]
    fn a_panic_is_an_error() {
        fn guard(_: &mut Probe) {
            panic!("no floor");
        }
        let registry = registry_of(|registry| registry.add_callback(guard));
        let error = registry.invoke_callbacks(Probe::new()).err().unwrap();
        assert!(error.to_string().contains("panicked: no floor"), "{error}");
    }
}

mod failing {
    use super::*;
    use pretty_assertions::assert_eq;

    fn fails(_: &mut Probe) -> HookResult {
        Err("not today".into())
    }

    async fn fails_later(_: &mut Probe) -> HookResult {
        tokio::task::yield_now().await;
        Err("not today".into())
    }

    fn panics(_: &mut Probe) {
        panic!("no floor")
    }

    async fn panics_later(_: &mut Probe) {
        tokio::task::yield_now().await;
        panic!("no floor")
    }

    /// Panics when it is called, not when its future is awaited.
    fn panics_early(_: &mut Probe) -> std::future::Ready<HookResult> {
        panic!("no floor")
    }

    type Add = Box<dyn FnOnce(&mut HookRegistry) -> HookHandle>;

    /// Registers one callback with a note before and after it; gives the error and the notes.
    async fn error_of(
        add: impl FnOnce(&mut HookRegistry) -> HookHandle,
    ) -> (String, Vec<&'static str>) {
        let log = Log::default();
        let registry = registry_of(|registry| {
            let before = Arc::clone(&log);
            registry.add_callback(move |_: &Probe| before.lock().unwrap().push("before"));
            add(registry);
            let after = Arc::clone(&log);
            registry.add_callback(move |_: &Probe| after.lock().unwrap().push("after"));
        });
        let error = registry.invoke_callbacks_async(Probe::new()).await.err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::Hook);
        (error.to_string(), log.lock().unwrap().clone())
    }

    #[tokio::test]
    async fn users_15_15_a_guard_that_errs_or_panics_stops_its_step_and_is_named() {
        let cases: Vec<(&str, &str, Add)> = vec![
            ("::fails`", "not today", Box::new(|r| r.add_callback(fails))),
            ("::fails_later`", "not today", Box::new(|r| r.add_callback(fails_later))),
            ("::panics`", "panicked: no floor", Box::new(|r| r.add_callback(panics))),
            ("::panics_later`", "panicked: no floor", Box::new(|r| r.add_callback(panics_later))),
            ("::panics_early`", "panicked: no floor", Box::new(|r| r.add_callback(panics_early))),
        ];
        for (name, what, add) in cases {
            let (text, notes) = error_of(add).await;
            assert!(text.contains(name) && text.contains(what), "{text}");
            assert!(text.contains("at Probe"), "{text}");
            assert_eq!(notes, ["before"], "those after it are not called");
        }
    }

    #[tokio::test]
    async fn an_observer_that_errs_or_panics_stops_nothing() {
        let registry = registry_of(|registry| {
            registry.add_callback(|_: &Probe| -> HookResult { Err("not today".into()) });
            registry.add_callback(|_: &Probe| -> HookResult { panic!("no floor") });
            registry.add_callback(async |_: &Probe| -> HookResult { Err("not today".into()) });
            registry.add_callback(async |_: &Probe| -> HookResult { panic!("no floor") });
            registry
                .add_callback(|_: &Probe| -> std::future::Ready<HookResult> { panic!("no floor") });
            registry.add_callback(noting("after"));
        });
        assert_eq!(dispatch(&registry, Probe::new()).await.0, ["after"]);
    }

    #[tokio::test]
    async fn an_observer_can_not_ask_not_even_by_hand() {
        let registry = registry_of(|registry| {
            registry.add_callback(|_: &Probe| -> HookResult {
                Err(InterruptException::new(Interrupt::new("i", "n", Value::Null)).into())
            });
        });
        assert_eq!(dispatch(&registry, Probe::interruptible()).await.1, []);
    }
}

mod asking {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn several_callbacks_may_ask_at_once_and_all_are_called() {
        let registry = registry_of(|registry| {
            registry.add_callback(asking("one"));
            registry.add_callback(noting("between"));
            registry.add_callback(asking("two"));
        });
        let (notes, interrupts) = dispatch(&registry, Probe::interruptible()).await;
        assert_eq!(notes, ["between"]);
        let names: Vec<&str> = interrupts.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
    }

    #[tokio::test]
    async fn with_the_answers_all_callbacks_go_through_from_the_start() {
        let registry = registry_of(|registry| {
            registry.add_callback(asking("one"));
            registry.add_callback(noting("between"));
            registry.add_callback(asking("two"));
        });
        let event = Probe::answered([("one", json!(true)), ("two", json!(false))]);
        let (notes, interrupts) = dispatch(&registry, event).await;
        assert_eq!((notes, interrupts), (vec!["one", "between", "two"], vec![]));
    }

    #[tokio::test]
    async fn an_answer_that_does_not_fit_puts_the_question_again() {
        let registry = registry_of(|registry| registry.add_callback(asking("one")));
        let event = Probe::answered([("one", json!("maybe"))]);
        let (_, interrupts) = dispatch(&registry, event).await;
        assert_eq!(interrupts.len(), 1);
        assert!(!interrupts[0].is_answered());
    }

    #[tokio::test]
    async fn one_name_for_two_callbacks_is_an_error_answered_or_not() {
        let registry = registry_of(|registry| {
            registry.add_callback(asking("q"));
            registry.add_callback(asking("q"));
        });
        for event in [Probe::interruptible(), Probe::answered([("q", json!(true))])] {
            let error = registry.invoke_callbacks_async(event).await.err().expect("an error");
            let text = error.to_string();
            assert!(
                text.contains("interrupt_name=<q> | interrupt name used more than once"),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn a_question_in_an_event_that_can_not_be_interrupted_is_an_error() {
        let registry = registry_of(|registry| {
            registry.add_callback(|_: &mut Probe| -> HookResult {
                Err(InterruptException::new(Interrupt::new("i", "n", Value::Null)).into())
            });
        });
        let error = registry.invoke_callbacks_async(Probe::new()).await.err().expect("an error");
        let text = error.to_string();
        assert!(text.contains("can't be interrupted; the question was `n`"), "{text}");
    }
}
