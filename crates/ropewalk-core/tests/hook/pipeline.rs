//! The pipeline, for people and for code.

use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::json;

use super::*;

struct Gate;

impl BaseHookEvent for Gate {
    const WRITABLE: &'static [&'static str] = &["width", "lock"];
    const INTERRUPTIBLE: bool = true;
}

struct Closed;

impl BaseHookEvent for Closed {
    const REVERSE: bool = true;
}

fn registry() -> HookRegistry {
    registry_of(|registry| {
        let guard = callback(async |_: &mut Gate| {}).named("guard");
        registry.add_callback(guard.clone().timeout(Duration::from_millis(500)));
        registry.add_callback(callback(|_: &Gate| {}).named("camera").order(order::SDK_FIRST));
        registry.add_callback(guard.named("patient guard").without_timeout());
        registry.add_callback(callback(|_: &mut Closed| {}).named("first"));
        registry.add_callback(callback(|_: &mut Closed| {}).named("second"));
        registry.observe_all(callback(async |_: &ObservedEvent| {}).named("diary"));
    })
}

#[test]
fn printed_it_says_who_is_called_in_which_order_and_may_do_what() {
    insta::assert_snapshot!(registry().pipeline().to_string(), @r#"
    Closed (equals in reverse)
      #  tier  order  may     called  timeout  callback
      1  user      0  change  sync          -  second
      2  user      0  change  sync          -  first

    Gate (may be changed: width, lock; may be asked from)
      #  tier  order  may     called  timeout  callback
      1  user   -100  look    sync          -  camera
      2  user      0  change  async     0.5 s  guard
      3  user      0  change  async         -  patient guard

    every event, after its own callbacks
      #  tier  order  may   called  timeout  callback
      1  user      0  look  async      30 s  diary
    "#);
    assert_eq!(HookRegistry::new().pipeline().to_string(), "no callbacks\n");
}

#[test]
fn code_can_read_it() {
    let pipeline = registry().pipeline();
    let gate = &pipeline.events[1];
    assert_eq!((gate.event, gate.writable), ("Gate", &["width", "lock"][..]));
    let names: Vec<_> = gate.callbacks.iter().map(|callback| callback.name.as_str()).collect();
    assert_eq!(names, ["camera", "guard", "patient guard"]);
    assert_eq!(
        serde_json::to_value(&gate.callbacks[1]).unwrap(),
        json!({
            "name": "guard", "tier": "user", "order": 0, "kind": "changer", "is_async": true,
            "timeout": {"secs": 0, "nanos": 500_000_000},
        })
    );
    assert_eq!(pipeline.observers[0].kind, CallbackKind::Observer);
}

#[test]
fn wraps_and_those_who_watch_the_stream_are_shown_too() {
    struct Cache;
    impl WrapToolCall for Cache {
        fn wrap<'a>(
            &'a self,
            request: ToolCallRequest,
            next: ToolNext<'a>,
        ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
            Box::pin(next.run(request))
        }
        fn name(&self) -> &str {
            "cache"
        }
    }
    let mut registry = HookRegistry::new();
    let handle = registry.wrap_tool_call(Cache);
    registry.observe_stream(callback(|_: &ModelStreamEvent| {}).named("typist"));
    assert_eq!(
        registry.pipeline().to_string(),
        "every chunk that a model streams\n  \
           #  tier  order  may   called  timeout  callback\n  \
           1  user      0  look  sync          -  typist\n\
         \n\
         around every tool call and its guards, the outermost first\n  \
           1  user  30 s  cache\n"
    );
    assert!(!registry.has_callbacks(), "there is none for an event");
    assert!(registry.remove(handle) && registry.pipeline().tool_wraps.is_empty());
}
