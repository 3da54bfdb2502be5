//! §1.4 When each event fires.
//!
//! Not as in Strands: a form of answer that can't be asked for is refused before `BeforeInvocation`
//! fires (`s8_1_mechanism`): nothing was begun then.

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{echo, tool};
use crate::support::{Notes, answer_all, calls, one_call, says, stream_of};

/// Notes each event, with the number of the callback: two of them see every event.
struct Recorder(Notes);

impl Recorder {
    fn note<E: HookEvent>(&self, registry: &mut HookRegistry, text: fn(&E) -> String) {
        for number in [1, 2] {
            let notes = self.0.clone();
            registry.add_callback(move |event: &E| {
                notes.add(format!("{number} {} {}", text(event), event.agent().messages().len()));
            });
        }
    }
}

impl HookProvider for Recorder {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        self.note(registry, |_: &AgentInitializedEvent| "AgentInitialized".into());
        self.note(registry, |_: &BeforeInvocationEvent| "BeforeInvocation".into());
        self.note(registry, |_: &AfterInvocationEvent| "AfterInvocation".into());
        self.note(registry, |event: &MessageAddedEvent| {
            format!("MessageAdded {:?}", event.message().role)
        });
        self.note(registry, |_: &BeforeModelCallEvent| "BeforeModelCall".into());
        self.note(registry, |_: &AfterModelCallEvent| "AfterModelCall".into());
        self.note(registry, |_: &BeforeToolsEvent| "BeforeTools".into());
        self.note(registry, |_: &AfterToolsEvent| "AfterTools".into());
        self.note(registry, |event: &BeforeToolCallEvent| {
            format!("BeforeToolCall {}", event.tool_use().tool_use_id)
        });
        self.note(registry, |event: &AfterToolCallEvent| {
            format!("AfterToolCall {}", event.tool_use().tool_use_id)
        });
    }
}

/// The names of the events, without those of the second callback.
fn names(notes: &Notes) -> Vec<String> {
    let first = notes.take().into_iter().filter_map(|note| {
        let note = note.strip_prefix("1 ")?;
        Some(note.rsplit_once(' ').unwrap().0.to_owned())
    });
    first.collect()
}

fn recorded(notes: &Notes, model: ScriptedModel) -> AgentBuilder {
    Agent::builder()
        .no_callback_handler()
        .model(model)
        .tool(echo("a"))
        .hooks([Recorder(notes.clone())])
}

/// §1.4 Normal run with one tool call, callbacks 1 and 2 registered in that order. The numbers behind
/// are the lengths of the history: Ropewalk adds the message with tool uses together with the
/// results, so that no history ever has the one without the other.
#[tokio::test]
async fn a_run_with_one_tool_call() {
    let notes = Notes::default();
    let mut agent = recorded(&notes, one_call()).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let expected = [
        "1 AgentInitialized 0",
        "2 AgentInitialized 0",
        "1 BeforeInvocation 0",
        "2 BeforeInvocation 0",
        "1 MessageAdded User 1",
        "2 MessageAdded User 1",
        "1 BeforeModelCall 1",
        "2 BeforeModelCall 1",
        "2 AfterModelCall 1",
        "1 AfterModelCall 1",
        "1 MessageAdded Assistant 1",
        "2 MessageAdded Assistant 1",
        "1 BeforeTools 1",
        "2 BeforeTools 1",
        "1 BeforeToolCall t1 1",
        "2 BeforeToolCall t1 1",
        "2 AfterToolCall t1 1",
        "1 AfterToolCall t1 1",
        "2 AfterTools 1",
        "1 AfterTools 1",
        "1 MessageAdded User 3",
        "2 MessageAdded User 3",
        "1 BeforeModelCall 3",
        "2 BeforeModelCall 3",
        "2 AfterModelCall 3",
        "1 AfterModelCall 3",
        "1 MessageAdded Assistant 4",
        "2 MessageAdded Assistant 4",
        "2 AfterInvocation 4",
        "1 AfterInvocation 4",
    ];
    assert_eq!(notes.take(), expected);
}

/// §1.4 2. MessageAdded for each input message
#[tokio::test]
async fn each_message_of_the_input_is_announced() {
    let notes = Notes::default();
    let log = notes.clone();
    let hook = move |event: &MessageAddedEvent| log.add(event.message().text());
    let mut agent =
        Agent::builder().no_callback_handler().model(says("ok")).hook(hook).build().await.unwrap();
    let input = vec![Message::user("one"), Message::assistant("two"), Message::user("three")];
    agent.invoke(input).await.unwrap();
    assert_eq!(notes.take(), ["one", "two", "three", "ok"]);
}

/// §1.4 3. BeforeModelCall is inside the retry loop: once per attempt
#[tokio::test]
async fn before_model_call_fires_once_for_each_attempt() {
    let notes = Notes::default();
    let model = ScriptedModel::new([Reply::text("bad"), Reply::text("bad"), Reply::text("good")]);
    let hook = |event: &mut AfterModelCallEvent| {
        event.set_retry(event.stop_response().unwrap().message.text() == "bad");
    };
    let mut agent = recorded(&notes, model).hook(hook).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let attempts = names(&notes).into_iter().filter(|name| name == "BeforeModelCall").count();
    assert_eq!(attempts, 3);
}

/// §1.4 "AgentInitialized is the very last act of the constructor": the session is restored by then.
#[tokio::test]
async fn agent_initialized_fires_last_with_everything_in_place() {
    let journal = MemoryJournal::new();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    drop(agent);
    let notes = Notes::default();
    let log = notes.clone();
    Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .tool(echo("a"))
        .session(journal)
        .hook(move |event: &AgentInitializedEvent| {
            log.add(format!("{} {:?}", event.agent().messages().len(), event.agent().tool_names()));
        })
        .build()
        .await
        .unwrap();
    assert_eq!(notes.take(), [r#"2 ["a"]"#]);
}

/// §1.4 "BeforeInvocation fires before … the init stream event"
#[tokio::test]
async fn before_invocation_fires_before_the_stream_says_that_it_begins() {
    let hook = |_: &mut BeforeInvocationEvent| -> HookResult { Err("no".into()) };
    let mut agent =
        Agent::builder().no_callback_handler().model(says("ok")).hook(hook).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    assert!(events.iter().all(|event| event.get("init_event_loop").is_none()), "{events:?}");
    let mut agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    let events = stream_of(&mut agent, "q").await;
    assert_eq!(events[0], json!({"init_event_loop": true}), "else it comes first");
}

/// §1.4 "AfterInvocation fires from a finally-block: also after an error or interrupt. Its result is
/// None on error."
#[tokio::test]
async fn after_invocation_fires_after_an_error_and_after_an_interrupt() {
    let notes = Notes::default();
    let log = notes.clone();
    let ended = move |event: &AfterInvocationEvent| {
        log.add(event.result().map_or("none", |result| result.stop_reason.as_str()).to_owned());
    };
    let model = ScriptedModel::new([
        Reply::error(ErrorKind::Unavailable, "no"),
        Reply::tool("a", json!({})),
        Reply::text("done"),
    ]);
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(model)
        .retry_strategy(RetryStrategy::none())
        .tool(echo("a"))
        .hook(ended)
        .hook(|event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop))
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap_err();
    agent.invoke("q").await.unwrap();
    answer_all(&mut agent, true).await;
    assert_eq!(notes.take(), ["none", "interrupt", "end_turn"]);
}

/// §1.4 "AfterInvocation is not fired when a BeforeInvocation callback raises"
#[tokio::test]
async fn after_invocation_does_not_fire_for_what_never_began() {
    let notes = Notes::default();
    let hook = |_: &mut BeforeInvocationEvent| -> HookResult { Err("no".into()) };
    let mut agent = recorded(&notes, says("ok")).hook(hook).build().await.unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(names(&notes), ["AgentInitialized", "BeforeInvocation"]);
}

/// §1.4 "Messages that were passed to the constructor fire nothing"
#[tokio::test]
async fn messages_given_at_the_start_are_not_announced() {
    let notes = Notes::default();
    let log = notes.clone();
    let hook = move |event: &MessageAddedEvent| log.add(event.message().text());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .messages([Message::user("old"), Message::assistant("older")])
        .hook(hook)
        .build()
        .await
        .unwrap();
    assert!(notes.take().is_empty());
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["q", "ok"]);
}

/// §1.4 "per-tool hook chains of different tools interleave at await points; within one tool they are
/// ordered"
#[tokio::test]
async fn the_hooks_of_calls_that_run_together_interleave_and_keep_their_order_within_one() {
    async fn later(notes: &Notes, event: &mut BeforeToolCallEvent) {
        tokio::task::yield_now().await;
        notes.add(format!("{} later", event.tool_use().tool_use_id));
    }
    let notes = Notes::default();
    let log = notes.clone();
    let waits = tool("a", |_, _| async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        Ok(ToolOutput::text("a"))
    });
    let (before, after) = (notes.clone(), notes.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(calls(&[("t1", "a"), ("t2", "a")]))
        .tool(waits)
        .hook(move |event: &BeforeToolCallEvent| {
            before.add(format!("{} before", event.tool_use().tool_use_id));
        })
        .hook(bind(log, later))
        .hook(move |event: &AfterToolCallEvent| {
            after.add(format!("{} after", event.tool_use().tool_use_id));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    let all = notes.take();
    for id in ["t1", "t2"] {
        let own: Vec<_> = all.iter().filter_map(|note| note.strip_prefix(id)).collect();
        assert_eq!(own, [" before", " later", " after"]);
    }
    let second = all.iter().position(|note| note == "t2 before").unwrap();
    let first_ended = all.iter().position(|note| note == "t1 after").unwrap();
    assert!(second < first_ended, "{all:?}");
}

/// §1.4 "A cancelled tool call still fires AfterToolCall, with selected_tool=None and cancel_message
/// set"
#[tokio::test]
async fn a_cancelled_call_is_announced_as_ended() {
    let notes = Notes::default();
    let log = notes.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(one_call())
        .tool(echo("a"))
        .hook(|event: &mut BeforeToolCallEvent| event.cancel_tool("not now"))
        .hook(move |event: &AfterToolCallEvent| {
            log.add(format!("{} {:?}", event.selected_tool().is_none(), event.cancel_message()));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), [r#"true Some("not now")"#]);
}

/// §1.4 "An unknown tool fires both tool events, with selected_tool=None … exception carries a
/// generic error"
#[tokio::test]
async fn an_unknown_tool_fires_both_events() {
    let notes = Notes::default();
    let (before, after) = (notes.clone(), notes.clone());
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(calls(&[("t1", "nobody")]))
        .hook(move |event: &BeforeToolCallEvent| {
            before.add(format!("before {}", event.selected_tool().is_none()));
        })
        .hook(move |event: &AfterToolCallEvent| {
            let error = event.exception().map(ToString::to_string);
            after.add(format!("after {} {error:?}", event.selected_tool().is_none()));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["before true", r#"after true Some("Unknown tool: nobody")"#]);
}

/// §1.4 "A tool use with an invalid name fires no tool events"
#[tokio::test]
async fn an_invalid_name_fires_no_tool_events() {
    let notes = Notes::default();
    let mut agent = recorded(&notes, calls(&[("t1", "rm -rf")])).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let names = names(&notes);
    assert!(names.iter().all(|name| !name.contains("ToolCall")), "{names:?}");
    assert!(names.contains(&"BeforeTools".to_owned()), "{names:?}");
}

/// §1.4 "An interrupted tool call fires no AfterToolCall"
#[tokio::test]
async fn an_interrupted_call_has_not_ended() {
    let notes = Notes::default();
    let asks = tool("b", |_, context: ToolContext| async move {
        context.interrupt::<bool>("ok", "why").map(|_| ToolOutput::text("b"))
    });
    let model = calls(&[("t1", "b")]);
    let mut agent = recorded(&notes, model).tool(asks).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert!(!names(&notes).contains(&"AfterToolCall t1".to_owned()));
    answer_all(&mut agent, true).await;
    assert!(names(&notes).contains(&"AfterToolCall t1".to_owned()));
}

/// §1.4 "BeforeTools/AfterTools are paired even when the batch is cancelled or errors"
#[tokio::test]
async fn a_batch_that_is_cancelled_or_fails_is_announced_as_ended() {
    let notes = Notes::default();
    let cancels = |event: &mut BeforeToolsEvent| event.cancel(true);
    let mut agent = recorded(&notes, one_call()).hook(cancels).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let pairs = |notes: &Notes| {
        names(notes).into_iter().filter(|name| name.ends_with("Tools")).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&notes), ["BeforeTools", "AfterTools"]);

    let fails = |_: &mut BeforeToolCallEvent| -> HookResult { Err("no".into()) };
    let mut agent = recorded(&notes, one_call()).hook(fails).build().await.unwrap();
    agent.invoke("q").await.unwrap_err();
    assert_eq!(pairs(&notes), ["BeforeTools", "AfterTools"]);
}

/// §1.4 "if BeforeTools itself raises or interrupts there is no AfterTools"
#[tokio::test]
async fn a_batch_that_never_began_has_no_end() {
    let notes = Notes::default();
    let fails = |_: &mut BeforeToolsEvent| -> HookResult { Err("no".into()) };
    let mut agent = recorded(&notes, one_call()).hook(fails).build().await.unwrap();
    agent.invoke("q").await.unwrap_err();
    assert!(!names(&notes).contains(&"AfterTools".to_owned()));

    let asks = |event: &mut BeforeToolsEvent| event.interrupt::<bool>("ok", "why").map(drop);
    let mut agent = recorded(&notes, one_call()).hook(asks).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert!(!names(&notes).contains(&"AfterTools".to_owned()));
}

/// §1.4 "Batch cancellation via BeforeTools.cancel … no per-tool events fire"
#[tokio::test]
async fn a_cancelled_batch_fires_nothing_for_its_calls() {
    let notes = Notes::default();
    let cancels = |event: &mut BeforeToolsEvent| event.cancel(true);
    let model = calls(&[("t1", "a"), ("t2", "a")]);
    let mut agent = recorded(&notes, model).hook(cancels).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let names = names(&notes);
    assert!(names.iter().all(|name| !name.contains("ToolCall")), "{names:?}");
}

/// §1.4 "BeforeModelCall.cancel still fires AfterModelCall with a synthetic stop_response"
#[tokio::test]
async fn a_cancelled_model_call_is_announced_as_ended() {
    let notes = Notes::default();
    let log = notes.clone();
    let mut agent = Agent::builder()
        .no_callback_handler()
        .model(ScriptedModel::new([]))
        .hook(|event: &mut BeforeModelCallEvent| event.cancel("closed"))
        .hook(move |event: &AfterModelCallEvent| {
            let turn = event.stop_response().unwrap();
            log.add(format!("{} {}", turn.message.text(), turn.stop_reason.as_str()));
        })
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["closed end_turn"]);
}

/// §1.4 holds for the stream as for the call: nothing fires before the stream is polled, and then all
/// of it does.
#[tokio::test]
async fn the_events_of_a_stream_are_those_of_a_call() {
    let notes = Notes::default();
    let mut agent = recorded(&notes, one_call()).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let called = notes.take();
    let mut agent = recorded(&notes, one_call()).build().await.unwrap();
    let mut stream = agent.stream("q");
    assert_eq!(notes.len(), 2, "AgentInitialized, twice");
    while stream.next().await.is_some() {}
    drop(stream);
    assert_eq!(notes.take(), called);
}

/// §1.4 "Messages added by the direct tool call API also fire MessageAdded (four times)"
#[tokio::test]
async fn a_call_by_hand_adds_four_messages() {
    let notes = Notes::default();
    let mut agent = recorded(&notes, one_call()).build().await.unwrap();
    notes.take();
    agent.tool("a").call(json!({})).await.unwrap();
    let added: Vec<String> =
        names(&notes).into_iter().filter(|name| name.starts_with("MessageAdded")).collect();
    let [user, assistant] = ["MessageAdded User", "MessageAdded Assistant"];
    assert_eq!(added, [user, assistant, user, assistant]);
}

/// §1.4 MessageAdded fires too for the results that stand for calls that were given up, by `abandon` or
/// for a new prompt: nothing comes into the history past those who watch it
#[tokio::test]
async fn results_of_calls_that_were_given_up_are_announced() {
    for abandon in [true, false] {
        let notes = Notes::default();
        let breaks = |_: &mut ToolCallGuardEvent| -> HookResult { Err("broken".into()) };
        let mut agent = recorded(&notes, one_call()).hook(breaks).build().await.unwrap();
        agent.invoke("q").await.unwrap_err();
        notes.take();
        if abandon {
            agent.abandon().await.unwrap();
            assert_eq!(names(&notes), ["MessageAdded User"]);
        } else {
            agent.invoke("something else").await.unwrap();
            let seen = names(&notes);
            let expected = ["BeforeInvocation", "MessageAdded User", "MessageAdded User"];
            assert_eq!(seen[..3], expected, "the results, then the prompt");
        }
    }
}
