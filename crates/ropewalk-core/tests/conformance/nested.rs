//! Agents within agents, made by hand: a tool that asks an agent, keeps its run as JSON, and passes its
//! questions on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::{Value, json};

use crate::common::{RuleModel, TestTool, asks, assert_valid, echo, last_results, tool};
use crate::support::guard;

/// The runs of the inner agents as JSON, by the key of the call they belong to.
type Store = Arc<Mutex<BTreeMap<String, String>>>;

/// All agents do the same: the outermost calls its tool twice, the others once, with what they were
/// told.
fn rule(history: &Transcript) -> Message {
    if history.last().is_some_and(|last| last.results().next().is_some()) {
        return Message::assistant(last_results(history).join(", "));
    }
    let told = history.last().map(|last| last.text()).unwrap_or_default();
    match told.as_str() {
        "both" => asks([("t1", "a", json!({"go": "left"})), ("t2", "a", json!({"go": "right"}))]),
        told => asks([("t1", "a", json!({"go": told}))]),
    }
}

/// An agent that has agents of the same name below it, so many levels of them.
fn level(depth: usize, store: &Store, effect: &TestTool) -> Arc<Blueprint> {
    let builder = Agent::builder().no_callback_handler().name("agent").model(RuleModel::new(rule));
    let builder = match depth {
        0 => builder.tool(effect.clone()).hook(guard),
        _ => {
            let (inner, store) = (level(depth - 1, store, effect), Arc::clone(store));
            builder.tool(tool("a", move |input, context| {
                nested(Arc::clone(&inner), Arc::clone(&store), input, context)
            }))
        }
    };
    Arc::new(builder.blueprint().unwrap())
}

async fn nested(
    inner: Arc<Blueprint>,
    store: Store,
    input: Value,
    context: ToolContext,
) -> Result<ToolOutput, BoxError> {
    let key = context.idempotency_key().to_owned();
    let stored = store.lock().unwrap().get(&key).cloned();
    let mut agent = match &stored {
        Some(run) => inner.resume(serde_json::from_str(run)?).await?,
        None => inner.agent().await?,
    };
    if stored.is_none() {
        agent.invoke(input["go"].as_str().unwrap_or_default()).await?;
    }
    while let Some(question) = agent.interrupts().first().cloned() {
        store.lock().unwrap().insert(key.clone(), serde_json::to_string(&agent.run())?);
        let answer: Value = context.interrupt(&question.id, &question)?;
        agent.resume([question.answer(answer)]).await?;
    }
    assert_valid(&agent.messages());
    Ok(ToolOutput::text(agent.messages().last().map(|last| last.text()).unwrap_or_default()))
}

/// §15.9 interrupt three levels deep, JSON round trip, new process, duplicate agent names
#[tokio::test]
async fn users_15_9_questions_from_three_levels_down_reach_their_own_calls() {
    for first in ["left", "right"] {
        let (store, effect) = (Store::default(), echo("a"));
        let mut agent = level(2, &store, &effect).agent().await.unwrap();
        let mut open = agent.invoke("both").await.unwrap().interrupts;
        let mut stored = serde_json::to_string(&agent.run()).unwrap();
        let way = |asked: &Interrupt| asked.reason["reason"]["reason"]["input"]["go"].clone();
        assert_eq!(open.iter().map(way).collect::<Vec<_>>(), ["left", "right"]);
        open.sort_by_key(|asked| way(asked) != first);
        let mut told = Vec::new();
        for (question, yes) in open.iter().zip([true, false]) {
            // Nothing is left of the process that asked but what it stored.
            let disk = store.lock().unwrap().clone();
            let (store, run) = (Arc::new(Mutex::new(disk)), serde_json::from_str(&stored).unwrap());
            let mut agent = level(2, &store, &effect).resume(run).await.unwrap();
            agent.resume([question.answer(yes)]).await.unwrap();
            assert_eq!(effect.count(), 1, "the approved one, once");
            stored = serde_json::to_string(&agent.run()).unwrap();
            told = last_results(&agent.messages());
            assert_valid(&agent.messages());
        }
        assert_eq!(effect.seen()[0].input, json!({"go": first}));
        let expected =
            ["left", "right"].map(|way| if way == first { "a" } else { "tool cancelled by user" });
        assert_eq!(told, expected);
    }
}
