//! A registry that has callbacks for more event types than it has slots for them.

use ropewalk_core::*;
use ropewalk_testkit::ScriptedModel;

/// An event type for each pair of numbers.
struct Numbered<const A: u16, const B: u16>(Vec<u16>);

impl<const A: u16, const B: u16> BaseHookEvent for Numbered<A, B> {}

/// Does something for each of three hundred pairs, and the number that the pair makes.
macro_rules! each_type {
    ($with:ident, $($argument:expr),*) => {
        each_type!(@rows $with, ($($argument),*), 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14)
    };
    (@rows $with:ident, $arguments:tt, $($row:literal)*) => {
        $(each_type!(@row $with, $arguments, $row, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);)*
    };
    (@row $with:ident, $arguments:tt, $row:literal, $($column:literal)*) => {
        $(each_type!(@one $with, $arguments, $row, $column);)*
    };
    (@one $with:ident, ($($argument:expr),*), $row:literal, $column:literal) => {
        $with::<$row, $column>($($argument),*, 20 * $row + $column)
    };
}

fn add<const A: u16, const B: u16>(registry: &mut HookRegistry, number: u16) -> HookHandle {
    registry.add_callback(move |event: &mut Numbered<A, B>| -> HookResult {
        event.0.push(number);
        Ok(())
    })
}

/// Those of one kind have a callback, which is called once and for its type only; the others have none.
fn check<const A: u16, const B: u16>(
    registry: &HookRegistry,
    has_callback: fn(u16) -> bool,
    number: u16,
) {
    let expected = if has_callback(number) { vec![number] } else { Vec::new() };
    let (event, raised) = registry.invoke_callbacks(Numbered::<A, B>(Vec::new())).unwrap();
    assert_eq!(event.0, expected, "{number}");
    assert!(raised.is_empty(), "{number}");
    let listens = registry.listens_to::<Numbered<A, B>>();
    assert_eq!(listens, has_callback(number), "{number}");
    assert_eq!(registry.get_callbacks_for(&event).count(), expected.len(), "{number}");
}

#[test]
fn each_type_has_its_own_callbacks_however_many_there_are() {
    fn is_odd(number: u16) -> bool {
        number % 2 == 1
    }
    fn add_odd<const A: u16, const B: u16>(
        registry: &mut HookRegistry,
        handles: &mut Vec<HookHandle>,
        number: u16,
    ) {
        if is_odd(number) {
            handles.push(add::<A, B>(registry, number));
        }
    }
    fn add_even<const A: u16, const B: u16>(registry: &mut HookRegistry, number: u16) {
        if !is_odd(number) {
            add::<A, B>(registry, number);
        }
    }
    let (mut registry, mut odd) = (HookRegistry::new(), Vec::new());
    each_type!(add_odd, &mut registry, &mut odd);
    each_type!(check, &registry, is_odd);
    each_type!(add_even, &mut registry);
    each_type!(check, &registry, |_| true);

    // A copy without the odd ones: what shared a slot with one of them has it for itself.
    let mut copy = registry.clone();
    odd.iter().for_each(|handle| assert!(copy.remove(*handle)));
    each_type!(check, &copy, |number| !is_odd(number));
    each_type!(check, &registry, |_| true);
    // And they are added again.
    each_type!(add_odd, &mut copy, &mut Vec::new());
    each_type!(check, &copy, |_| true);
}

#[tokio::test]
async fn those_of_the_host_and_of_the_user_come_together_however_many_types_there_are() {
    struct All;
    impl HookProvider for All {
        fn register_hooks(&self, registry: &mut HookRegistry) {
            each_type!(add, registry);
        }
    }
    fn check_twice<const A: u16, const B: u16>(registry: &HookRegistry, number: u16) {
        let (event, _) = registry.invoke_callbacks(Numbered::<A, B>(Vec::new())).unwrap();
        assert_eq!(event.0, [number, number]);
    }
    let builder = Agent::builder().model(ScriptedModel::new([])).hooks([All]).host_hooks([All]);
    let agent = builder.build().await.unwrap();
    each_type!(check_twice, agent.hook_registry());
}
