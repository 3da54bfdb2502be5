//! Every event of an agent, asked from and answered: in the same agent, and after a restart. What has
//! happened before the question does not happen again.

mod after_tool_call;
mod invocation;
mod messages;
mod model_call;
mod tools;

use pretty_assertions::assert_eq;

use super::*;

fn waits(result: &AgentResult, name: &str) {
    assert_eq!(result.stop_reason, StopReason::Interrupt);
    let names: Vec<_> = result.interrupts.iter().map(|asked| asked.name.as_str()).collect();
    assert_eq!(names, [name]);
}

/// One name at each stage of one call: three questions, each with an answer of its own
#[tokio::test]
async fn one_name_before_at_and_after_a_call() {
    for way in WAYS {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(|event: &mut BeforeToolCallEvent| {
                event.interrupt::<bool>("ok", "before").map(drop)
            })
            .hook(|event: &mut ToolCallGuardEvent| event.interrupt::<bool>("ok", "guard").map(drop))
            .hook(|event: &mut AfterToolCallEvent| event.interrupt::<bool>("ok", "after").map(drop))
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        for (stage, ran) in [("before", 0), ("guard", 0), ("after", 1)] {
            agent = onward(agent, way).await;
            assert_eq!(agent.interrupts().len(), 1);
            assert_eq!((&agent.interrupts()[0].reason, tool.count()), (&json!(stage), ran));
            answer_all(&mut agent, true).await;
        }
        assert!(!agent.is_unfinished());
    }
}

/// All of them at once, in one invocation, with a restart before each answer
#[tokio::test]
async fn all_of_them_one_after_the_other() {
    let asked = Notes::default();
    macro_rules! ask_at {
        ($builder:ident, $($event:ident)*) => { $(
            let log = asked.clone();
            let $builder = $builder.hook(move |event: &mut $event| -> HookResult {
                event.interrupt::<bool>("go on?", stringify!($event))?;
                log.add(stringify!($event));
                Ok(())
            });
        )* };
    }
    let (model, tool) = (one_call(), echo("a"));
    let builder = Agent::builder().no_callback_handler().model(model.clone()).tool(tool.clone());
    ask_at!(builder, BeforeInvocationEvent MessageAddedEvent BeforeModelCallEvent
        AfterModelCallEvent BeforeToolsEvent BeforeToolCallEvent ToolCallGuardEvent
        AfterToolCallEvent AfterToolsEvent AfterInvocationEvent);
    let mut agent = builder.build().await.unwrap();
    let mut reasons = Vec::new();
    let mut result = agent.invoke("q").await.unwrap();
    while !result.interrupts.is_empty() {
        assert!(reasons.len() < 50, "{reasons:?}");
        reasons.extend(result.interrupts.iter().map(|asked| asked.reason.clone()));
        agent = onward(agent, Way::Restart).await;
        result = answer_all(&mut agent, true).await;
    }
    assert_eq!(result.text(), "done");
    let all = ["user text", "assistant toolUse", "user toolResult", "assistant text"];
    assert_eq!(shape(&agent.messages()), all);
    assert_eq!((model.requests().len(), tool.count()), (2, 1));
    let names = asked.take();
    for (event, times) in [
        ("MessageAddedEvent", 4),
        ("BeforeModelCallEvent", 2),
        ("AfterModelCallEvent", 2),
        ("ToolCallGuardEvent", 1),
        ("AfterToolCallEvent", 1),
        ("AfterToolsEvent", 1),
    ] {
        assert_eq!(names.iter().filter(|name| *name == event).count(), times, "{event}");
    }
}
