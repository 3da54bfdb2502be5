//! §3.2 System prompt: what was given, how it reads, and its blocks.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};

use crate::support::says;

fn text(text: &str) -> SystemBlock {
    SystemBlock::Text(text.to_owned())
}

fn cache_point() -> SystemBlock {
    serde_json::from_value(serde_json::json!({"cachePoint": {"type": "default"}})).unwrap()
}

async fn agent(prompt: impl Into<SystemPrompt>) -> Agent {
    Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .system_prompt(prompt)
        .build()
        .await
        .unwrap()
}

fn views(agent: &Agent) -> (Option<String>, Option<Vec<SystemBlock>>) {
    let prompt = agent.system_prompt();
    (prompt.and_then(SystemPrompt::text), prompt.map(|prompt| prompt.blocks().to_vec()))
}

/// §3.2 `"s"` → `"s"`, `[{"text":"s"}]`
#[tokio::test]
async fn a_text() {
    assert_eq!(views(&agent("s").await), (Some("s".into()), Some(vec![text("s")])));
}

/// §3.2 list with text blocks → texts joined with `\n`, the list
#[tokio::test]
async fn blocks_with_texts() {
    let blocks = vec![text("a"), cache_point(), text("b")];
    assert_eq!(views(&agent(blocks.clone()).await), (Some("a\nb".into()), Some(blocks)));
}

/// §3.2 list without text (e.g. only cachePoint) → None, the list
#[tokio::test]
async fn blocks_without_text() {
    assert_eq!(views(&agent([cache_point()]).await), (None, Some(vec![cache_point()])));
}

/// §3.2 None → None, None
#[tokio::test]
async fn none() {
    let agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    assert_eq!(views(&agent), (None, None));
}

/// §3.2 `""` → `""`, `[{"text":""}]`
#[tokio::test]
async fn an_empty_text() {
    assert_eq!(views(&agent("").await), (Some(String::new()), Some(vec![text("")])));
}

/// §3.2 `[]` → None, `[]`
#[tokio::test]
async fn no_blocks() {
    assert_eq!(views(&agent([]).await), (None, Some(Vec::new())));
}

/// §3.2 "Setting the property replaces both forms. Models get the joined string and […] the blocks."
#[tokio::test]
async fn set_again_it_is_another_for_this_agent_alone() {
    let model = ScriptedModel::new((0..4).map(|_| Reply::text("ok")));
    let builder = Agent::builder().no_callback_handler().model(model.clone()).system_prompt("one");
    let blueprint = Arc::new(builder.blueprint().unwrap());
    let mut agent = blueprint.agent().await.unwrap();
    let mut other = blueprint.agent().await.unwrap();
    agent.invoke("q").await.unwrap();
    agent.set_system_prompt([text("two"), text("three")]);
    assert_eq!(views(&agent).0.as_deref(), Some("two\nthree"));
    assert_eq!(agent.view().system_prompt(), agent.system_prompt());
    agent.invoke("q").await.unwrap();
    agent.remove_system_prompt();
    agent.invoke("q").await.unwrap();
    other.invoke("q").await.unwrap();
    let told: Vec<_> = model.requests().iter().map(|asked| asked.system.clone()).collect();
    let two = SystemPrompt::new([text("two"), text("three")]);
    assert_eq!(told, [Some("one".into()), Some(two), None, Some("one".into())]);
}

/// §3.9, §10: a session does not keep it: who opens it anew says it anew
#[tokio::test]
async fn a_session_does_not_keep_it() {
    let journal = MemoryJournal::new();
    let blueprint = Agent::builder()
        .no_callback_handler()
        .model(says("ok"))
        .system_prompt("one")
        .blueprint()
        .unwrap();
    let blueprint = Arc::new(blueprint);
    let mut agent = blueprint.open(Arc::new(journal.clone())).await.unwrap();
    agent.set_system_prompt("two");
    agent.invoke("q").await.unwrap();
    let agent = blueprint.open(Arc::new(journal)).await.unwrap();
    assert_eq!(views(&agent).0.as_deref(), Some("one"));
    assert_eq!(agent.messages().len(), 2);
}
