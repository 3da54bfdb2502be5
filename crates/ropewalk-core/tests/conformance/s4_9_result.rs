//! §4.9 Results: their fields, their text, their JSON.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::{agent_with, echo};
use crate::support::{City, gives, paris, says};

async fn result(message: Message) -> AgentResult {
    let model = ScriptedModel::new([Reply::message(message)]);
    Agent::builder()
        .no_callback_handler()
        .model(model)
        .build()
        .await
        .unwrap()
        .invoke("q")
        .await
        .unwrap()
}

fn message(content: serde_json::Value) -> Message {
    serde_json::from_value(json!({"role": "assistant", "content": content})).unwrap()
}

/// §4.9 stop_reason, message, state, interrupts. What it used is this invocation's alone; Strands' `metrics`
/// is the agent's live, cumulative object.
#[tokio::test]
async fn fields() {
    let model = ScriptedModel::new([Reply::text("one"), Reply::text("two")]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let result = agent.invocation("q").state("user", "ada").await.unwrap();
    assert_eq!(result.stop_reason, StopReason::EndTurn);
    assert_eq!(result.message.text(), "two");
    assert_eq!((result.usage, result.cycles), (Usage::new(10, 1), 1));
    assert_eq!(result.state["user"], json!("ada"));
    assert_eq!(result.interrupts(), None);
}

/// §4.9 Text form: "text blocks and the texts inside `citationsContent`, each + `\n`"
#[tokio::test]
async fn the_text_form_is_the_texts_and_cited_texts() {
    let cited = message(json!([
        {"text": "one"},
        {"citationsContent": {"citations": [], "content": [{"text": "two"}]}},
        {"text": "three"},
    ]));
    assert_eq!(result(cited).await.to_string(), "one\ntwo\nthree\n");
}

/// §4.9 Text form: "structured output JSON if any" goes before the texts. (Interrupts: §2.4.)
#[tokio::test]
async fn the_text_form_of_a_value_is_its_json() {
    let model = ScriptedModel::new([gives("t1", paris())]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let output = agent.invoke_as::<City>("q").with_result().await.unwrap();
    let text = output.result.to_string();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), paris());
    assert!(text.ends_with('\n'));
}

/// §4.9 "properties `context_size`, `projected_context_size`"
#[tokio::test]
async fn the_size_of_the_context_is_that_of_the_last_call() {
    let model = ScriptedModel::new([
        Reply::tool("a", json!({})).using(Usage::new(10, 5)),
        Reply::text("done").using(Usage::new(20, 7)),
        Reply::text("done").using(Usage::default()),
    ]);
    let mut agent = agent_with(model, [echo("a")]).await;
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.context_size(), result.projected_context_size()), (Some(20), Some(27)));
    // A model that does not count says nothing of it.
    assert_eq!(agent.invoke("q").await.unwrap().context_size(), None);
}

/// §4.9 JSON: `{"type":"agent_result","message":…,"stop_reason":…}`; no metrics, no state
#[tokio::test]
async fn the_json_form() {
    let mut agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    let result = agent.invocation("q").state("user", "ada").await.unwrap();
    let mut stored = serde_json::to_value(&result).unwrap();
    stored["message"].as_object_mut().unwrap().remove("metadata");
    let message = json!({"role": "assistant", "content": [{"text": "ok"}]});
    assert_eq!(
        stored,
        json!({"type": "agent_result", "message": message, "stop_reason": "end_turn"})
    );
}

/// §4.9 "reading back gives empty metrics. Wrong `type` → type error."
#[tokio::test]
async fn the_json_form_is_read_back() {
    let mut agent = Agent::builder().no_callback_handler().model(says("ok")).build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    let stored = serde_json::to_value(&result).unwrap();
    let read: AgentResult = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!((&read.message, &read.stop_reason), (&result.message, &result.stop_reason));
    assert_eq!((read.usage, read.cycles), (Usage::default(), 0));
    let mut wrong = stored;
    wrong["type"] = json!("multi_agent_result");
    let error = serde_json::from_value::<AgentResult>(wrong).unwrap_err();
    assert!(error.to_string().contains("multi_agent_result"), "{error}");
}
