//! What hooks may do to a run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, echo, last_results, tool};

fn one_call() -> ScriptedModel {
    ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("done")])
}

fn texts(agent: &Agent) -> Vec<String> {
    agent.messages().iter().map(|message| message.text()).collect()
}

mod before_invocation {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn a_cancel_keeps_the_prompt_and_asks_no_model() {
        for (cancel, said) in
            [(Cancel::Yes, "invocation denied by hook"), (Cancel::Because("shut".into()), "shut")]
        {
            let model = ScriptedModel::new([]);
            let ended = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&ended);
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(model.clone())
                .hook(move |event: &mut BeforeInvocationEvent| event.cancel(cancel.clone()))
                .hook(move |_: &AfterInvocationEvent| {
                    counter.fetch_add(1, Ordering::SeqCst);
                })
                .build()
                .await
                .unwrap();
            let result = agent.invoke("q").await.unwrap();
            assert_eq!(result.stop_reason, StopReason::EndTurn);
            assert_eq!(texts(&agent), ["q", said]);
            assert!(model.requests().is_empty());
            assert_eq!(ended.load(Ordering::SeqCst), 1);
        }
    }

    #[tokio::test]
    async fn the_answer_of_a_cancel_is_announced_like_any_other() {
        let added = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&added);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .hook(|event: &mut BeforeInvocationEvent| event.cancel("shut"))
            .hook(move |event: &MessageAddedEvent| {
                notes.lock().unwrap().push(event.message().text());
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(*added.lock().unwrap(), ["q", "shut"]);
    }

    #[tokio::test]
    async fn other_messages_take_the_place_of_the_prompt() {
        let model = ScriptedModel::new([Reply::text("ok")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|event: &mut BeforeInvocationEvent| {
                assert_eq!(event.messages()[0].text(), "my key is 1234");
                event.set_messages(vec![Message::user("my key is [gone]")]);
            })
            .build()
            .await
            .unwrap();
        agent.invoke("my key is 1234").await.unwrap();
        assert_eq!(model.requests()[0].messages[0].text(), "my key is [gone]");
        assert_eq!(texts(&agent), ["my key is [gone]", "ok"]);
    }

    #[tokio::test]
    async fn messages_that_can_not_stand_are_refused() {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .hook(|event: &mut BeforeInvocationEvent| {
                event.set_messages(vec![crate::common::asks([("t", "a", json!({}))])]);
            })
            .build()
            .await
            .unwrap();
        assert!(agent.invoke("q").await.is_err());
        assert!(agent.messages().is_empty() && !agent.is_unfinished());
    }

    #[tokio::test]
    async fn a_failure_leaves_the_history_untouched_and_ends_nothing() {
        let ended = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&ended);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .hook(|_: &mut BeforeInvocationEvent| -> HookResult { Err("no".into()) })
            .hook(move |_: &AfterInvocationEvent| {
                counter.fetch_add(1, Ordering::SeqCst);
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
        assert!(agent.messages().is_empty());
        assert_eq!(ended.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_failure_does_not_give_up_what_an_earlier_invocation_left() {
        let model =
            ScriptedModel::new([Reply::error(ErrorKind::Unavailable, "no"), Reply::text("ok")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .retry_strategy(RetryStrategy::none())
            .hook(|event: &mut BeforeInvocationEvent| -> HookResult {
                let forbidden = event.messages().iter().any(|message| message.text() == "evil");
                if forbidden { Err("no".into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap_err();
        assert_eq!(agent.invoke("evil").await.unwrap_err().kind(), ErrorKind::Hook);
        assert!(agent.is_unfinished());
        assert_eq!(agent.invoke(()).await.unwrap().text(), "ok");
        assert_eq!(texts(&agent), ["q", "ok"]);
    }
}

mod model_call {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn a_cancel_stands_as_the_answer_and_is_announced() {
        for (cancel, said) in
            [(Cancel::Yes, "model call denied by hook"), (Cancel::Because("no".into()), "no")]
        {
            let after = Arc::new(Mutex::new(Vec::new()));
            let notes = Arc::clone(&after);
            let model = ScriptedModel::new([]);
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(model.clone())
                .hook(move |event: &mut BeforeModelCallEvent| event.cancel(cancel.clone()))
                .hook(move |event: &AfterModelCallEvent| {
                    let turn = event.stop_response().unwrap();
                    notes.lock().unwrap().push((turn.message.text(), turn.usage));
                })
                .build()
                .await
                .unwrap();
            let result = agent.invoke("q").await.unwrap();
            assert_eq!((result.stop_reason, result.usage), (StopReason::EndTurn, Usage::default()));
            assert_eq!(*after.lock().unwrap(), [(said.to_owned(), Usage::default())]);
            assert_eq!(texts(&agent), ["q", said]);
            assert!(model.requests().is_empty());
        }
    }

    #[tokio::test]
    async fn a_retry_throws_the_answer_away_and_counts_what_it_used() {
        let model = ScriptedModel::new(
            ["bad", "worse", "good"].map(|text| Reply::message(Message::assistant(text))),
        );
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .hook(move |_: &BeforeModelCallEvent| {
                counter.fetch_add(1, Ordering::SeqCst);
            })
            .hook(|event: &mut AfterModelCallEvent| {
                let text = event.stop_response().unwrap().message.text();
                event.set_retry(text != "good");
            })
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(texts(&agent), ["q", "good"]);
        assert_eq!((result.usage, result.cycles), (Usage::new(30, 15), 1));
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_retry_swallows_an_error() {
        let model = ScriptedModel::new([
            Reply::error(ErrorKind::Throttled, "slow down"),
            Reply::text("good"),
        ]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .hook(|event: &mut AfterModelCallEvent| {
                event.set_retry(event.exception().is_some_and(Error::is_throttled));
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "good");
    }

    #[tokio::test]
    async fn a_failing_hook_before_the_call_is_seen_after_it_and_stops_the_run() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        let model = ScriptedModel::new([Reply::text("ok")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .hook(|_: &mut BeforeModelCallEvent| -> HookResult { Err("no".into()) })
            .hook(move |event: &AfterModelCallEvent| {
                notes.lock().unwrap().push(event.exception().unwrap().kind());
            })
            .build()
            .await
            .unwrap();
        let error = agent.invoke("q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hook);
        assert!(error.to_string().contains("BeforeModelCallEvent"), "{error}");
        assert_eq!(*seen.lock().unwrap(), [ErrorKind::Hook]);
        assert!(model.requests().is_empty());
    }

    #[tokio::test]
    async fn a_failing_hook_after_the_call_fires_once_and_keeps_the_answer_out() {
        let fired = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&fired);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([Reply::text("x")]))
            .hook(move |_: &mut AfterModelCallEvent| -> HookResult {
                counter.fetch_add(1, Ordering::SeqCst);
                Err("no".into())
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
        assert_eq!((fired.load(Ordering::SeqCst), agent.messages().len()), (1, 1));
    }
}

mod tool_call {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn users_15_1_a_deny_means_that_the_tool_is_never_entered() {
        for (cancel, text) in
            [(Cancel::Yes, "tool cancelled by user"), (Cancel::Because("no".into()), "no")]
        {
            let tool = echo("a");
            let seen = Arc::new(Mutex::new(None));
            let note = Arc::clone(&seen);
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(one_call())
                .tool(tool.clone())
                .hook(move |event: &mut BeforeToolCallEvent| event.cancel_tool(cancel.clone()))
                .hook(move |event: &AfterToolCallEvent| {
                    let tool = event.selected_tool().is_some();
                    *note.lock().unwrap() = Some((tool, event.cancel_message().map(str::to_owned)));
                })
                .build()
                .await
                .unwrap();
            assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
            assert_eq!(tool.count(), 0);
            assert_eq!(last_results(&agent.messages()), [text]);
            assert_eq!(*seen.lock().unwrap(), Some((false, Some(text.to_owned()))));
        }
    }

    #[tokio::test]
    async fn users_15_2_a_guard_that_fails_means_that_the_tool_is_not_run() {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
                match event.agent().messages().len() {
                    0 => Ok(()),
                    _ => panic!("no floor"),
                }
            })
            .build()
            .await
            .unwrap();
        let error = agent.invoke("q").await.unwrap_err();
        assert!(
            error.to_string().contains("at BeforeToolCallEvent: panicked: no floor"),
            "{error}"
        );
        assert_eq!(tool.count(), 0);
        assert_eq!(agent.messages().len(), 1, "the turn is not in the history yet");
        agent.abandon().await.unwrap();
        assert_eq!(last_results(&agent.messages()), ["Tool was interrupted."]);
    }

    #[tokio::test]
    async fn a_guard_that_fails_in_one_call_loses_nothing_of_the_others() {
        let model = ScriptedModel::new([
            Reply::tools([("t1", "a", json!({})), ("t2", "b", json!({}))]),
            Reply::text("done"),
        ]);
        let (one, two) = (echo("a"), echo("b"));
        let broken = Arc::new(AtomicUsize::new(1));
        let guard = Arc::clone(&broken);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .tools([one.clone(), two.clone()])
            .hook(move |event: &mut BeforeToolCallEvent| -> HookResult {
                let broken = guard.load(Ordering::SeqCst) == 1;
                if broken && event.tool_use().name == "a" { Err("no".into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap_err();
        assert_eq!((one.count(), two.count()), (0, 1));
        broken.store(0, Ordering::SeqCst);
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
        assert_eq!((one.count(), two.count()), (1, 1));
        assert_eq!(last_results(&agent.messages()), ["a", "b"]);
    }

    #[tokio::test]
    async fn the_arguments_that_a_hook_wrote_are_what_runs_and_the_history_keeps_the_models() {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(|event: &mut BeforeToolCallEvent| event.set_input(json!({"n": 2})))
            .hook(|event: &AfterToolCallEvent| assert_eq!(event.tool_use().input["n"], 2))
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(tool.seen()[0].input, json!({"n": 2}));
        let asked = agent.messages()[1].tool_uses().next().unwrap().input.clone();
        assert_eq!(asked, json!({"n": 1}));
    }

    #[tokio::test]
    async fn another_name_selects_another_tool() {
        let (one, two) = (echo("a"), echo("b"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tools([one.clone(), two.clone()])
            .hook(|event: &mut BeforeToolCallEvent| {
                let tool_use = ToolUse { name: "b".into(), ..event.tool_use().clone() };
                event.set_tool_use(tool_use)
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!((one.count(), two.count()), (0, 1));
        assert_eq!(last_results(&agent.messages()), ["b"]);
    }

    #[tokio::test]
    async fn another_tool_may_be_selected_and_so_may_none() {
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

        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(registered.clone())
            .hook(|event: &mut BeforeToolCallEvent| event.set_selected_tool(None))
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(registered.count(), 0);
        assert_eq!(last_results(&agent.messages()), ["Unknown tool: a"]);
    }

    #[tokio::test]
    async fn ids_can_not_be_changed() {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(echo("a"))
            .hook(|event: &mut BeforeToolCallEvent| {
                let before = event.tool_use().clone();
                let foreign = ToolUse { tool_use_id: "z".into(), ..before.clone() };
                assert!(event.set_tool_use(foreign).is_err());
                assert_eq!(event.tool_use(), &before);
            })
            .hook(|event: &mut AfterToolCallEvent| {
                assert!(event.set_result(ToolResult::success("z", "x")).is_err());
                assert_eq!(event.result().text(), "a");
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_valid(&agent.messages());
    }

    #[tokio::test]
    async fn a_result_may_be_replaced() {
        let model = one_call();
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .hook(|event: &mut AfterToolCallEvent| {
                event.set_result(ToolResult::error(&event.tool_use().tool_use_id, "[gone]"))
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!(last_results(&model.requests()[1].messages), ["[gone]"]);
    }

    #[tokio::test]
    async fn a_hook_sees_what_went_wrong_and_how_long_it_took() {
        let fails = tool("a", |_, _| async { Err("not today".into()) });
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([
                Reply::tools([("t1", "a", json!({})), ("t2", "nobody", json!({}))]),
                Reply::text("done"),
            ]))
            .tool(fails)
            .hook(|event: &mut AfterToolCallEvent| {
                let error = event.exception().map(ToString::to_string);
                let (expected, ran) = match event.tool_use().tool_use_id.as_str() {
                    "t1" => ("not today", true),
                    _ => ("Unknown tool: nobody", false),
                };
                assert_eq!(error.as_deref(), Some(expected));
                assert_eq!(event.duration().is_some(), ran);
                assert_eq!(event.selected_tool().is_some(), ran);
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
    }

    #[tokio::test]
    async fn a_retry_makes_the_call_again_with_all_its_hooks() {
        let tries = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&tries);
        let flaky = tool("a", move |_, _| {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            async move { if number < 2 { Err("flaky".into()) } else { Ok(ToolOutput::text("ok")) } }
        });
        let before = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&before);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(flaky.clone())
            .hook(move |_: &BeforeToolCallEvent| {
                counter.fetch_add(1, Ordering::SeqCst);
            })
            .hook(|event: &mut AfterToolCallEvent| {
                event.set_retry(event.result().status == ToolStatus::Error);
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        assert_eq!((tries.load(Ordering::SeqCst), before.load(Ordering::SeqCst)), (3, 3));
        assert_eq!(last_results(&agent.messages()), ["ok"]);
        let seen = flaky.seen();
        assert!(seen.iter().all(|call| call.key == seen[0].key), "it is the same call");
    }

    #[tokio::test]
    async fn a_failing_hook_after_a_call_stops_the_run_and_the_tool_is_not_run_again() {
        let tool = echo("a");
        let broken = Arc::new(AtomicUsize::new(1));
        let guard = Arc::clone(&broken);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(move |_: &mut AfterToolCallEvent| -> HookResult {
                if guard.swap(0, Ordering::SeqCst) == 1 { Err("no".into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap_err();
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
        assert_eq!(tool.count(), 1);
        assert_eq!(last_results(&agent.messages()), ["a"]);
    }
}

mod tools {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn a_cancel_before_the_batch_cancels_every_call_without_their_hooks() {
        for (cancel, text) in
            [(Cancel::Yes, "Tool cancelled by hook"), (Cancel::Because("no".into()), "no")]
        {
            let tool = echo("a");
            let calls = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&calls);
            let ended = Arc::new(AtomicUsize::new(0));
            let end_counter = Arc::clone(&ended);
            let mut agent = Agent::builder()
                .no_callback_handler()
                .model(ScriptedModel::new([
                    Reply::tools([("t1", "a", json!({})), ("t2", "nobody", json!({}))]),
                    Reply::text("done"),
                ]))
                .tool(tool.clone())
                .hook(move |event: &mut BeforeToolsEvent| event.cancel(cancel.clone()))
                .hook(move |_: &BeforeToolCallEvent| {
                    counter.fetch_add(1, Ordering::SeqCst);
                })
                .hook(move |_: &AfterToolsEvent| {
                    end_counter.fetch_add(1, Ordering::SeqCst);
                })
                .build()
                .await
                .unwrap();
            agent.invoke("q").await.unwrap();
            assert_eq!((tool.count(), calls.load(Ordering::SeqCst)), (0, 0));
            assert_eq!(ended.load(Ordering::SeqCst), 1);
            assert_eq!(last_results(&agent.messages()), [text, text]);
        }
    }

    #[tokio::test]
    async fn a_cancel_of_a_resumed_batch_cancels_what_still_waits_and_keeps_what_ran() {
        let model = ScriptedModel::new([
            Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({})), ("t3", "b", json!({}))]),
            Reply::text("done"),
        ]);
        let passes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&passes);
        let (asking, free) = (echo("a"), echo("b"));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .tools([asking.clone(), free.clone()])
            .hook(move |event: &mut BeforeToolsEvent| {
                event.cancel(counter.fetch_add(1, Ordering::SeqCst) > 0);
            })
            .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
                if event.tool_use().name == "a" {
                    let _: bool = event.interrupt("approve", "why")?;
                }
                Ok(())
            })
            .build()
            .await
            .unwrap();
        let questions = agent.invoke("q").await.unwrap().interrupts;
        assert_eq!(questions.len(), 2);
        let result = agent.resume([questions[0].answer(true)]).await.unwrap();
        assert_eq!(result.text(), "done");
        let cancelled = "Tool cancelled by hook";
        assert_eq!(last_results(&agent.messages()), [cancelled, cancelled, "b"]);
        assert_eq!((asking.count(), free.count()), (0, 1));
    }

    #[tokio::test]
    async fn a_hook_after_the_batch_may_end_the_turn() {
        let model = ScriptedModel::new([Reply::tool("a", json!({}))]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("a"))
            .hook(|event: &mut AfterToolsEvent| {
                assert_eq!(event.message().results().count(), 1);
                event.set_end_turn(vec!["that's all".into()]);
            })
            .build()
            .await
            .unwrap();
        let result = agent.invoke("q").await.unwrap();
        assert_eq!(
            (result.stop_reason, result.message.text().as_str()),
            (StopReason::EndTurn, "that's all")
        );
        assert_eq!(texts(&agent), ["q", "", "", "that's all"]);
        assert_eq!(model.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_failing_hook_after_the_batch_runs_nothing_again() {
        let tool = echo("a");
        let broken = Arc::new(AtomicUsize::new(1));
        let guard = Arc::clone(&broken);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(move |_: &mut AfterToolsEvent| -> HookResult {
                if guard.swap(0, Ordering::SeqCst) == 1 { Err("no".into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap_err();
        assert_eq!(agent.invoke(()).await.unwrap().text(), "done");
        assert_eq!(tool.count(), 1);
    }
}

mod after_invocation {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn a_resume_goes_on_within_the_same_call() {
        let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .hook(|event: &mut AfterInvocationEvent| {
                if event.result().unwrap().text() == "one" {
                    event.set_resume("and?");
                }
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "two");
        assert_eq!(texts(&agent), ["q", "one", "and?", "two"]);
    }

    #[tokio::test]
    async fn a_resume_may_answer_the_questions() {
        let tool = echo("a");
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(one_call())
            .tool(tool.clone())
            .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
                let _: bool = event.interrupt("approve", "why")?;
                Ok(())
            })
            .hook(|event: &mut AfterInvocationEvent| {
                let questions = event.result().unwrap().interrupts.clone();
                if !questions.is_empty() {
                    let answers: Vec<_> = questions.iter().map(|q| q.answer(true)).collect();
                    event.set_resume(answers);
                }
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
        assert_eq!(tool.count(), 1);
    }

    #[tokio::test]
    async fn it_fires_after_an_error_without_a_result() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .hook(move |event: &AfterInvocationEvent| {
                notes.lock().unwrap().push(event.result().is_some());
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap_err();
        assert_eq!(*seen.lock().unwrap(), [false]);
    }

    #[tokio::test]
    async fn a_failure_is_told_and_the_history_is_whole() {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([Reply::text("one"), Reply::text("two")]))
            .hook(|event: &mut AfterInvocationEvent| -> HookResult {
                if event.agent().messages().len() == 2 { Err("no".into()) } else { Ok(()) }
            })
            .build()
            .await
            .unwrap();
        assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
        assert!(!agent.is_unfinished());
        assert_eq!(agent.invoke("again").await.unwrap().text(), "two");
    }
}

#[tokio::test]
async fn a_failing_hook_at_the_start_means_no_agent() {
    let builder = Agent::builder().no_callback_handler().model(ScriptedModel::new([]));
    let builder = builder.hook(|_: &mut AgentInitializedEvent| -> HookResult { Err("no".into()) });
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::Hook);
}

#[tokio::test]
async fn async_hooks_are_awaited_at_the_start_too() {
    let called = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&called);
    let builder = Agent::builder().no_callback_handler().model(ScriptedModel::new([]));
    let builder = builder.hook(move |_: &AgentInitializedEvent| {
        let counter = Arc::clone(&counter);
        async move {
            tokio::task::yield_now().await;
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    builder.build().await.unwrap();
    assert_eq!(called.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failing_hook_on_a_message_stops_the_run_and_the_message_stays() {
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("one")]))
        .hook(|event: &mut MessageAddedEvent| -> HookResult {
            if event.message().role == Role::Assistant { Err("no".into()) } else { Ok(()) }
        })
        .build()
        .await
        .unwrap();
    assert_eq!(agent.invoke("q").await.unwrap_err().kind(), ErrorKind::Hook);
    assert_eq!(texts(&agent), ["q", "one"]);
    assert!(!agent.is_unfinished());
}
