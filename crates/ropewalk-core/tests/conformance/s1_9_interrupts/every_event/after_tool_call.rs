//! After a tool call: what came of it waits with the question.

use pretty_assertions::assert_eq;

use super::*;

/// §1.1 AfterToolCallEvent: the tool does not run again
#[tokio::test]
async fn after_tool_call() {
    for way in WAYS {
        let (model, tool) = (calls(&[("t1", "a"), ("t2", "b")]), echo("a"));
        let seen = Notes::default();
        let log = seen.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tools([tool.clone(), echo("b")])
            .hook(move |event: &mut AfterToolCallEvent| -> HookResult {
                if event.tool_use().name == "a" {
                    let tool = event.selected_tool().is_some();
                    log.add(format!("{} {tool} {}", event.tool_use().input, event.result().text()));
                    let text: String = event.interrupt("what shall it say?", "why")?;
                    event.set_result(ToolResult::success("t1", text))?;
                }
                Ok(())
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "what shall it say?");
        assert_eq!(tool.count(), 1);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, "hello").await.text(), "done");
        assert_eq!((tool.count(), model.requests().len()), (1, 2));
        assert_eq!(last_results(&agent.messages()), ["hello", "b"]);
        assert_eq!(seen.take(), ["{} true a", "{} true a"], "told the same again");
    }
}

/// §1.1 AfterToolCallEvent: a call that was cancelled stays so while its question waits, though the
/// hook that cancelled it would not do so again
#[tokio::test]
async fn after_tool_call_that_was_cancelled() {
    for way in WAYS {
        let (tool, before, notes) = (echo("a"), Count::default(), Notes::default());
        let (counter, log) = (before.clone(), notes.clone());
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolCallEvent| {
                if counter.up() == 0 {
                    event.cancel_tool("not now");
                }
            })
            .hook(move |event: &mut AfterToolCallEvent| -> HookResult {
                log.add(format!("{:?}", event.cancel_message()));
                event.interrupt::<bool>("ok", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "ok");
        let mut agent = onward(agent, way).await;
        answer_all(&mut agent, true).await;
        assert_eq!((before.get(), tool.count()), (1, 0));
        assert_eq!(notes.take(), [r#"Some("not now")"#, r#"Some("not now")"#]);
        assert_eq!(last_results(&agent.messages()), ["not now"]);
    }
}

/// §1.1 AfterToolCallEvent: what went wrong, and how long it took, is told again
#[tokio::test]
async fn after_tool_call_that_failed() {
    for way in WAYS {
        let (fails, notes) = (tool("a", |_, _| async { Err("no ink".into()) }), Notes::default());
        let log = notes.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(fails.clone())
            .hook(move |event: &mut AfterToolCallEvent| -> HookResult {
                let error = event.exception().map(ToString::to_string);
                log.add(format!("{error:?} {}", event.duration().is_some()));
                event.interrupt::<bool>("ok", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "ok");
        let mut agent = onward(agent, way).await;
        answer_all(&mut agent, true).await;
        assert_eq!(notes.take(), [r#"Some("no ink") true"#, r#"Some("no ink") true"#]);
        assert_eq!(fails.count(), 1);
    }
}

/// §1.1 AfterToolCallEvent: the answer may be another try; then all hooks are asked again, for what
/// was answered for the first time does not hold for the second
#[tokio::test]
async fn after_tool_call_made_again() {
    for way in WAYS {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(asks)
            .hook(|event: &mut AfterToolCallEvent| -> HookResult {
                let again = event.interrupt("again?", "why")?;
                event.set_retry(again);
                Ok(())
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "approve");
        for (again, next) in [(true, "approve"), (false, "")] {
            agent = onward(agent, way).await;
            waits(&answer_all(&mut agent, true).await, "again?");
            agent = onward(agent, way).await;
            let result = answer_all(&mut agent, again).await;
            let name = result.interrupts.first().map_or("", |asked| &asked.name);
            assert_eq!(name, next);
        }
        assert_eq!((tool.count(), last_results(&agent.messages()).len()), (2, 1));
        assert!(!agent.is_unfinished());
    }
}
