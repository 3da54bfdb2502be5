//! Around a tool call: whether it runs, with which arguments, and what comes of it.

use std::sync::Mutex;

use pretty_assertions::assert_eq;

use super::*;
use crate::common::{assert_valid, echo, last_results, tool};

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
    assert!(error.to_string().contains("at BeforeToolCallEvent: panicked: no floor"), "{error}");
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
