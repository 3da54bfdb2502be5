//! §3.1 Constructor parameters, and the attributes that an agent has.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::common::echo;
use crate::support::{Notes, one_call, says, texts};

fn refused(builder: AgentBuilder) -> String {
    let error = builder.blueprint().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    error.to_string()
}

/// §3.1 model. Strands falls back to Bedrock; here whoever builds an agent says which model it asks.
#[test]
fn model() {
    assert!(refused(Agent::builder()).contains("an agent needs a model"));
}

/// §3.1 messages. A history that can't stand is refused here, not by the provider.
#[tokio::test]
async fn messages() {
    let history = [Message::user("q"), Message::assistant("a")];
    let agent = Agent::builder().model(says("ok")).messages(history).build().await.unwrap();
    assert_eq!(texts(&agent), ["q", "a"]);
    let dangling = crate::common::asks([("t", "a", json!({}))]);
    let problem = refused(Agent::builder().model(says("ok")).messages([dangling]));
    assert!(problem.contains("tool use `t` has no result"), "{problem}");
}

/// §3.1 agent_id: `default`; "must not contain a path separator (value error)"
#[tokio::test]
async fn agent_id() {
    let agent = Agent::builder().model(says("ok")).build().await.unwrap();
    assert_eq!(agent.agent_id(), "default");
    for id in ["a/b", "..\\b", "/"] {
        let problem = refused(Agent::builder().model(says("ok")).agent_id(id));
        assert!(problem.contains(id) && problem.contains("path separator"), "{problem}");
    }
}

/// §3.1 name: `Strands Agents`; description: None; the attributes of an agent
#[tokio::test]
async fn name_description_and_attributes() {
    let agent = Agent::builder().model(says("ok")).build().await.unwrap();
    assert_eq!((agent.name(), agent.description()), ("Strands Agents", None));
    let builder = Agent::builder().model(says("ok")).name("ada").description("counts");
    let agent = builder.tools([echo("b"), echo("a")]).build().await.unwrap();
    assert_eq!((agent.name(), agent.description()), ("ada", Some("counts")));
    assert_eq!(*agent.tool_names(), ["b", "a"]);
    assert_eq!(*agent.view().tool_names(), *agent.tool_names());
}

/// §3.1 state: "state object or dict; anything else → value error"
#[tokio::test]
async fn state() {
    let builder = || Agent::builder().model(says("ok"));
    let agent = builder().state(json!({"visits": 3})).build().await.unwrap();
    assert_eq!(agent.state().get::<u32>("visits"), Some(3));
    assert_eq!(builder().build().await.unwrap().state().to_json(), json!({}));
    assert!(refused(builder().state(json!([1]))).contains("must be an object"));
    assert!(refused(builder().state(json!({" ": 1}))).contains("can't be blank"));
}

/// §3.1 callback_handler: "*unset* → new printing handler; explicit None → no-op". Agents of one blueprint
/// are a server's: they print only if they are told to.
#[tokio::test]
async fn callback_handler() {
    let notes = Notes::default();
    let noting = |notes: &Notes| {
        let notes = notes.clone();
        move |event: &AgentEvent| {
            if let AgentEvent::Text(text) = event {
                notes.add(text.clone());
            }
        }
    };
    let builder = || Agent::builder().model(says("ok"));
    let mut own = builder().callback_handler(noting(&notes)).build().await.unwrap();
    own.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["ok"]);
    let none = builder().callback_handler(noting(&notes)).no_callback_handler();
    none.build().await.unwrap().invoke("q").await.unwrap();
    assert_eq!(notes.len(), 0);
    let shared = Arc::new(builder().callback_handler(noting(&notes)).blueprint().unwrap());
    shared.agent().await.unwrap().invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["ok"]);
}

/// §3.1 hooks, tools, session_manager: each reaches the agent
#[tokio::test]
async fn hooks_tools_and_session() {
    let (notes, journal) = (Notes::default(), MemoryJournal::new());
    let seen = notes.clone();
    let mut agent = Agent::builder()
        .model(one_call())
        .tool(echo("a"))
        .hook(move |event: &AfterToolCallEvent| seen.add(event.result().text()))
        .session(journal.clone())
        .build()
        .await
        .unwrap();
    agent.invoke("q").await.unwrap();
    assert_eq!(notes.take(), ["a"]);
    assert!(!journal.load().await.unwrap().is_empty());
}

/// §3.10 Cleanup: "releases tool providers". Here it is what dropping the agent does.
#[tokio::test]
async fn cleanup_is_drop() {
    let held = Arc::new(());
    let (seen, watch) = (Arc::clone(&held), Arc::downgrade(&held));
    drop(held);
    let hook = move |_: &BeforeInvocationEvent| drop(Arc::clone(&seen));
    let mut agent = Agent::builder().model(says("ok")).hook(hook).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    assert!(watch.upgrade().is_some());
    drop(agent);
    assert!(watch.upgrade().is_none());
}
