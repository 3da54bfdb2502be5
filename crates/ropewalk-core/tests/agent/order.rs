//! What happens in which order: hooks (§1.4 of the page's behaviour) and the stream (§5.2).

use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel, sorted_json};
use serde_json::{Value, json};

use crate::common::{echo, redact, tool};

type Log = Arc<Mutex<Vec<String>>>;

/// Notes every event there is, twice over.
struct Recorder(Log);

impl HookProvider for Recorder {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        for number in [1, 2] {
            self.note(registry, number, |_: &AgentInitializedEvent| "AgentInitialized".into());
            self.note(registry, number, |event: &BeforeInvocationEvent| {
                let (input, history) = (event.messages().len(), event.agent().messages().len());
                format!("BeforeInvocation: {input} new, {history} in the history")
            });
            self.note(registry, number, |event: &AfterInvocationEvent| {
                let result = event.result().map(|result| result.stop_reason.as_str().to_owned());
                format!("AfterInvocation: {result:?}")
            });
            self.note(registry, number, |event: &MessageAddedEvent| {
                let message = event.message();
                let kinds: Vec<_> = message.content.iter().map(kind).collect();
                format!("MessageAdded: {:?} {}", message.role, kinds.join(" "))
            });
            self.note(registry, number, |_: &BeforeModelCallEvent| "BeforeModelCall".into());
            self.note(registry, number, |event: &AfterModelCallEvent| {
                let reason = event.stop_response().map(|turn| turn.stop_reason.as_str().to_owned());
                format!("AfterModelCall: {reason:?}")
            });
            self.note(registry, number, |event: &BeforeToolsEvent| {
                format!("BeforeTools: {}", event.message().tool_uses().count())
            });
            self.note(registry, number, |event: &AfterToolsEvent| {
                format!("AfterTools: {}", event.message().results().count())
            });
            self.note(registry, number, |event: &BeforeToolCallEvent| {
                format!("BeforeToolCall: {}", event.tool_use().tool_use_id)
            });
            self.note(registry, number, |event: &AfterToolCallEvent| {
                let cancelled = event.cancel_message().unwrap_or("");
                let tool = event.selected_tool().is_some();
                format!("AfterToolCall: {} {tool} {cancelled}", event.tool_use().tool_use_id)
            });
        }
    }
}

fn kind(block: &ContentBlock) -> &'static str {
    match block {
        ContentBlock::Text(_) => "text",
        ContentBlock::ToolUse(_) => "toolUse",
        ContentBlock::ToolResult(_) => "toolResult",
        _ => "other",
    }
}

impl Recorder {
    fn note<E: BaseHookEvent>(
        &self,
        registry: &mut HookRegistry,
        number: u8,
        text: fn(&E) -> String,
    ) {
        let log = Arc::clone(&self.0);
        registry.add_callback(move |event: &E| {
            log.lock().unwrap().push(format!("{number} {}", text(event)));
        });
    }
}

/// The stream's events as JSON, without what differs from time to time.
async fn events(agent: &mut Agent, prompt: impl Into<Prompt>) -> Vec<Value> {
    let mut events = Vec::new();
    let mut stream = agent.stream(prompt);
    while let Some(event) = stream.next().await {
        let mut json = match event {
            Ok(event) => serde_json::to_value(event).unwrap(),
            Err(error) => json!({"error": error.to_string()}),
        };
        redact(&mut json, &["latencyMs", "timeToFirstByteMs"]);
        events.push(json);
    }
    events
}

#[tokio::test]
async fn the_hooks_of_a_run_with_a_tool_fire_in_the_order_of_the_page() {
    let log = Log::default();
    let model = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .hooks([Recorder(Arc::clone(&log))])
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    insta::assert_json_snapshot!(sorted_json(&*log.lock().unwrap()));
}

#[tokio::test]
async fn the_hooks_of_an_interrupt_and_its_resume() {
    let log = Log::default();
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({})), ("t2", "a", json!({}))]),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
            if event.tool_use().tool_use_id == "t1" {
                let _: bool = event.interrupt("approve", "why")?;
            }
            Ok(())
        })
        .hooks([Recorder(Arc::clone(&log))])
        .build()
        .await
        .unwrap();
    let result = agent.invoke("q").await.unwrap();
    log.lock().unwrap().push("— resume —".to_owned());
    agent.resume([result.interrupts[0].answer(true)]).await.unwrap();
    insta::assert_json_snapshot!(sorted_json(&*log.lock().unwrap()));
}

#[tokio::test]
async fn calls_that_do_not_run_fire_the_hooks_that_the_page_says() {
    let log = Log::default();
    let model = ScriptedModel::new([
        Reply::tools([
            ("cancelled", "a", json!({})),
            ("unknown", "b", json!({})),
            ("bad", "c d", json!({})),
        ]),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .hook(|event: &mut BeforeToolCallEvent| {
            event.cancel_tool(event.tool_use().tool_use_id == "cancelled");
        })
        .hooks([Recorder(Arc::clone(&log))])
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let log = log.lock().unwrap();
    let tools: Vec<&String> = log.iter().filter(|entry| entry.contains("ToolCall")).collect();
    insta::assert_json_snapshot!(sorted_json(tools));
}

#[tokio::test]
async fn the_stream_of_a_run_with_a_tool() {
    let model = ScriptedModel::new([
        Reply::message(Message::new(
            Role::Assistant,
            vec![
                serde_json::from_value(json!({"reasoningContent":
                    {"reasoningText": {"text": "hm", "signature": "s"}}}))
                .unwrap(),
                "let me see".into(),
                ContentBlock::from(ToolUse::new("t1", "a", json!({"n": 1}))),
            ],
        )),
        Reply::message(
            serde_json::from_value(json!({"role": "assistant", "content": [{"citationsContent":
                {"citations": [{"title": "t"}], "content": [{"text": "one"}]}}]}))
            .unwrap(),
        ),
    ]);
    let sends = tool("a", |_, context: ToolContext| async move {
        context.send(json!({"half": true}));
        Ok(ToolOutput::text("one"))
    });
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(sends).build().await.unwrap();
    insta::assert_json_snapshot!(sorted_json(events(&mut agent, "q").await));
}

#[tokio::test]
async fn the_stream_of_an_interrupt_a_cancelled_call_and_a_resume() {
    let model = ScriptedModel::new([
        Reply::tools([("t1", "a", json!({})), ("t2", "b", json!({}))]),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tools([echo("a"), echo("b")])
        .hook(|event: &mut BeforeToolCallEvent| -> HookResult {
            match event.tool_use().name.as_str() {
                "a" => drop(event.interrupt::<bool>("approve", json!({"path": "/tmp"}))?),
                _ => event.cancel_tool("no b here"),
            }
            Ok(())
        })
        .build()
        .await
        .unwrap();
    let asked = events(&mut agent, "q").await;
    let question = agent.interrupts().remove(0);
    let resumed = events(&mut agent, question.answer(true)).await;
    let only = |events: Vec<Value>| -> Vec<Value> {
        events.into_iter().filter(|event| event.get("event").is_none()).collect()
    };
    insta::assert_json_snapshot!(sorted_json([only(asked), only(resumed)]));
}

#[tokio::test]
async fn the_stream_of_an_error_ends_with_force_stop_and_the_error() {
    let model = ScriptedModel::new([Reply::text("half of it").failing_after(
        3,
        ErrorKind::Unavailable,
        "the line is dead",
    )]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .retry_strategy(RetryStrategy::none())
        .build()
        .await
        .unwrap();
    insta::assert_json_snapshot!(sorted_json(events(&mut agent, "q").await));
}

#[tokio::test]
async fn nothing_happens_before_the_stream_is_polled() {
    let model = ScriptedModel::new([Reply::text("done")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    drop(agent.stream("q"));
    assert!(agent.messages().is_empty() && model.requests().is_empty());
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
}

#[tokio::test]
async fn a_stream_that_has_ended_stays_ended() {
    let model = ScriptedModel::new([Reply::text("done")]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let mut stream = agent.stream("q");
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event.unwrap());
    }
    assert!(matches!(last, Some(AgentEvent::Result(_))));
    assert!(stream.next().await.is_none());
}
