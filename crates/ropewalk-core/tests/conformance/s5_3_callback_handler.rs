//! §5.3 Callback handler.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{assert_valid, echo};
use crate::support::{Count, Notes, one_call, says};

/// Paper: what is printed on it can be read. Clones share it.
#[derive(Clone, Default)]
struct Paper {
    printed: Arc<Mutex<Vec<u8>>>,
    fails_with: Option<io::ErrorKind>,
}

impl Paper {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.printed.lock().unwrap())).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.fails_with {
            return Err(kind.into());
        }
        self.printed.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn two_tools() -> ScriptedModel {
    let thought: Message = serde_json::from_value(json!({"role": "assistant", "content": [
        {"reasoningContent": {"reasoningText": {"text": "Hm. "}}},
        {"text": "I look."},
        {"toolUse": {"toolUseId": "t1", "name": "a", "input": {}}},
        {"toolUse": {"toolUseId": "t2", "name": "b", "input": {}}},
    ]}))
    .unwrap();
    ScriptedModel::new([
        Reply::message(thought),
        Reply::text("All is well."),
        Reply::tool("a", json!({})),
        Reply::text("Still."),
    ])
}

/// §5.3 Default printing handler: thoughts and texts without newline; a tool start → newline,
/// `Tool #<n>: <name>`, newline; "n counts from 1 over the handler's life"
#[tokio::test]
async fn the_printing_handler() {
    let paper = Paper::default();
    let builder = Agent::builder().model(two_tools()).tools([echo("a"), echo("b")]);
    let handler = PrintingCallbackHandler::to(paper.clone());
    let mut agent = builder.callback_handler(handler).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(paper.take(), "Hm. I look.\nTool #1: a\n\nTool #2: b\nAll is well.");
    agent.invoke("q").await.unwrap();
    assert_eq!(paper.take(), "\nTool #3: a\nStill.");
}

/// §5.3 "`verbose_tool_use=False` suppresses the tool line but still counts"
#[tokio::test]
async fn without_tool_lines() {
    let paper = Paper::default();
    let quiet = PrintingCallbackHandler::to(paper.clone()).verbose_tool_use(false);
    let builder = Agent::builder().model(two_tools()).tools([echo("a"), echo("b")]);
    let mut agent = builder.callback_handler(quiet).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(paper.take(), "Hm. I look.All is well.");
}

/// A closed pipe is the end of the printing, not of the work; other failures are not swallowed
#[tokio::test]
async fn a_reader_that_went_away() {
    let agent = async |kind| {
        let paper = Paper { fails_with: Some(kind), ..Paper::default() };
        let handler = PrintingCallbackHandler::to(paper);
        Agent::builder().model(says("ok")).callback_handler(handler).build().await.unwrap()
    };
    let result = agent(io::ErrorKind::BrokenPipe).await.invoke("q").await.unwrap();
    assert_eq!(result.text(), "ok");
    let error = agent(io::ErrorKind::StorageFull).await.invoke("q").await.unwrap_err();
    assert!(error.to_string().contains("callback handler"), "{error}");
}

/// §5.3 "Called […] synchronously, before the event is yielded; finally `handler(result=…)` (which precedes
/// the result event)"
#[tokio::test]
async fn it_is_told_before_the_stream_gives_the_event() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let handler = move |event: &AgentEvent| {
        seen.lock().unwrap().push(serde_json::to_value(event).unwrap());
    };
    let builder = Agent::builder().model(one_call()).tool(echo("a")).callback_handler(handler);
    let mut agent = builder.build().await.unwrap();
    let mut given = Vec::new();
    let mut stream = agent.stream("q");
    while let Some(event) = stream.next().await {
        given.push(serde_json::to_value(event.unwrap()).unwrap());
        assert!(told.lock().unwrap().len() >= given.len());
    }
    assert_eq!(given, *told.lock().unwrap());
    assert!(given.last().unwrap().get("result").is_some());
}

/// §5.3 It is told without a stream too
#[tokio::test]
async fn it_is_told_by_invoke() {
    let count = Count::default();
    let counts = count.clone();
    let handler = move |_: &AgentEvent| {
        counts.up();
    };
    let builder = Agent::builder().model(says("ok")).callback_handler(handler);
    builder.build().await.unwrap().invoke("q").await.unwrap();
    assert!(count.get() > 5);
}

/// §5.3 "Errors propagate and abort the run". What was said by then is kept, hooks are told that the
/// invocation is over, and the agent goes on with the next one.
#[tokio::test]
async fn an_error_of_it_ends_the_invocation() {
    for panics in [false, true] {
        let notes = Notes::default();
        let (seen, over) = (notes.clone(), notes.clone());
        let handler = move |event: &AgentEvent| -> HookResult {
            let AgentEvent::Text(text) = event else { return Ok(()) };
            seen.add(text.clone());
            assert!(!panics, "the screen is full");
            Err("the screen is full".into())
        };
        let model = ScriptedModel::new([Reply::text("one two three"), Reply::text("ok")]);
        let mut agent = Agent::builder()
            .model(model)
            .callback_handler(handler)
            .hook(move |_: &AfterInvocationEvent| over.add("over"))
            .build()
            .await
            .unwrap();
        let error = agent.invoke("q").await.unwrap_err();
        assert!(error.to_string().contains("the screen is full"), "{error}");
        assert_eq!(notes.take(), ["one ", "over"]);
        assert_valid(&agent.messages());
        assert!(!agent.is_unfinished());
        let result = agent.invocation("q").no_callback_handler().await.unwrap();
        assert_eq!(result.text(), "ok");
    }
}

/// §5.3 The same of the last event
#[tokio::test]
async fn an_error_of_it_at_the_result() {
    let handler = |event: &AgentEvent| -> HookResult {
        if matches!(event, AgentEvent::Result(_)) { Err("no".into()) } else { Ok(()) }
    };
    let builder = Agent::builder().model(says("ok")).callback_handler(handler);
    let mut agent = builder.build().await.unwrap();
    assert!(agent.invoke("q").await.is_err());
    assert_eq!(agent.messages().len(), 2);
}

/// §5.3 "Composite handler calls several in order."
#[tokio::test]
async fn the_composite_handler() {
    let notes = Notes::default();
    let noting = |name: &'static str| {
        let notes = notes.clone();
        move |event: &AgentEvent| {
            if matches!(event, AgentEvent::Start) {
                notes.add(name);
            }
        }
    };
    let both = CompositeCallbackHandler::new().with(noting("one")).with(noting("two"));
    let builder = Agent::builder().model(says("ok")).callback_handler(both);
    builder.build().await.unwrap().invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["one", "two"]);
}
