//! §1.9 Interrupts from hooks. In Strands three events may ask; here every event of an agent may, and
//! the module `every_event` shows each of them, answered in the same agent and after a restart.

use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{assert_valid, echo, last_results, tool};
use crate::support::{
    Count, Notes, WAYS, Way, answer_all, calls, info, one_call, onward, says, shape, strands_id,
    texts,
};

/// A hook that asks before each call.
fn asks(event: &mut BeforeToolCallEvent) -> HookResult {
    event.interrupt::<bool>("approve", "why").map(drop)
}

async fn one_call_with<Kind>(
    hook: impl IntoCallback<BeforeToolCallEvent, Kind>,
) -> (Agent, crate::common::TestTool) {
    let tool = echo("a");
    let builder = Agent::builder().model(one_call()).tool(tool.clone()).hook(hook);
    (builder.build().await.unwrap(), tool)
}

/// §1.9 API: `event.interrupt(name, reason)`; algorithm: no record, so one is made and raised; with an
/// answer it is returned.
#[tokio::test]
async fn interrupt_raises_without_an_answer_and_gives_it_when_there_is_one() {
    let notes = Notes::default();
    let log = notes.clone();
    let (mut agent, tool) = one_call_with(move |event: &mut BeforeToolCallEvent| -> HookResult {
        log.add("asked");
        let answer: String = event.interrupt("approve", json!({"n": 1}))?;
        log.add(answer);
        Ok(())
    })
    .await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!((open.len(), tool.count()), (1, 0));
    assert_eq!((open[0].name.as_str(), &open[0].reason), ("approve", &json!({"n": 1})));
    assert_eq!(open[0].response, Value::Null);
    answer_all(&mut agent, "go").await;
    assert_eq!(notes.take(), ["asked", "asked", "go"]);
    assert_eq!(tool.count(), 1);
}

/// §1.9 "The first record wins: on later calls with the same id, new reason/response arguments are
/// ignored"
#[tokio::test]
async fn the_first_record_wins() {
    let times = Count::default();
    let (mut agent, tool) = one_call_with(move |event: &mut BeforeToolCallEvent| -> HookResult {
        match times.up() {
            0 => event.interrupt::<Value>("approve", "first").map(drop),
            _ => {
                let answer: Value =
                    event.interrupt_with("approve", "second".into(), "own".into())?;
                assert_eq!(answer, json!("theirs"));
                Ok(())
            }
        }
    })
    .await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].reason, json!("first"));
    answer_all(&mut agent, "theirs").await;
    assert_eq!(tool.count(), 1);
}

/// §1.9 "Pre-emptive response: a non-None response argument is returned at once and no pause happens"
#[tokio::test]
async fn an_answer_given_beforehand_asks_nobody() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        let yes: bool = event.interrupt_with("approve", "why".into(), true.into())?;
        event.cancel_tool(!yes);
        Ok(())
    })
    .await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.9 Pre-emptive response None: asks
#[tokio::test]
async fn null_given_beforehand_is_no_answer() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        event.interrupt_with::<bool>("approve", "why".into(), Value::Null).map(drop)
    })
    .await;
    assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
    assert_eq!(tool.count(), 0);
}

/// §1.9 "None is the only unanswered value. false, 0, "" count as answers"
#[tokio::test]
async fn falsy_answers_are_answers() {
    for answer in [json!(false), json!(0), json!(""), json!([]), json!({})] {
        let got = Arc::new(Mutex::new(Vec::new()));
        let slot = Arc::clone(&got);
        let (mut agent, tool) = one_call_with(move |event: &mut BeforeToolCallEvent| {
            let answer: Value = event.interrupt("approve", "why")?;
            slot.lock().unwrap().push(answer);
            HookResult::Ok(())
        })
        .await;
        agent.invoke("q").await.unwrap();
        assert_eq!(answer_all(&mut agent, answer.clone()).await.text(), "done");
        assert_eq!((&*got.lock().unwrap(), tool.count()), (&vec![answer], 1));
    }
}

/// §1.9 "dispatch continues with the next callback after catching it, so several callbacks may each
/// raise a distinct interrupt for one tool call"
#[tokio::test]
async fn several_callbacks_may_ask_about_one_call() {
    let tool = echo("a");
    let ask = |name: &'static str| {
        move |event: &mut BeforeToolCallEvent| event.interrupt::<bool>(name, "why").map(drop)
    };
    let mut agent = Agent::builder()
        .model(one_call())
        .tool(tool.clone())
        .hook(ask("legal"))
        .hook(ask("finance"))
        .build()
        .await
        .unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    let names: Vec<_> = open.iter().map(|open| open.name.as_str()).collect();
    assert_eq!(names, ["legal", "finance"]);
    agent.resume([open[0].answer(true)]).await.unwrap();
    assert_eq!((agent.interrupts(), tool.count()), (vec![open[1].clone()], 0));
    agent.resume([open[1].answer(true)]).await.unwrap();
    assert_eq!(tool.count(), 1);
}

/// §1.9 "Each callback may interrupt once per event": the second question comes when the first has its
/// answer
#[tokio::test]
async fn one_callback_asks_one_question_after_the_other() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        event.interrupt::<bool>("first", "why")?;
        event.interrupt::<bool>("second", "why").map(drop)
    })
    .await;
    agent.invoke("q").await.unwrap();
    assert_eq!(agent.interrupts()[0].name, "first");
    answer_all(&mut agent, true).await;
    assert_eq!((agent.interrupts()[0].name.as_str(), agent.interrupts().len()), ("second", 1));
    answer_all(&mut agent, true).await;
    assert_eq!(tool.count(), 1);
}

/// §1.9 Name uniqueness: `interrupt_name=<…> | interrupt name used more than once`; never swallowed
/// (1.21's BUG, Appendix A 1)
#[tokio::test]
async fn one_name_in_two_callbacks_is_an_error() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .model(one_call())
        .tool(tool.clone())
        .hook(asks)
        .hook(asks)
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hook);
    let text = "interrupt_name=<approve> | interrupt name used more than once";
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(tool.count(), 0);
}

/// §1.9 "Different tool calls may share a name (ids differ)"
#[tokio::test]
async fn two_calls_may_share_a_name() {
    let tool = echo("a");
    let model = calls(&[("t1", "a"), ("t2", "a")]);
    let mut agent =
        Agent::builder().model(model).tool(tool.clone()).hook(asks).build().await.unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!((open[0].name.as_str(), open[1].name.as_str()), ("approve", "approve"));
    assert_ne!(open[0].id, open[1].id);
    agent.resume([open[1].answer(true)]).await.unwrap();
    assert_eq!(tool.seen()[0].id, "t2");
}

/// §1.9 "interrupts take precedence over cancellation"
#[tokio::test]
async fn a_question_goes_before_a_cancel() {
    for asks_first in [true, false] {
        let tool = echo("a");
        let mut builder = Agent::builder().model(one_call()).tool(tool.clone());
        let cancels = |event: &mut BeforeToolCallEvent| event.cancel_tool("no");
        builder = match asks_first {
            true => builder.hook(asks).hook(cancels),
            false => builder.hook(cancels).hook(asks),
        };
        let mut agent = builder.build().await.unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().interrupts.len(), 1);
        answer_all(&mut agent, true).await;
        assert_eq!((last_results(&agent.messages()), tool.count()), (vec!["no".to_owned()], 0));
    }
}

/// §1.9 "interrupts take precedence over cancellation": not at the guards. What one of them has refused
/// nobody is asked about.
#[tokio::test]
async fn a_guards_refusal_goes_before_a_question() {
    for asks_first in [true, false] {
        let tool = echo("a");
        let ask = |event: &mut ToolCallGuardEvent| {
            event.ask_approval("approve", ApprovalRequest::new("Do it?")).map(drop)
        };
        let refuse = |event: &mut ToolCallGuardEvent| event.cancel_tool("never");
        let builder = Agent::builder().model(one_call()).tool(tool.clone());
        let builder = match asks_first {
            true => builder.hook(ask).hook(refuse),
            false => builder.hook(refuse).hook(ask),
        };
        let mut agent = builder.build().await.unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
        assert_eq!((last_results(&agent.messages()), tool.count()), (vec!["never".to_owned()], 0));
    }
}

/// §1.9 "On resume all callbacks run again from the start for that tool call; side effects before the
/// interrupt call repeat"
#[tokio::test]
async fn with_the_answer_all_callbacks_run_again() {
    let notes = Notes::default();
    let (first, second) = (notes.clone(), notes.clone());
    let mut agent = Agent::builder()
        .model(calls(&[("t1", "a"), ("t2", "b")]))
        .tools([echo("a"), echo("b")])
        .hook(move |event: &mut BeforeToolCallEvent| {
            first.add(format!("first {}", event.tool_use().tool_use_id));
        })
        .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
            if event.tool_use().name == "a" {
                second.add("asks");
                event.interrupt::<bool>("approve", "why")?;
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["first t1", "asks", "first t2"]);
    answer_all(&mut agent, true).await;
    assert_eq!(notes.take(), ["first t1", "asks"], "and only for that call");
}

/// §1.9 Id of a BeforeToolCall hook
#[tokio::test]
async fn the_id_of_a_question_before_a_call() {
    let (mut agent, _) = one_call_with(asks).await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:before_tool_call:t1:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 Id of a tool context
#[tokio::test]
async fn the_id_of_a_question_from_a_tool() {
    let asks = tool("a", |_, context: ToolContext| async move {
        context.interrupt::<bool>("approve", "why").map(|_| ToolOutput::text("a"))
    });
    let mut agent = Agent::builder().model(one_call()).tool(asks).build().await.unwrap();
    let open = agent.invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:tool_call:t1:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 Id of a BeforeTools hook (not bound to a batch)
#[tokio::test]
async fn the_id_of_a_question_before_the_batch() {
    let asks = |event: &mut BeforeToolsEvent| event.interrupt::<bool>("approve", "why").map(drop);
    let builder = Agent::builder().model(one_call()).tool(echo("a")).hook(asks);
    let open = builder.build().await.unwrap().invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:before_tools:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 Id of a tool middleware
#[tokio::test]
async fn the_id_of_a_question_around_a_call() {
    async fn asks(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
        request.interrupt::<bool>("approve", "why")?;
        next.run(request).await
    }
    let builder = Agent::builder().model(one_call()).tool(echo("a")).wrap_tool_call(asks);
    let open = builder.build().await.unwrap().invoke("q").await.unwrap().interrupts;
    assert_eq!(open[0].id, "v1:middleware_execute_tool:t1:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 "Check value: uuid5(OID, `approve`)"
#[test]
fn the_check_value() {
    assert_eq!(strands_id("x", "approve"), "x:5cf56bed-067e-5438-a1ef-dbfa3405e45d");
}

/// §1.9 "Raising the interrupt error by hand … is caught by the dispatcher and dropped silently". Not
/// here: it is honoured wherever a question can be answered, which is at every event of an agent.
#[tokio::test]
async fn a_question_raised_by_hand_is_a_question() {
    let by_hand = || -> HookResult {
        Err(InterruptException::new(Interrupt::new("own-id", "by hand", json!("why"))).into())
    };
    let mut agent = Agent::builder()
        .model(says("ok"))
        .hook(move |event: &mut AfterModelCallEvent| {
            // What is raised by hand is also looked up by hand.
            if event.invocation_state().get::<bool>("asked").is_some() {
                return Ok(());
            }
            event.invocation_state().set("asked", true)?;
            by_hand()
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(
        (result.stop_reason, result.interrupts[0].id.as_str()),
        (StopReason::Interrupt, "own-id")
    );
    assert_eq!(answer_all(&mut agent, true).await.text(), "ok");
}

/// §1.9 The same in an event that can't be asked from (an announcement): an error, not silence.
#[tokio::test]
async fn a_question_where_nobody_can_be_asked_is_an_error() {
    assert!(!info::<DecisionEvent>().interruptible);
    let mut agent = Agent::builder()
        .model(says("ok"))
        .hook(|event: &mut BeforeModelCallEvent| {
            event.record_decision(DecisionRecord::new("me", "BeforeModelCallEvent", "allow"));
        })
        .hook(|_: &mut DecisionEvent| -> HookResult {
            Err(InterruptException::new(Interrupt::new("i", "n", json!("why"))).into())
        })
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert!(error.to_string().contains("can't be interrupted"), "{error}");
    assert!(agent.interrupts().is_empty());
}

/// §1.9 / Appendix A 30: a reason that can't be stored is refused when it is raised, not when the
/// session is saved.
#[tokio::test]
async fn a_reason_that_can_not_be_stored_is_refused_at_once() {
    let (mut agent, tool) = one_call_with(|event: &mut BeforeToolCallEvent| -> HookResult {
        let unstorable = std::collections::HashMap::from([(vec![1_u8], "no JSON key")]);
        event.interrupt::<bool>("approve", unstorable).map(drop)
    })
    .await;
    let error = agent.invoke("q").await.unwrap_err();
    assert!(
        error.to_string().contains("the reason of interrupt `approve` can't be stored"),
        "{error}"
    );
    assert_eq!((agent.interrupts().len(), tool.count()), (0, 0));
}

/// §1.9, not in Strands: who may only look can't ask. It does not compile (`tests/ui`); raised by hand
/// it is reported, and nothing stops.
#[tokio::test]
async fn an_observer_can_not_ask_by_hand_either() {
    let (mut agent, tool) = one_call_with(|_: &BeforeToolCallEvent| -> HookResult {
        Err(InterruptException::new(Interrupt::new("i", "n", json!("why"))).into())
    })
    .await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.9, not in Strands: an answer that does not fit what the callback wants is asked for again.
#[tokio::test]
async fn an_answer_of_another_type_puts_the_question_again() {
    let (mut agent, tool) = one_call_with(asks).await;
    let open = agent.invoke("q").await.unwrap().interrupts;
    let again = answer_all(&mut agent, "certainly").await;
    assert_eq!((again.interrupts, tool.count()), (open, 0));
    answer_all(&mut agent, true).await;
    assert_eq!(tool.count(), 1);
}

/// Every event of an agent, asked from and answered: in the same agent, and after a restart. What has
/// happened before the question does not happen again.
mod every_event {
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
            assert_eq!(
                (result.text().as_str(), &result.stop_reason),
                ("done", &StopReason::EndTurn)
            );
            assert_eq!((model.requests().len(), tool.count(), agent.messages().len()), (2, 1, 4));
            assert!(!agent.is_unfinished());
        }
    }

    /// Asks once about the message for which this is true.
    async fn message_added(which: fn(&Message) -> bool, kept: usize) {
        for way in WAYS {
            let (model, tool) = (one_call(), echo("a"));
            let mut agent = Agent::builder()
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
                .model(says("ok"))
                .hook(move |event: &mut MessageAddedEvent| -> HookResult {
                    event.interrupt::<bool>("read it?", event.message().text())?;
                    log.add(event.message().text());
                    Ok(())
                })
                .build()
                .await
                .unwrap();
            let prompt =
                vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
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
            assert_eq!(
                (texts(&agent), model.requests().len()),
                (vec!["q".into(), "good".into()], 2)
            );
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
                    .model(model.clone())
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
                .model(model.clone())
                .tool(tool.clone())
                .hook(|event: &mut BeforeToolsEvent| {
                    event.interrupt::<bool>("all?", "why").map(drop)
                })
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
                .model(model.clone())
                .tools([tool.clone(), echo("b")])
                .hook(move |event: &mut AfterToolCallEvent| -> HookResult {
                    if event.tool_use().name == "a" {
                        let tool = event.selected_tool().is_some();
                        log.add(format!(
                            "{} {tool} {}",
                            event.tool_use().input,
                            event.result().text()
                        ));
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
            let (fails, notes) =
                (tool("a", |_, _| async { Err("no ink".into()) }), Notes::default());
            let log = notes.clone();
            let mut agent = Agent::builder()
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
                    .model(one_call())
                    .tool(tool.clone())
                    .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
                        let approval =
                            event.ask_approval("approve", ApprovalRequest::new("Do it?"))?;
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
            let mut agent =
                Agent::builder().model(one_call()).tool(asks.clone()).build().await.unwrap();
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
        async fn around(
            request: ToolCallRequest,
            next: ToolNext<'_>,
        ) -> Result<ToolResult, BoxError> {
            request.interrupt::<bool>("before", "why")?;
            let result = next.run(request.clone()).await?;
            request.interrupt::<bool>("after", result.text())?;
            Ok(result)
        }
        for way in WAYS {
            let tool = echo("a");
            let mut agent = Agent::builder()
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
            let model = ScriptedModel::new([
                Reply::error(ErrorKind::Unavailable, "gone"),
                Reply::text("ok"),
            ]);
            let mut agent = Agent::builder()
                .model(model)
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
                .model(one_call())
                .tool(tool.clone())
                .hook(|event: &mut BeforeToolCallEvent| {
                    event.interrupt::<bool>("ok", "before").map(drop)
                })
                .hook(|event: &mut ToolCallGuardEvent| {
                    event.interrupt::<bool>("ok", "guard").map(drop)
                })
                .hook(|event: &mut AfterToolCallEvent| {
                    event.interrupt::<bool>("ok", "after").map(drop)
                })
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
        let builder = Agent::builder().model(model.clone()).tool(tool.clone());
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
}
