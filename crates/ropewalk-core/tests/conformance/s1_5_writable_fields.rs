//! §1.5 What the writable fields do.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, echo, last_results, tool};
use crate::support::{Count, Notes, calls, one_call, says, shape, stream_of, texts};

/// §1.5 BeforeInvocation.messages
#[tokio::test]
async fn before_invocation_messages_replaced_is_what_is_appended() {
    let model = says("ok");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut BeforeInvocationEvent| {
            let mut messages = event.messages().to_vec();
            assert_eq!(messages, [Message::user("q")], "the list about to be appended");
            messages[0] = Message::user("q, in short");
            event.set_messages(messages);
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["q, in short", "ok"]);
    assert_eq!(model.requests()[0].messages[0].text(), "q, in short");
}

/// §1.5 BeforeInvocation.cancel. Not as in Strands (WEAK, Appendix A 35): the user's message is kept,
/// so that the history does not begin with the assistant; the stream has its init event; and
/// AfterInvocation gets the result that the caller gets.
#[tokio::test]
async fn before_invocation_cancel_stands_as_the_answer_and_keeps_the_question() {
    for (cancel, said) in [
        (Cancel::from(true), "invocation denied by hook"),
        (Cancel::from("the office is closed"), "the office is closed"),
    ] {
        let notes = Notes::default();
        let log = notes.clone();
        let model = ScriptedModel::new([]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeInvocationEvent| event.cancel(cancel.clone()))
            .hook(move |event: &AfterInvocationEvent| log.add(event.result().unwrap().text()))
            .build()
            .await
            .unwrap();
        let events = stream_of(&mut agent, "q").await;
        assert_eq!(events[0], json!({"init_event_loop": true}));
        assert_eq!(events.last().unwrap()["result"]["stop_reason"], "end_turn");
        assert_eq!(texts(&agent), ["q", said]);
        assert_eq!(notes.take(), [said]);
        assert!(model.requests().is_empty());
        assert_valid(&agent.messages());
    }
}

/// §1.5 BeforeInvocation.cancel = false
#[tokio::test]
async fn before_invocation_cancel_false_cancels_nothing() {
    let hook = |event: &mut BeforeInvocationEvent| event.cancel(false);
    let mut agent =
        Agent::builder().no_callback_handler().model(says("ok")).hook(hook).build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
}

/// §1.5 AfterInvocation.resume
#[tokio::test]
async fn after_invocation_resume_takes_text_blocks_and_messages() {
    let inputs = [
        Prompt::from("more"),
        Prompt::from(vec![ContentBlock::from("more")]),
        Prompt::from(vec![Message::user("more")]),
    ];
    for input in inputs {
        let notes = Notes::default();
        let log = notes.clone();
        let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .hook(move |event: &BeforeInvocationEvent| log.add(event.messages()[0].text()))
            .hook(move |event: &mut AfterInvocationEvent| {
                if event.result().unwrap().text() == "one" {
                    event.set_resume(input.clone());
                }
            })
            .build()
            .await
            .unwrap();
        let events = stream_of(&mut agent, "q").await;
        let results: Vec<_> = events.iter().filter(|event| event.get("result").is_some()).collect();
        assert_eq!(results.len(), 1, "only one result, from the last pass");
        assert_eq!(results[0]["result"]["message"]["content"][0]["text"], "two");
        assert_eq!(notes.take(), ["q", "more"], "BeforeInvocation fires again");
        assert_eq!(texts(&agent), ["q", "one", "more", "two"]);
    }
}

/// §1.5 AfterInvocation.resume with interrupt responses: a hook may answer
#[tokio::test]
async fn after_invocation_resume_may_answer_a_question() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .hook(|event: &mut AfterInvocationEvent| {
            let open = event.result().unwrap().interrupts.clone();
            if let Some(question) = open.first() {
                event.set_resume(vec![question.answer(true)]);
            }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(tool.count(), 1);
}

/// §1.5 AfterInvocation.resume: "the last writer wins". The event is reversed, so that the last writer
/// is the first that was registered.
#[tokio::test]
async fn after_invocation_resume_is_that_of_the_last_writer() {
    let wants = |text: &'static str| {
        move |event: &mut AfterInvocationEvent| {
            if event.agent().messages().len() == 2 {
                event.set_resume(text);
            }
        }
    };
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(wants("first"))
        .hook(wants("second"));
    let mut agent = builder.build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(texts(&agent), ["q", "one", "first", "two"]);
}

/// §1.5 AfterInvocation.resume: "There is no loop bound"
#[tokio::test]
async fn after_invocation_resume_has_no_bound() {
    let model = ScriptedModel::new((0..20).map(|number| Reply::text(number.to_string())));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .hook(|event: &mut AfterInvocationEvent| {
            if event.result().unwrap().text() != "19" {
                event.set_resume("again");
            }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "19");
    assert_eq!(agent.messages().len(), 40);
}

/// §1.5 BeforeModelCall.cancel
#[tokio::test]
async fn before_model_call_cancel_stands_as_the_answer() {
    for (cancel, said) in
        [(Cancel::from(true), "model call denied by hook"), (Cancel::from("no"), "no")]
    {
        let model = ScriptedModel::new([]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(move |event: &mut BeforeModelCallEvent| event.cancel(cancel.clone()))
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!((result.text().as_str(), &result.stop_reason), (said, &StopReason::EndTurn));
        assert_eq!(result.usage, Usage::default());
        assert!(result.message.metadata.is_none());
        assert!(model.requests().is_empty());
        assert_eq!(texts(&agent), ["q", said]);
    }
}

/// §1.5 AfterModelCall.retry discards the response: nothing of it is appended, what was streamed is
/// not retracted.
#[tokio::test]
async fn after_model_call_retry_discards_the_response() {
    let model = ScriptedModel::new([Reply::text("bad"), Reply::text("good")]);
    let before = Count::default();
    let counter = before.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(move |_: &BeforeModelCallEvent| {
            counter.up();
        })
        .hook(|event: &mut AfterModelCallEvent| {
            event.set_retry(event.stop_response().unwrap().message.text() == "bad");
        })
        .build()
        .await
        .unwrap();
    let events = stream_of(&mut agent, "q").await;
    let said: Vec<_> = events.iter().filter_map(|event| event["data"].as_str()).collect();
    assert_eq!(said, ["bad", "good"]);
    assert_eq!(texts(&agent), ["q", "good"]);
    assert_eq!(before.get(), 2, "BeforeModelCall fires again");
    assert_eq!(model.requests()[1].messages.len(), 1);
}

/// §1.5 AfterModelCall.retry swallows the exception
#[tokio::test]
async fn after_model_call_retry_swallows_the_exception() {
    let model =
        ScriptedModel::new([Reply::error(ErrorKind::Throttled, "slow down"), Reply::text("good")]);
    let hook = |event: &mut AfterModelCallEvent| event.set_retry(event.exception().is_some());
    let mut agent =
        Agent::builder().no_callback_handler().model(model).hook(hook).build().await.unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "good");
}

/// §1.5 AfterModelCall.retry [≥1.23] unbounded, [≥1.51] with the usage of what was discarded. The
/// BUG of 1.21 (Appendix A 22: a retry after the last error) can't be: there is no last attempt.
#[tokio::test]
async fn after_model_call_retry_has_no_bound_and_its_usage_counts() {
    let model = ScriptedModel::new((0..20).map(|number| {
        let text = Reply::message(Message::assistant(number.to_string()));
        if number % 2 == 0 { text } else { Reply::error(ErrorKind::Unavailable, "gone") }
    }));
    model.push(Reply::message(Message::assistant("good")));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(|event: &mut AfterModelCallEvent| {
            let good = event.stop_response().is_some_and(|turn| turn.message.text() == "good");
            event.set_retry(!good);
        })
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(model.requests().len(), 21);
    assert_eq!(result.usage, Usage::new(110, 55), "eleven answers of 10 and 5");
}

/// §1.5 AfterModelCall.retry asks all hooks again: they may decide otherwise
#[tokio::test]
async fn after_model_call_retry_set_back_by_a_later_hook_does_not_count() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .hook(|event: &mut AfterModelCallEvent| {
            assert!(event.retry(), "reversed: this one is called last");
            event.set_retry(false);
        })
        .hook(|event: &mut AfterModelCallEvent| event.set_retry(true))
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "ok");
}

/// §1.5 AfterToolCall.result
#[tokio::test]
async fn after_tool_call_result_replaced_is_what_is_appended() {
    let model = one_call();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tool(echo("a"))
        .hook(|event: &mut AfterToolCallEvent| {
            let id = event.tool_use().tool_use_id.clone();
            event.set_result(ToolResult::success(id, "[redacted]"))
        })
        .build()
        .await
        .unwrap();
    let events = stream_of(&mut agent, "q").await;
    assert_eq!(last_results(&agent.messages()), ["[redacted]"]);
    assert_eq!(last_results(&model.requests()[1].messages), ["[redacted]"]);
    let streamed = serde_json::to_string(&events).unwrap();
    assert!(streamed.contains("[redacted]"), "{streamed}");
}

/// §1.5 AfterToolCall.result: not as in Strands, where a foreign id goes straight into the history.
/// It is refused (Appendix A 26): a history with it would be invalid.
#[tokio::test]
async fn after_tool_call_result_with_a_foreign_id_is_refused() {
    let refused = Count::default();
    let counter = refused.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(move |event: &mut AfterToolCallEvent| {
            let error = event.set_result(ToolResult::success("other", "x")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            counter.up();
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((refused.get(), last_results(&agent.messages())), (1, vec!["a".to_owned()]));
}

/// §1.5 AfterToolCall.retry: "re-runs the same tool call including BeforeToolCall … Unbounded"
#[tokio::test]
async fn after_tool_call_retry_runs_the_call_again_with_its_hooks_without_bound() {
    let tool = echo("a");
    let before = Count::default();
    let counter = before.clone();
    let after = Count::default();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(move |_: &BeforeToolCallEvent| {
            counter.up();
        })
        .hook(move |event: &mut AfterToolCallEvent| event.set_retry(after.up() < 19))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((tool.count(), before.get()), (20, 20));
    assert_eq!(last_results(&agent.messages()), ["a"]);
}

/// §1.5 AfterToolCall.retry: "Ignored when … the agent is being cancelled"
#[tokio::test]
async fn after_tool_call_retry_is_ignored_when_the_agent_is_cancelled() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .build()
        .await
        .unwrap();
    let cancel = agent.cancel_handle();
    agent.add_hook(move |event: &mut AfterToolCallEvent| {
        cancel.cancel();
        event.set_retry(true);
    });
    assert_eq!(agent.invoke("q").await.unwrap().stop_reason, StopReason::Cancelled);
    assert_eq!((tool.count(), last_results(&agent.messages())), (1, vec!["a".to_owned()]));
    assert_valid(&agent.messages());
}

/// §1.5 BeforeToolCall.cancel_tool
#[tokio::test]
async fn before_tool_call_cancel_tool_is_an_error_result_that_the_model_sees() {
    for (cancel, text) in
        [(Cancel::from(true), "tool cancelled by user"), (Cancel::from("not today"), "not today")]
    {
        let (model, tool) = (one_call(), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolCallEvent| event.cancel_tool(cancel.clone()))
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done", "the loop goes on");
        let results: Vec<_> = model.requests()[1].messages[2].results().cloned().collect();
        assert_eq!(results, [ToolResult::error("t1", text)]);
        assert_eq!(tool.count(), 0);
    }
}

/// §1.5 BeforeToolCall.selected_tool
#[tokio::test]
async fn before_tool_call_selected_tool_replaced_runs_instead() {
    let (registered, other) = (echo("a"), echo("z"));
    let selected = other.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(registered.clone())
        .hook(move |event: &mut BeforeToolCallEvent| {
            event.set_selected_tool(Some(Arc::new(selected.clone())));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((registered.count(), other.count()), (0, 1));
    assert_eq!(last_results(&agent.messages()), ["z"]);
}

/// §1.5 BeforeToolCall.selected_tool = None: "Error text names the original tool"
#[tokio::test]
async fn before_tool_call_selected_tool_none_is_an_unknown_tool() {
    let tool = echo("a");
    let hook = |event: &mut BeforeToolCallEvent| event.set_selected_tool(None);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(hook)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(last_results(&agent.messages()), ["Unknown tool: a"]);
    assert_eq!(tool.count(), 0);
}

/// §1.5 BeforeToolCall.tool_use: input
#[tokio::test]
async fn before_tool_call_input_replaced_is_what_runs() {
    let tool = echo("a");
    let hook = |event: &mut BeforeToolCallEvent| event.set_input(json!({"n": 7}));
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .hook(hook)
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(tool.seen()[0].input, json!({"n": 7}));
}

/// §1.5 BeforeToolCall.tool_use: name [≥1.55.1] "the tool is looked up again"
#[tokio::test]
async fn before_tool_call_name_replaced_selects_the_tool_of_that_name() {
    for (name, text) in [("b", "b"), ("nobody", "Unknown tool: nobody")] {
        let (one, two) = (echo("a"), echo("b"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tools([one.clone(), two.clone()])
            .hook(move |event: &mut BeforeToolCallEvent| {
                event.set_tool_use(ToolUse::new("t1", name, json!({})))
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(one.count(), 0);
        assert_eq!(last_results(&agent.messages()), [text]);
    }
}

/// §1.5 BeforeToolCall.tool_use: a tool that was selected after the name was changed stays selected
#[tokio::test]
async fn before_tool_call_a_selected_tool_goes_before_the_name() {
    let (registered, other) = (echo("a"), echo("z"));
    let selected = other.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tools([registered.clone(), echo("b")])
        .hook(move |event: &mut BeforeToolCallEvent| -> Result<(), Error> {
            event.set_tool_use(ToolUse::new("t1", "b", json!({})))?;
            event.set_selected_tool(Some(Arc::new(selected.clone())));
            Ok(())
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((registered.count(), other.count()), (0, 1));
}

/// §1.5 BeforeToolCall.tool_use: "Changing toolUseId yields a result with the foreign id (WEAK)". Here
/// it is refused (Appendix A 26).
#[tokio::test]
async fn before_tool_call_another_id_is_refused() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(|event: &mut BeforeToolCallEvent| {
            event.set_tool_use(ToolUse::new("t2", "a", json!({})))
        })
        .build()
        .await
        .unwrap();
    let error = agent.invoke("q").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hook);
    assert!(error.to_string().contains("can't change the id of a tool use"), "{error}");
}

/// §1.5 BeforeTools.cancel
#[tokio::test]
async fn before_tools_cancel_gives_every_call_an_error_result() {
    for (cancel, text) in
        [(Cancel::from(true), "Tool cancelled by hook"), (Cancel::from("no"), "no")]
    {
        let (model, tool) = (calls(&[("t1", "a"), ("t2", "nobody")]), echo("a"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(tool.clone())
            .hook(move |event: &mut BeforeToolsEvent| event.cancel(cancel.clone()))
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        let results: Vec<_> = model.requests()[1].messages[2].results().cloned().collect();
        assert_eq!(results, [ToolResult::error("t1", text), ToolResult::error("t2", text)]);
        assert_eq!(tool.count(), 0);
    }
}

/// §1.5 AfterTools.end_turn
#[tokio::test]
async fn after_tools_end_turn_is_the_last_word() {
    let ends: [(EndTurn, &str); 3] = [
        (true.into(), "The turn was ended by a hook."),
        ("enough".into(), "enough"),
        (vec![ContentBlock::from("enough"), " said".into()].into(), "enough said"),
    ];
    for (end, said) in ends {
        let model = one_call();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .hook(move |event: &mut AfterToolsEvent| event.set_end_turn(end.clone()))
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(result.stop_reason, StopReason::EndTurn);
        assert_eq!(result.text().replace('\n', ""), said);
        assert_eq!(model.requests().len(), 1, "no further model call");
        let history = shape(&agent.messages());
        assert_eq!(history[..3], ["user text", "assistant toolUse", "user toolResult"]);
        assert!(history[3].starts_with("assistant text"));
    }
}

/// §1.5 AfterTools.end_turn = false takes it back
#[tokio::test]
async fn after_tools_end_turn_false_ends_nothing() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(|event: &mut AfterToolsEvent| event.set_end_turn(false))
        .hook(|event: &mut AfterToolsEvent| event.set_end_turn("enough"))
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
}

/// Not in §1.5: guidance, which Strands' interventions append past the events (WEAK, §1.13). Here it
/// is a message like any other, announced and stored.
#[tokio::test]
async fn guidance_is_a_message_that_is_announced() {
    let notes = Notes::default();
    let log = notes.clone();
    let given = Count::default();
    let model = ScriptedModel::new([Reply::text("bad"), Reply::text("good")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .hook(move |event: &mut BeforeModelCallEvent| {
            if given.up() == 0 {
                event.add_guidance("be brief");
            }
        })
        .hook(|event: &mut AfterModelCallEvent| {
            if event.stop_response().unwrap().message.text() == "bad" {
                event.add_guidance("better");
            }
        })
        .hook(move |event: &MessageAddedEvent| log.add(event.message().text()))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["q", "be brief", "better", "good"]);
    assert_eq!(texts(&agent), ["q", "be brief", "better", "good"]);
    assert_eq!(model.requests()[0].messages.len(), 2, "told before it was asked");
}

/// Not in §1.5: the guard's cancel_tool. It stands as the result, and no later guard takes it back.
#[tokio::test]
async fn a_guards_cancel_can_not_be_taken_back() {
    let body = tool("a", |_, _| async { Ok(ToolOutput::text("ran")) });
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(body.clone())
        .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("never"))
        .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool(false))
        .hook(|event: &mut ToolCallGuardEvent| event.cancel_tool("perhaps"))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!((body.count(), last_results(&agent.messages())), (0, vec!["never".to_owned()]));
}
