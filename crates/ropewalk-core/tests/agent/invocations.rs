//! What is given for one invocation alone, and what an agent has of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, tool};

type Log = Arc<Mutex<Vec<String>>>;

fn noting(log: &Log, name: &'static str) -> impl Fn(&BeforeModelCallEvent) + Send + Sync + use<> {
    let log = Arc::clone(log);
    move |_: &BeforeModelCallEvent| log.lock().unwrap().push(name.to_owned())
}

#[tokio::test]
async fn hooks_of_one_invocation_are_gone_with_it_and_those_of_one_agent_are_its_own() {
    let log = Log::default();
    let model = ScriptedModel::new((0..4).map(|_| Reply::text("ok")));
    let blueprint = Agent::builder().no_callback_handler().model(model).hook(noting(&log, "all"));
    let blueprint = Arc::new(blueprint.host_hook(noting(&log, "host")).blueprint().unwrap());
    let mut one = blueprint.agent().await.unwrap();
    let mut two = blueprint.agent().await.unwrap();
    let handle = one.add_hook(noting(&log, "one"));
    let take = || std::mem::take(&mut *log.lock().unwrap());

    one.invocation("q").hook(noting(&log, "once")).await.unwrap();
    assert_eq!(take(), ["host", "all", "one", "once"]);
    one.invoke("q").await.unwrap();
    assert_eq!(take(), ["host", "all", "one"]);
    assert!(one.remove_hook(handle) && !one.remove_hook(handle));
    one.invoke("q").await.unwrap();
    assert_eq!(take(), ["host", "all"]);
    two.invoke("q").await.unwrap();
    assert_eq!(take(), ["host", "all"]);
}

#[tokio::test]
async fn state_reaches_hooks_and_tools_and_is_kept_while_the_run_waits() {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let a = tool("a", move |_, context: ToolContext| {
        let state = context.invocation_state().clone();
        seen.lock().unwrap().push(ropewalk_testkit::sorted_json(state.to_json()).to_string());
        async move {
            state.set("from the tool", 1)?;
            Ok(ToolOutput::text("a"))
        }
    });
    let model = ScriptedModel::new([
        Reply::tool("a", json!({})),
        Reply::text("done"),
        Reply::tool("a", json!({})),
    ]);
    let seen = Arc::clone(&log);
    let builder = || {
        let seen = Arc::clone(&seen);
        Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(a.clone())
            .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
                event.invocation_state().set("asked", true)?;
                let _: bool = event.interrupt("approve", "why")?;
                Ok(())
            })
            .hook(move |event: &AfterInvocationEvent| {
                let state = ropewalk_testkit::sorted_json(event.invocation_state().to_json());
                seen.lock().unwrap().push(format!("after {state}"));
            })
    };
    let mut agent = builder().build().await.unwrap();
    let asked = agent.invocation("q").state("user", "alice").await.unwrap().interrupts;
    let stored = serde_json::to_string(&agent.run()).unwrap();

    let blueprint = Arc::new(builder().blueprint().unwrap());
    let mut agent = blueprint.resume(serde_json::from_str(&stored).unwrap()).await.unwrap();
    agent.invocation(asked[0].answer(true)).state("request", 7).await.unwrap();
    assert_eq!(
        std::mem::take(&mut *log.lock().unwrap()),
        [
            r#"after {"asked":true,"user":"alice"}"#,
            r#"{"asked":true,"request":7,"user":"alice"}"#,
            r#"after {"asked":true,"from the tool":1,"request":7,"user":"alice"}"#,
        ]
    );
    assert!(agent.run().state().is_empty(), "it is gone with its invocation");
    agent.invocation("q").state("user", "bob").await.unwrap();
    assert_eq!(*log.lock().unwrap(), [r#"after {"asked":true,"user":"bob"}"#]);
}

#[tokio::test]
async fn a_state_that_can_not_be_stored_is_an_error_and_nothing_happens() {
    let model = ScriptedModel::new([]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    let map: std::collections::HashMap<Vec<u8>, u8> = [(vec![1], 1)].into();
    let error = agent.invocation("q").state("user", map).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("`user`"), "{error}");
    assert!(model.requests().is_empty() && agent.messages().is_empty());
}

#[tokio::test]
async fn a_hook_sees_what_streams() {
    let log = Log::default();
    let pieces = Arc::clone(&log);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([Reply::text("good day")]))
        .observe_stream(move |event: &ModelStreamEvent| {
            pieces.lock().unwrap().extend(event.text().map(str::to_owned));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(log.lock().unwrap().concat(), "good day");
}

#[tokio::test]
async fn what_expired_is_refused_before_something_else_is_done_whoever_noticed_it() {
    use std::time::{Duration, SystemTime};

    for noticed_before in [false, true] {
        let a = echo("a");
        let model = ScriptedModel::new([
            Reply::tool("a", json!({})),
            Reply::text("I could not."),
            Reply::text("Something else."),
        ]);
        let now = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH));
        let clock = Arc::clone(&now);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model)
            .tool(a.clone())
            .clock(move || *clock.lock().unwrap())
            .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
                let request =
                    ApprovalRequest::new("May I?").with_expires_in(Duration::from_secs(10));
                if !event.ask_approval("approve", request)?.is_approved() {
                    event.cancel_tool("nobody said yes");
                }
                Ok(())
            })
            .build()
            .await
            .unwrap();
        agent.invoke("q").await.unwrap();
        *now.lock().unwrap() += Duration::from_secs(11);
        if noticed_before {
            assert_eq!(agent.check_expiry().await.unwrap(), None);
        }
        assert_eq!(agent.invoke("another").await.unwrap().text(), "Something else.");
        assert_eq!(a.count(), 0);
        let results: Vec<String> = agent
            .messages()
            .iter()
            .flat_map(|message| message.results().map(ToolResult::text).collect::<Vec<_>>())
            .collect();
        assert_eq!(results, ["nobody said yes"]);
    }
}

mod by_hand {
    use super::*;
    use pretty_assertions::assert_eq;

    #[tokio::test]
    async fn a_call_leaves_four_messages_and_asks_no_model() {
        let model = ScriptedModel::new([]);
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(echo("look-up"))
            .build()
            .await
            .unwrap();
        let result = agent.tool("look_up").call(json!({"n": 1})).await.unwrap();
        assert_eq!((result.text(), result.status), ("look-up".to_owned(), ToolStatus::Success));
        assert!(model.requests().is_empty() && !agent.is_unfinished());
        let messages = agent.messages();
        let texts: Vec<String> = messages.iter().map(|message| message.text()).collect();
        assert_eq!(
            texts,
            [
                "agent.tool.look-up direct tool call.\nInput parameters: {\"n\": 1}\n",
                "",
                "",
                "agent.tool.look-up was called."
            ]
        );
        assert_eq!(messages[1].tool_uses().next().unwrap().input, json!({"n": 1}));
    }

    #[tokio::test]
    async fn an_unknown_tool_is_an_error_that_names_the_others() {
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(ScriptedModel::new([]))
            .tool(echo("a"))
            .build()
            .await
            .unwrap();
        let error = agent.tool("b").call(json!({})).await.unwrap_err();
        assert_eq!(error.to_string(), "Tool 'b' not found; there are: a");
        assert!(agent.messages().is_empty());
    }

    #[tokio::test]
    async fn a_question_waits_for_an_answer_and_the_model_is_not_asked_then_either() {
        let (a, model) = (echo("a"), ScriptedModel::new([]));
        let mut agent = Agent::builder()
            .no_callback_handler()
            .model(model.clone())
            .tool(a.clone())
            .hook(|event: &mut ToolCallGuardEvent| -> HookResult {
                event.ask_approval("approve", ApprovalRequest::new("May I?"))?;
                Ok(())
            })
            .build()
            .await
            .unwrap();
        let error = agent.tool("a").call(json!({})).await.unwrap_err();
        assert_eq!((error.kind(), a.count()), (ErrorKind::Interrupt, 0));
        let error = agent.tool("a").call(json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let asked = agent.interrupts();
        let result = agent.resume([asked[0].answer(true)]).await.unwrap();
        assert_eq!((a.count(), result.text()), (1, "agent.tool.a was called.".to_owned()));
        assert!(model.requests().is_empty());
    }
}

/// A server that writes faster than it is read: far more comes at once than a runtime lets a task take in one go.
#[tokio::test]
async fn an_answer_that_comes_all_at_once_is_streamed_to_its_end() {
    let pieces = (0..5_000).map(|at| ModelChunk::text_delta(format!("{at} ")));
    let chunks = std::iter::once(ModelChunk::message_start())
        .chain(pieces)
        .chain([ModelChunk::block_stop(), ModelChunk::message_stop(StopReason::EndTurn)]);
    let model = ScriptedModel::new([Reply::chunks(chunks)]);
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    let builder = Agent::builder().no_callback_handler().model(model);
    let builder = builder.observe_stream(move |_: &ModelStreamEvent| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let mut agent = builder.build().await.unwrap();
    let (mut heard, mut result) = (String::new(), None);
    let mut events = agent.stream("q");
    while let Some(event) = events.next().await {
        match event.unwrap() {
            AgentEvent::Text(text) => {
                if heard.is_empty() {
                    // Nobody waits for the end to hear the beginning, and not all of it is held at once.
                    assert!(came.load(Ordering::Relaxed) < 100);
                }
                heard.push_str(&text);
            }
            AgentEvent::Result(all) => result = Some(all.text()),
            _ => {}
        }
    }
    assert_eq!(heard.matches(' ').count(), 5_000);
    assert_eq!(Some(heard), result);
}
