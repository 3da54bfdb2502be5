//! Before and after a batch of tool calls; before, around and within a call.

use pretty_assertions::assert_eq;

use super::*;

/// §1.1 BeforeToolsEvent: nothing of the batch runs
#[tokio::test]
async fn before_tools() {
    for way in WAYS {
        let (model, tool) = (calls(&[("t1", "a"), ("t2", "a")]), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(|event: &mut BeforeToolsEvent| event.interrupt::<bool>("all?", "why").map(drop))
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "all?");
        assert_eq!(tool.count(), 0);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
        assert_eq!((tool.count(), model.requests().len()), (2, 2));
    }
}

/// §1.1 AfterToolsEvent: the tools do not run again
#[tokio::test]
async fn after_tools() {
    for way in WAYS {
        for enough in [true, false] {
            let (model, tool) = (calls(&[("t1", "a"), ("t2", "a")]), echo("a"));
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(model.clone())
                .tool(tool.clone())
                .hook(|event: &mut AfterToolsEvent| -> HookResult {
                    let enough: bool = event.interrupt("enough?", "why")?;
                    event.set_end_turn(enough);
                    Ok(())
                })
                .build()
                .await
                .unwrap();
            waits(&agent.invoke("q").await.unwrap(), "enough?");
            assert_eq!((tool.count(), agent.messages().len()), (2, 1));
            let mut agent = onward(agent, way).await;
            answer_all(&mut agent, enough).await;
            assert_eq!((tool.count(), model.requests().len()), (2, if enough { 1 } else { 2 }));
            assert_eq!(agent.messages().len(), 4);
        }
    }
}

/// §1.1 BeforeToolCallEvent: the others run meanwhile, once
#[tokio::test]
async fn before_tool_call() {
    for way in WAYS {
        let (one, two) = (echo("a"), echo("b"));
        let model = calls(&[("t1", "a"), ("t2", "b")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tools([one.clone(), two.clone()])
            .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
                if event.tool_use().name == "a" { asks(event) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "approve");
        assert_eq!((one.count(), two.count()), (0, 1));
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
        assert_eq!((one.count(), two.count(), model.requests().len()), (1, 1, 2));
        assert_eq!(last_results(&agent.messages()), ["a", "b"]);
    }
}

/// ToolCallGuardEvent
#[tokio::test]
async fn tool_call_guard() {
    for way in WAYS {
        for yes in [true, false] {
            let tool = echo("a");
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(one_call())
                .tool(tool.clone())
                .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
                    let approval = event.ask_approval("approve", ApprovalRequest::new("Do it?"))?;
                    event.cancel_tool(!approval.is_approved());
                    Ok(())
                })
                .build()
                .await
                .unwrap();
            let result = agent.invoke("q").await.unwrap();
            waits(&result, "approve");
            assert_eq!(result.interrupts[0].reason["input"], json!({"n": 1}));
            let mut agent = onward(agent, way).await;
            assert_eq!(answer_all(&mut agent, yes).await.text(), "done");
            let text = if yes { "a" } else { "tool cancelled by user" };
            assert_eq!(last_results(&agent.messages()), [text]);
            assert_eq!(tool.count(), usize::from(yes));
        }
    }
}

/// From within a tool: it starts again from its beginning
#[tokio::test]
async fn tool_body() {
    for way in WAYS {
        let ended = Count::default();
        let counter = ended.clone();
        let asks = tool("a", move |_, context: ToolContext| {
            let counter = counter.clone();
            async move {
                let one: u8 = context.interrupt("one", "first")?;
                let two: u8 = context.interrupt("two", "second")?;
                counter.up();
                Ok(ToolOutput::text((one + two).to_string()))
            }
        });
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(asks.clone())
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "one");
        let mut agent = onward(agent, way).await;
        waits(&answer_all(&mut agent, 1).await, "two");
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, 2).await.text(), "done");
        assert_eq!(last_results(&agent.messages()), ["3"]);
        assert_eq!((asks.count(), ended.get()), (3, 1));
    }
}

/// Around a tool call: before it and after it; what has run does not run again
#[tokio::test]
async fn tool_wrap() {
    async fn around(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        request.interrupt::<bool>("before", "why")?;
        let result = next.run(request.clone()).await?;
        request.interrupt::<bool>("after", result.text())?;
        Ok(result)
    }
    for way in WAYS {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .wrap_tool_call(around)
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "before");
        assert_eq!(tool.count(), 0);
        let mut agent = onward(agent, way).await;
        waits(&answer_all(&mut agent, true).await, "after");
        assert_eq!(tool.count(), 1);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
        assert_eq!((tool.count(), last_results(&agent.messages())), (1, vec!["a".to_owned()]));
    }
}
