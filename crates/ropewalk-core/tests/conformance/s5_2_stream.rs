//! §5.2 Agent stream events: their keys and their order.

use std::sync::Arc;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{assert_valid, slowly, tool};
use crate::support::{chunk, says, stream_of};

/// The keys of an event, sorted: `data delta`. Of a chunk its own key: `event messageStart`.
fn keys(event: &Value) -> String {
    let names = |value: &Value| {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort_unstable();
        names.join(" ")
    };
    match event.get("event") {
        Some(chunk) => format!("event {}", names(chunk)),
        None => names(event),
    }
}

/// An answer of thoughts, a cited text and a tool use.
fn rich() -> Reply {
    let delta = |delta: Value| chunk(json!({"contentBlockDelta": {"delta": delta}}));
    Reply::chunks([
        ModelChunk::message_start(),
        delta(json!({"reasoningContent": {"text": "hm"}})),
        delta(json!({"reasoningContent": {"signature": "s"}})),
        ModelChunk::block_stop(),
        delta(
            json!({"reasoningContent": {"redactedContent": {"__bytes_encoded__": true, "data": "c2VhbGVk"}}}),
        ),
        ModelChunk::block_stop(),
        ModelChunk::text_delta("Hel"),
        ModelChunk::text_delta("lo"),
        delta(json!({"citation": {"title": "t"}})),
        ModelChunk::block_stop(),
        chunk(
            json!({"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t1", "name": "a"}}}}),
        ),
        delta(json!({"toolUse": {"input": "{\"n\""}})),
        delta(json!({"toolUse": {"input": ": 1}"}})),
        ModelChunk::block_stop(),
        ModelChunk::message_stop(StopReason::ToolUse),
        ModelChunk::metadata(Usage::new(10, 5), Metrics::default()),
    ])
}

/// §5.2 rows 1-12, 16, 19: the whole of one invocation. A cycle has one `start` (Strands: two from the
/// second one on), and no event holds the invocation's state (defect 20).
#[tokio::test]
async fn the_events_of_one_invocation_in_their_order() {
    let streams = tool("a", |_, context: ToolContext| async move {
        context.send("half");
        Ok(ToolOutput::text("a"))
    });
    let model = ScriptedModel::new([rich(), Reply::text("ok")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(streams).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let order: Vec<String> = events.iter().map(keys).collect();
    assert_eq!(
        order,
        [
            "init_event_loop",
            "start",
            "start_event_loop",
            "event messageStart",
            "event contentBlockDelta",
            "delta reasoning reasoningText",
            "event contentBlockDelta",
            "delta reasoning reasoning_signature",
            "event contentBlockStop",
            "event contentBlockDelta",
            "delta reasoning reasoningRedactedContent",
            "event contentBlockStop",
            "event contentBlockDelta",
            "data delta",
            "event contentBlockDelta",
            "data delta",
            "event contentBlockDelta",
            "citation delta",
            "event contentBlockStop",
            "event contentBlockStart",
            "event contentBlockDelta",
            "current_tool_use delta type",
            "event contentBlockDelta",
            "current_tool_use delta type",
            "event contentBlockStop",
            "event messageStop",
            "event metadata",
            "message",
            "tool_stream_event type",
            "message",
            "start",
            "start_event_loop",
            "event messageStart",
            "event contentBlockStart",
            "event contentBlockDelta",
            "data delta",
            "event contentBlockStop",
            "event messageStop",
            "event metadata",
            "message",
            "result",
        ]
    );
}

/// §5.2 What stands under the keys
#[tokio::test]
async fn what_stands_under_the_keys() {
    let streams = tool("a", |_, context: ToolContext| async move {
        context.send("half");
        Ok(ToolOutput::text("a"))
    });
    let model = ScriptedModel::new([rich(), Reply::text("ok")]);
    let mut agent =
        Agent::builder().no_callback_handler().model(model).tool(streams).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let holding = |key: &str| -> Vec<&Value> {
        events.iter().filter(|event| event.get(key).is_some()).collect()
    };
    for (key, expected) in [
        ("init_event_loop", json!({"init_event_loop": true})),
        ("start", json!({"start": true})),
        ("start_event_loop", json!({"start_event_loop": true})),
        ("data", json!({"data": "Hel", "delta": {"text": "Hel"}})),
        (
            "reasoningText",
            json!({"reasoningText": "hm", "reasoning": true, "delta": {"reasoningContent": {"text": "hm"}}}),
        ),
        (
            "reasoning_signature",
            json!({"reasoning_signature": "s", "reasoning": true, "delta": {"reasoningContent": {"signature": "s"}}}),
        ),
        ("citation", json!({"citation": {"title": "t"}, "delta": {"citation": {"title": "t"}}})),
    ] {
        assert_eq!(holding(key)[0], &expected, "{key}");
    }
    assert_eq!(
        holding("current_tool_use")[1],
        &json!({
            "type": "tool_use_stream",
            "delta": {"toolUse": {"input": ": 1}"}},
            "current_tool_use": {"toolUseId": "t1", "name": "a", "input": "{\"n\": 1}"},
        })
    );
    let sent = &holding("tool_stream_event")[0];
    assert_eq!(sent["type"], "tool_stream");
    assert_eq!(sent["tool_stream_event"]["data"], "half");
    assert_eq!(sent["tool_stream_event"]["tool_use"]["toolUseId"], "t1");
    let roles: Vec<&Value> =
        holding("message").iter().map(|event| &event["message"]["role"]).collect();
    assert_eq!(roles, ["assistant", "user", "assistant"]);
    assert_eq!(events.last().unwrap()["result"]["type"], "agent_result");
}

/// §5.2 row 13: tool_cancel_event
#[tokio::test]
async fn a_cancelled_tool() {
    let model = ScriptedModel::new([Reply::tool("a", json!({"n": 1})), Reply::text("ok")]);
    let hook = |event: &mut BeforeToolCallEvent| event.cancel_tool("not today");
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(crate::common::echo("a"))
        .hook(hook);
    let events = stream_of(&mut builder.build().await.unwrap(), "q").await;
    let cancelled = events.iter().find(|event| event.get("tool_cancel_event").is_some()).unwrap();
    assert_eq!(
        *cancelled,
        json!({"tool_cancel_event": {
            "tool_use": {"toolUseId": "t1", "name": "a", "input": {"n": 1}},
            "message": "not today",
        }})
    );
}

/// §5.2 row 14: tool_interrupt_event, as JSON too
#[tokio::test]
async fn an_interrupted_tool() {
    let model = ScriptedModel::new([Reply::tool("a", json!({}))]);
    let hook = |event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop);
    let builder = Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(crate::common::echo("a"))
        .hook(hook);
    let mut agent = builder.build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let asked = events.iter().find_map(|event| event.get("tool_interrupt_event")).unwrap();
    assert_eq!(asked["interrupts"], json!([agent.interrupts()[0].to_dict()]));
    assert_eq!(asked["tool_use"]["toolUseId"], "t1");
}

/// §5.2 row 18: force_stop, "before certain errors" (here before all); row 19: no result on error
#[tokio::test]
async fn a_failure() {
    let model = ScriptedModel::new([Reply::error(ErrorKind::Authentication, "who are you?")]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    let [.., stop, error] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*stop, json!({"force_stop": true, "force_stop_reason": "who are you?"}));
    assert_eq!(*error, json!({"error": "who are you?"}));
    assert!(events.iter().all(|event| event.get("result").is_none()));
}

/// Nothing happens before the stream is polled
#[tokio::test]
async fn a_stream_that_is_not_polled_does_nothing() {
    let model = says("ok");
    let mut agent =
        Agent::builder().no_callback_handler().model(model.clone()).build().await.unwrap();
    drop(agent.stream("q"));
    assert!(model.requests().is_empty() && agent.messages().is_empty());
}

/// A model that lets others run between its chunks: each is an await where a stream can be dropped.
struct Slow(ScriptedModel);

impl Model for Slow {
    fn id(&self) -> &str {
        "slow"
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let chunks = async move {
            let chunks: Vec<_> = self.0.stream(request).collect().await;
            slowly(chunks)
        };
        futures_util::stream::once(chunks).flatten().boxed()
    }
}

/// "A consumer that stops iterating": dropped after any number of polls, the agent is usable, its history
/// valid, its tool run once or reported, and the next turn works; in memory and with a journal.
#[tokio::test]
async fn a_stream_may_be_dropped_at_any_await() {
    let mut whole = 0;
    for (polls, stored) in (0..).flat_map(|polls| [(polls, false), (polls, true)]) {
        let script = ScriptedModel::new([Reply::tool("a", json!({})), Reply::text("done")]);
        let a = tool("a", |_, context: ToolContext| async move {
            tokio::task::yield_now().await;
            let agent = context.agent().ok_or("no agent")?.clone();
            agent.state().set("ran", true)?;
            Ok(ToolOutput::text("a"))
        });
        let hook = async |_: &mut BeforeModelCallEvent| tokio::task::yield_now().await;
        let builder = Agent::builder()
            .no_callback_handler()
            .model(Slow(script.clone()))
            .tool(a.clone())
            .hook(hook);
        let blueprint = Arc::new(builder.blueprint().unwrap());
        let journal = crate::common::TestJournal::new();
        let mut agent = match stored {
            true => blueprint.open(Arc::new(journal.clone())).await.unwrap(),
            false => blueprint.agent().await.unwrap(),
        };
        let mut ended = false;
        {
            let mut stream = agent.stream("q");
            for _ in 0..polls {
                ended |= matches!(futures_util::poll!(stream.next()), std::task::Poll::Ready(None));
                tokio::task::yield_now().await;
            }
        }
        whole += u32::from(ended);
        assert_valid(&agent.messages());
        script.push(Reply::text("next"));
        script.push(Reply::text("next"));
        script.push(Reply::text("next"));
        agent.invoke("go on").await.unwrap();
        assert_valid(&agent.messages());
        assert!(!agent.is_unfinished() && a.count() <= 1, "dropped after {polls} polls");
        // What the tool left is there exactly if its result is.
        let kept = agent
            .messages()
            .iter()
            .flat_map(|said| said.results().map(ToolResult::text).collect::<Vec<_>>())
            .any(|text| text == "a");
        assert_eq!(agent.state().value("ran").is_some(), kept, "dropped after {polls} polls");
        if stored {
            let again = blueprint.open(Arc::new(journal)).await.unwrap();
            assert_eq!(again.run(), agent.run(), "dropped after {polls} polls");
        }
        if whole == 2 {
            assert!(polls > 20, "it was over after {polls} polls");
            return;
        }
    }
}
