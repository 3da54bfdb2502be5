//! §3.6 Cancel. What is not here is in `agent/cancel.rs`.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::common::{TestTool, assert_valid, echo, last_results, tool};
use crate::support::{calls, one_call, says, shape, texts};

/// A tool that says when it runs, and goes on for a second whatever happens.
fn steady(name: &str) -> (TestTool, Arc<Notify>) {
    let started = Arc::new(Notify::new());
    let note = Arc::clone(&started);
    let tool = tool(name, move |_, _| {
        let note = Arc::clone(&note);
        async move {
            note.notify_one();
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(ToolOutput::text("done"))
        }
    });
    (tool, started)
}

/// §3.6 "[≥1.62] cancel(message=…): text used as the final assistant message"
#[tokio::test]
async fn the_message_of_a_cancel_is_the_last_one() {
    let mut agent =
        Agent::builder().no_callback_handler().model(says("never")).build().await.unwrap();
    agent.cancel_handle().cancel_with("Enough for today.");
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    assert_eq!(texts(&agent), ["q", "Enough for today."]);
    assert_eq!(agent.invoke("q").await.unwrap().text(), "never", "it held for one invocation");
}

/// §3.6 the same while the model speaks: what it had said is not lost (Strands discards it)
#[tokio::test(start_paused = true)]
async fn the_message_of_a_cancel_stands_behind_what_was_said() {
    let model = ScriptedModel::new([Reply::text("half of it").silent_after(4)]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        handle.cancel_with("first");
        handle.cancel_with("second");
    });
    assert_eq!(result.unwrap().text(), "half of \nfirst");
}

/// §3.6 the same while tools run: it stands behind the results, and is the result's message
#[tokio::test(start_paused = true)]
async fn the_message_of_a_cancel_stands_behind_the_results() {
    let (tool, started) = steady("a");
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(tool).build().await.unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async {
        started.notified().await;
        handle.cancel_with("Enough.");
    });
    assert_eq!(result.unwrap().text(), "Enough.");
    let expected = ["user text", "assistant toolUse", "user toolResult", "assistant text"];
    assert_eq!(shape(&agent.messages()), expected);
    assert_eq!(last_results(&agent.messages()), ["done"], "it ended in the moment it was given");
}

/// §3.6 "cancel(after_current_tools=True): finish the current batch with real results, then stop"
#[tokio::test(start_paused = true)]
async fn a_cancel_after_the_tools_lets_them_end() {
    let started = Arc::new(Notify::new());
    let note = Arc::clone(&started);
    let long = tool("a", move |_, context: ToolContext| {
        let note = Arc::clone(&note);
        async move {
            note.notify_one();
            // Longer than what a cancel leaves.
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert!(!context.cancel().is_cancelled());
            Ok(ToolOutput::text("done"))
        }
    });
    let model = calls(&[("t1", "a"), ("t2", "b")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model.clone())
        .tools([long, echo("b")])
        .build()
        .await
        .unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async {
        started.notified().await;
        handle.cancel_after_tools_with("That will do.");
        assert!(handle.is_cancelled());
    });
    let result = result.unwrap();
    assert_eq!(
        (result.stop_reason.as_str(), result.text().as_str()),
        ("cancelled", "That will do.")
    );
    assert_eq!(last_results(&agent.messages()), ["done", "b"]);
    assert_eq!(model.requests().len(), 1, "the model is not asked any more");
    assert!(result.unknown_outcomes.is_empty() && !handle.is_cancelled());
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
}

/// §3.6 the same while no tools run: there is nothing to wait for
#[tokio::test(start_paused = true)]
async fn a_cancel_after_the_tools_stops_a_model_at_once() {
    let model = ScriptedModel::new([Reply::text("half of it").silent_after(4)]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    let handle = agent.cancel_handle();
    let (result, ()) = tokio::join!(agent.invoke("q"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        handle.cancel_after_tools();
    });
    assert_eq!(result.unwrap().text(), "half of ");
    assert!(model.requests()[0].cancel.is_cancelled(), "the model is told");
}

/// §3.6 "[≥1.54] caller-owned cancel_signal argument, mirrored by polling every 50 ms". Here it is
/// waited for.
#[tokio::test(start_paused = true)]
async fn a_token_of_the_caller_stops_one_invocation() {
    let (tool, started) = steady("a");
    let mut agent =
        Agent::builder().no_callback_handler().model(one_call()).tool(tool).build().await.unwrap();
    let token = CancellationToken::new();
    let began = Instant::now();
    let (result, ()) =
        tokio::join!(agent.invocation("q").cancel_token(token.clone()).into_future(), async {
            started.notified().await;
            token.cancel();
        });
    assert_eq!(result.unwrap().stop_reason, StopReason::Cancelled);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert_valid(&agent.messages());
    // It was one invocation's; and one that is cancelled stops its own at the first step.
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    let result = agent.invocation("q").cancel_token(token).await.unwrap();
    assert_eq!(result.text(), "Cancelled by user");
    let untouched = CancellationToken::new();
    agent.cancel_handle().cancel();
    agent.invocation("q").cancel_token(untouched.clone()).await.unwrap();
    assert!(!untouched.is_cancelled(), "it is the caller's");
}

/// A hook that does not end is dropped a moment after a cancel, wherever it hangs.
#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_does_not_keep_a_cancel_back() {
    async fn hangs<E: HookEvent>(_: &mut E) -> HookResult {
        std::future::pending().await
    }
    let builders: [(&str, AgentBuilder); 6] = [
        (
            "BeforeModelCall",
            Agent::builder().no_callback_handler().hook(hangs::<BeforeModelCallEvent>),
        ),
        (
            "AfterModelCall",
            Agent::builder().no_callback_handler().hook(hangs::<AfterModelCallEvent>),
        ),
        ("BeforeTools", Agent::builder().no_callback_handler().hook(hangs::<BeforeToolsEvent>)),
        (
            "BeforeToolCall",
            Agent::builder().no_callback_handler().hook(hangs::<BeforeToolCallEvent>),
        ),
        ("AfterToolCall", Agent::builder().no_callback_handler().hook(hangs::<AfterToolCallEvent>)),
        (
            "AfterInvocation",
            Agent::builder().no_callback_handler().hook(hangs::<AfterInvocationEvent>),
        ),
    ];
    for (at, builder) in builders {
        let mut agent = builder.model(one_call()).tool(echo("a")).build().await.unwrap();
        let handle = agent.cancel_handle();
        let began = Instant::now();
        let (result, ()) = tokio::join!(agent.invoke("q"), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.cancel();
        });
        let reason = result.unwrap_or_else(|error| panic!("{at}: {error:?}")).stop_reason;
        let expected = if at == "AfterInvocation" { "end_turn" } else { "cancelled" };
        assert_eq!(reason.as_str(), expected, "{at}");
        assert!(began.elapsed() < Duration::from_secs(20), "{at}: {:?}", began.elapsed());
        assert_valid(&agent.messages());
        assert!(!agent.is_unfinished(), "{at}");
    }
}

/// A hook that takes long can see the cancel and end by itself.
#[tokio::test(start_paused = true)]
async fn a_hook_can_watch_for_the_cancel() {
    async fn watches(event: &mut BeforeModelCallEvent) -> HookResult {
        event.cancel_token().clone().cancelled().await;
        Ok(())
    }
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("never"))
        .hook(watches)
        .build()
        .await
        .unwrap();
    let handle = agent.cancel_handle();
    let began = Instant::now();
    let (result, ()) = tokio::join!(agent.invoke("q"), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        handle.cancel();
    });
    assert_eq!(result.unwrap().stop_reason, StopReason::Cancelled);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}

/// §3.6 "Before tools: every tool use gets error result `Tool execution cancelled`"
#[tokio::test]
async fn what_did_not_run_says_so_in_the_words_of_strands() {
    let tool = echo("a");
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(tool.clone())
        .build()
        .await
        .unwrap();
    let handle = agent.cancel_handle();
    agent.add_hook(move |_: &BeforeToolsEvent| handle.cancel());
    let result = agent.invoke("q").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::Cancelled);
    assert_eq!(last_results(&agent.messages()), ["Tool execution cancelled"]);
    assert_eq!(result.message.tool_uses().count(), 1, "`message` = the tool-use message");
    assert_eq!((tool.count(), json!(result.stop_reason)), (0, json!("cancelled")));
}
