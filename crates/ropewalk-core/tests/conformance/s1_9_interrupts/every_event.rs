//! Every event of an agent, asked from and answered: in the same agent, and after a restart. What has
//! happened before the question does not happen again.

use super::*;
use pretty_assertions::assert_eq;

fn waits(result: &AgentResult, name: &str) {
    assert_eq!(result.stop_reason, StopReason::Interrupt);
    let names: Vec<_> = result.interrupts.iter().map(|asked| asked.name.as_str()).collect();
    assert_eq!(names, [name]);
}

/// §1.1 AgentInitializedEvent: nothing is done before the answer
#[tokio::test]
async fn agent_initialized() {
    for way in WAYS {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(says("ok"))
            .hook(|event: &mut AgentInitializedEvent| -> HookResult {
                let yes: bool = event.interrupt("terms", "agreed?")?;
                if yes { Ok(()) } else { Err("no".into()) }
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.interrupts()[0].name, "terms");
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupt);
        waits(&agent.invoke(()).await.unwrap(), "terms");
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.interrupts().len(), 1, "asked once, {way:?}");
        answer_all(&mut agent, true).await;
        assert!(agent.interrupts().is_empty() && agent.messages().is_empty());
        assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
    }
}

/// §1.1 BeforeInvocationEvent: the prompt and the state wait with the question, and are not lost
#[tokio::test]
async fn before_invocation() {
    for way in WAYS {
        let model = says("ok");
        let notes = Notes::default();
        let log = notes.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeInvocationEvent| -> HookResult {
                let state: Option<String> = event.invocation_state().get("user");
                log.add(format!("{} {state:?}", event.messages()[0].text()));
                event.interrupt::<bool>("may I?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invocation("q").state("user", "alice").await.unwrap(), "may I?");
        assert!(agent.messages().is_empty() && model.requests().is_empty());
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!(texts(&agent), ["q", "ok"]);
        assert_eq!(notes.take(), [r#"q Some("alice")"#, r#"q Some("alice")"#]);
        assert_eq!(model.requests().len(), 1);
    }
}

/// §1.1 BeforeInvocationEvent: the answer may be a cancel; the prompt is kept (Appendix A 35)
#[tokio::test]
async fn before_invocation_denied_by_the_answer() {
    for way in WAYS {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .hook(|event: &mut BeforeInvocationEvent| -> HookResult {
                let yes: bool = event.interrupt("may I?", "why")?;
                event.cancel(!yes);
                Ok(())
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        answer_all(&mut agent, false).await;
        assert_eq!(texts(&agent), ["q", "invocation denied by hook"]);
    }
}

/// §1.1 AfterInvocationEvent: the work is done, and is not done again
#[tokio::test]
async fn after_invocation() {
    for way in WAYS {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(|event: &mut AfterInvocationEvent| {
                event.interrupt::<bool>("satisfied?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "satisfied?");
        assert_eq!(agent.messages().len(), 4);
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!((result.text().as_str(), &result.stop_reason), ("done", &StopReason::EndTurn));
        assert_eq!((model.requests().len(), tool.count(), agent.messages().len()), (2, 1, 4));
        assert!(!agent.is_unfinished());
    }
}

/// Asks once about the message for which this is true.
async fn message_added(which: fn(&Message) -> bool, kept: usize) {
    for way in WAYS {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(move |event: &mut MessageAddedEvent| -> HookResult {
                if which(event.message()) {
                    event.interrupt::<bool>("read it?", "why")?;
                }
                Ok(())
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "read it?");
        assert_eq!(agent.messages().len(), kept, "{way:?}");
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
        let all = ["user text", "assistant toolUse", "user toolResult", "assistant text"];
        assert_eq!(shape(&agent.messages()), all, "nothing was added twice");
        assert_eq!((model.requests().len(), tool.count()), (2, 1));
    }
}

/// §1.1 MessageAddedEvent, for the user's message
#[tokio::test]
async fn message_added_by_the_user() {
    message_added(|message| message.text() == "q", 1).await;
}

/// §1.1 MessageAddedEvent, for the message with the tool uses
#[tokio::test]
async fn message_added_with_tool_uses() {
    message_added(|message| message.tool_uses().next().is_some(), 1).await;
}

/// §1.1 MessageAddedEvent, for the results
#[tokio::test]
async fn message_added_with_results() {
    message_added(|message| message.results().next().is_some(), 3).await;
}

/// §1.1 MessageAddedEvent, for the last answer
#[tokio::test]
async fn message_added_as_the_last_answer() {
    message_added(|message| message.text() == "done", 4).await;
}

/// §1.1 MessageAddedEvent, for each of several messages of one prompt: one question after the other
#[tokio::test]
async fn message_added_for_several_messages() {
    for way in WAYS {
        let notes = Notes::default();
        let log = notes.clone();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(says("ok"))
            .hook(move |event: &mut MessageAddedEvent| -> HookResult {
                event.interrupt::<bool>("read it?", event.message().text())?;
                log.add(event.message().text());
                Ok(())
            })
            .build()
            .await
            .unwrap();
        let prompt = vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
        waits(&agent.invoke(prompt).await.unwrap(), "read it?");
        for expected in ["one", "two", "three", "ok"] {
            agent = onward(agent, way).await;
            assert_eq!(agent.interrupts()[0].reason, json!(expected));
            answer_all(&mut agent, true).await;
        }
        assert_eq!(notes.take(), ["one", "two", "three", "ok"]);
        assert_eq!(texts(&agent), ["one", "two", "three", "ok"]);
        assert!(!agent.is_unfinished());
    }
}

/// §1.1 BeforeModelCallEvent
#[tokio::test]
async fn before_model_call() {
    for way in WAYS {
        let model = says("ok");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut BeforeModelCallEvent| {
                event.interrupt::<bool>("pay for it?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "pay for it?");
        assert!(model.requests().is_empty());
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!((texts(&agent), model.requests().len()), (vec!["q".into(), "ok".into()], 1));
    }
}

/// §1.1 BeforeModelCallEvent: the next call asks anew
#[tokio::test]
async fn before_model_call_asks_for_each_call() {
    for way in WAYS {
        let model = one_call();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .hook(|event: &mut BeforeModelCallEvent| {
                event.interrupt::<bool>("pay for it?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        let first = agent.invoke("q").await.unwrap().interrupts;
        let mut agent = onward(agent, way).await;
        let second = answer_all(&mut agent, true).await.interrupts;
        assert_eq!(model.requests().len(), 1);
        assert_ne!(first[0].id, second[0].id);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
    }
}

/// §1.1 AfterModelCallEvent: the answer waits, and the model is not asked for it again
#[tokio::test]
async fn after_model_call() {
    for way in WAYS {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(|event: &mut AfterModelCallEvent| {
                let text = event.stop_response().map(|turn| turn.message.text());
                event.interrupt::<bool>("take it?", text).map(drop)
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "take it?");
        assert_eq!((agent.messages().len(), tool.count()), (1, 0));
        let mut agent = onward(agent, way).await;
        waits(&answer_all(&mut agent, true).await, "take it?");
        assert_eq!(agent.interrupts()[0].reason, json!("done"));
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!(result.text(), "done");
        assert_eq!((model.requests().len(), tool.count(), agent.messages().len()), (2, 1, 4));
        assert_eq!(result.usage, Usage::new(20, 6), "each answer counts once");
    }
}

/// §1.1 AfterModelCallEvent: the answer to the question may be another try
#[tokio::test]
async fn after_model_call_thrown_away() {
    for way in WAYS {
        let model = ScriptedModel::new([Reply::text("bad"), Reply::text("good")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut AfterModelCallEvent| -> HookResult {
                let yes: bool = event.interrupt("take it?", "why")?;
                event.set_retry(!yes);
                Ok(())
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let mut agent = onward(agent, way).await;
        waits(&answer_all(&mut agent, false).await, "take it?");
        let mut agent = onward(agent, way).await;
        let result = answer_all(&mut agent, true).await;
        assert_eq!((result.text().as_str(), result.usage), ("good", Usage::new(20, 2)));
        assert_eq!((texts(&agent), model.requests().len()), (vec!["q".into(), "good".into()], 2));
    }
}

/// §1.1 AfterModelCallEvent: a failure waits too
#[tokio::test]
async fn after_model_call_that_failed() {
    for way in WAYS {
        for again in [true, false] {
            let model = ScriptedModel::new([
                Reply::error(ErrorKind::Unavailable, "gone"),
                Reply::text("back"),
            ]);
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(model.clone())
                .retry_strategy(RetryStrategy::none())
                .hook(|event: &mut AfterModelCallEvent| -> HookResult {
                    if let Some(error) = event.exception() {
                        let text = error.to_string();
                        let again = event.interrupt("try again?", text)?;
                        event.set_retry(again);
                    }
                    Ok(())
                })
                .build()
                .await
                .unwrap();
            waits(&agent.invoke("q").await.unwrap(), "try again?");
            assert_eq!(model.requests().len(), 1);
            let mut agent = onward(agent, way).await;
            let answers = [agent.interrupts()[0].answer(again)];
            match (agent.resume(answers).await, again) {
                (Ok(result), true) => assert_eq!(result.text(), "back"),
                (Err(error), false) => assert_eq!(error.kind(), ErrorKind::Unavailable),
                other => panic!("{other:?}"),
            }
            assert_valid(&agent.messages());
        }
    }
}

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

/// §1.1 AgentInitializedEvent: the hook gets the answer, and a no means no agent
#[tokio::test]
async fn agent_initialized_and_refused() {
    for way in WAYS {
        let model = says("ok");
        let agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut AgentInitializedEvent| -> HookResult {
                let yes: bool = event.interrupt("terms", "agreed?")?;
                if yes { Ok(()) } else { Err("not agreed".into()) }
            })
            .build()
            .await
            .unwrap();
        let mut agent = onward(agent, way).await;
        let answer = agent.interrupts()[0].answer(false);
        let error = agent.resume([answer]).await.unwrap_err();
        assert!(error.to_string().contains("not agreed"), "{error}");
        assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
        assert!(model.requests().is_empty() && agent.messages().is_empty());
    }
}

/// §1.1 AgentInitializedEvent: asked by a new process while a call waits; both must be answered, in
/// any order, and nothing runs before
#[tokio::test]
async fn agent_initialized_while_a_call_waits() {
    let (tool, built) = (echo("a"), Count::default());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |event: &mut AgentInitializedEvent| -> HookResult {
            if built.up() > 0 {
                event.interrupt::<bool>("who are you?", "why")?;
            }
            Ok(())
        })
        .hook(asks)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let mut agent = onward(agent, Way::Restart).await;
    let open = agent.interrupts();
    let names: Vec<_> = open.iter().map(|open| open.name.as_str()).collect();
    assert_eq!(names, ["who are you?", "approve"]);
    waits(&agent.resume([open[1].answer(true)]).await.unwrap(), "who are you?");
    assert_eq!(tool.count(), 0);
    assert_eq!(answer_all(&mut agent, true).await.text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.1 AfterInvocationEvent: fires for a pause too, and may ask then
#[tokio::test]
async fn after_invocation_while_a_call_waits() {
    for way in WAYS {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(asks)
            .hook(|event: &mut AfterInvocationEvent| {
                event.interrupt::<bool>("satisfied?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 2);
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "done");
        assert_eq!(tool.count(), 1);
    }
}

/// §1.1 AfterInvocationEvent: after an error; the caller has the error, and the question is open
#[tokio::test]
async fn after_invocation_that_failed() {
    for way in WAYS {
        let model =
            ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "gone"), Reply::text("ok")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .retry_strategy(RetryStrategy::none())
            .hook(|event: &mut AfterInvocationEvent| {
                event.interrupt::<bool>("again?", "why").map(drop)
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Unavailable);
        let mut agent = onward(agent, way).await;
        assert_eq!(agent.interrupts().len(), 1);
        assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
        assert_eq!(texts(&agent), ["q", "ok"]);
    }
}

/// §1.1 MessageAddedEvent, for the last word of an AfterTools hook
#[tokio::test]
async fn message_added_by_a_hook_that_ends_the_turn() {
    for way in WAYS {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(|event: &mut AfterToolsEvent| event.set_end_turn("enough"))
            .hook(|event: &mut MessageAddedEvent| -> HookResult {
                if event.message().text() == "enough" {
                    event.interrupt::<bool>("read it?", "why")?;
                }
                Ok(())
            })
            .build()
            .await
            .unwrap();
        waits(&agent.invoke("q").await.unwrap(), "read it?");
        let mut agent = onward(agent, way).await;
        assert_eq!(answer_all(&mut agent, true).await.text(), "enough");
        assert_eq!((agent.messages().len(), tool.count()), (4, 1));
    }
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
