//! Hooks fire in every way of working, every copy keeps them, and their errors are not dropped: items
//! 16, 17 and 19.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, last_results};
use crate::support::{
    Count, Notes, WAYS, answer_all, calls, guard, one_call, onward, says, stream_of,
};

/// A provider that notes all events.
struct Matrix(Notes);

impl HookProvider for Matrix {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        let notes = self.0.clone();
        registry.observe_all(move |event: &ObservedEvent| notes.add(event.name()));
    }
}

/// §15.16 event matrix: every hook fires in run/stream/resume
#[tokio::test]
async fn users_15_16_every_event_fires_in_run_stream_and_resume() {
    let all = [
        "BeforeInvocationEvent",
        "MessageAddedEvent",
        "BeforeModelCallEvent",
        "AfterModelCallEvent",
        "MessageAddedEvent",
        "BeforeToolsEvent",
        "BeforeToolCallEvent",
        "ToolCallGuardEvent",
        "AfterToolCallEvent",
        "AfterToolsEvent",
        "MessageAddedEvent",
        "BeforeModelCallEvent",
        "AfterModelCallEvent",
        "MessageAddedEvent",
        "AfterInvocationEvent",
    ];
    let notes = Notes::default();
    let builder = |asks: bool| {
        Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(echo("a"))
            .hooks([Matrix(notes.clone())])
            .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
                if asks { event.interrupt::<bool>("ok", "why").map(drop) } else { Ok(()) }
            })
    };
    let mut agent = builder(false).build().await.unwrap();
    assert_eq!(notes.take(), ["AgentInitializedEvent"]);
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), all);

    let mut agent = builder(false).build().await.unwrap();
    notes.take();
    stream_of(&mut agent, "q").await;
    assert_eq!(notes.take(), all);

    for way in WAYS {
        let mut agent = builder(true).build().await.unwrap();
        notes.take();
        agent.invoke("q").await.unwrap();
        let expected: Vec<_> = all[..7].iter().chain(&all[14..]).copied().collect();
        assert_eq!(notes.take(), expected);
        let mut agent = onward(agent, way).await;
        notes.take();
        answer_all(&mut agent, true).await;
        let expected: Vec<_> = all[..1].iter().chain(&all[5..]).copied().collect();
        assert_eq!(notes.take(), expected, "{way:?}");
    }
}

/// §15.16 and none fires for what does not happen
#[tokio::test]
async fn users_15_16_events_of_tools_do_not_fire_without_tools() {
    let notes = Notes::default();
    let builder =
        Agent::builder().no_callback_handler().model(says("ok")).hooks([Matrix(notes.clone())]);
    builder.build().await.unwrap().invoke("q").await.unwrap();
    assert!(notes.take().iter().all(|name| !name.contains("Tool")));
}

/// §15.17 cloning or per-request building keeps every hook
#[tokio::test]
async fn users_15_17_every_agent_of_a_blueprint_has_every_hook() {
    let count = Count::default();
    let counter = count.clone();
    async fn counts(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        request.invocation_state().set("wrapped", true)?;
        next.run(request).await
    }
    let model =
        ScriptedModel::new((0..4).flat_map(|_| [Reply::tool("a", json!({})), Reply::text("done")]));
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .wrap_tool_call(counts)
        .host_hook(|event: &mut ToolCallGuardEvent| {
            let wrapped = event.invocation_state().get::<bool>("wrapped");
            event.cancel_tool(wrapped != Some(true));
        })
        .hook(move |_: &BeforeToolCallEvent| {
            counter.up();
        });
    let blueprint = Arc::new(builder.blueprint().unwrap());
    let one = blueprint.agent().await.unwrap();
    let two = blueprint.open(Arc::new(MemoryJournal::new())).await.unwrap();
    let three = blueprint.resume(Run::new("own")).await.unwrap();
    let mut four = blueprint.agent().await.unwrap();
    // An agent that has hooks of its own has those of the blueprint too.
    four.add_hook(|_: &BeforeToolCallEvent| {});
    for mut agent in [one, two, three, four] {
        agent.invoke("q").await.unwrap();
        assert_eq!(last_results(&agent.messages()), ["a"], "wrapped, then let through");
    }
    assert_eq!(count.get(), 4);
}

/// §15.17 a clone of a registry keeps all, and is one of its own
#[test]
fn users_15_17_a_clone_of_a_registry_keeps_every_hook() {
    let mut registry = HookRegistry::new();
    registry.add_hook(&Matrix(Notes::default()));
    registry.add_callback(guard);
    let mut clone = registry.clone();
    assert_eq!(clone.pipeline(), registry.pipeline());
    clone.add_callback(guard);
    assert_ne!(clone.pipeline(), registry.pipeline());
}

/// §15.19 exceptions from concurrent after-hooks are not dropped
#[tokio::test]
async fn users_15_19_a_failing_hook_after_one_of_several_calls_is_told_and_loses_nothing() {
    for failing in ["t1", "t2", "t3"] {
        let tool = echo("a");
        let broken = Count::default();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(calls(&[("t1", "a"), ("t2", "a"), ("t3", "a")]))
            .tool(tool.clone())
            .hook(move |event: &mut AfterToolCallEvent| -> HookResult {
                let breaks = event.tool_use().tool_use_id == failing && broken.up() == 0;
                if breaks { Err(format!("{failing} broke").into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        let error = agent.invoke("q").await.unwrap_err();
        assert!(error.to_string().contains(&format!("{failing} broke")), "{error}");
        assert_eq!(tool.count(), 3, "the others came to their end");
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
        assert_eq!((tool.count(), last_results(&agent.messages()).len()), (3, 3));
    }
}

/// §15.19 several fail: one is told, none is forgotten when it goes on
#[tokio::test]
async fn users_15_19_several_failing_hooks_are_each_met_again() {
    let tool = echo("a");
    let fixed = Count::default();
    let switch = fixed.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(calls(&[("t1", "a"), ("t2", "a")]))
        .tool(tool.clone())
        .hook(move |_: &mut AfterToolCallEvent| -> HookResult {
            if switch.get() == 0 { Err("broken".into()) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert_eq!(agent.invoke(()).await.unwrap_err().kind(), ErrorKind::Hook);
    fixed.up();
    assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
    assert_eq!(tool.count(), 2);
}
