//! §3.9 Snapshots.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::echo;
use crate::support::{answer_all, one_call, says, texts};

fn fields(snapshot: &Snapshot) -> Vec<&str> {
    let mut fields: Vec<&str> = snapshot.data().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

async fn agent() -> Agent {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_709_210_096_789);
    let builder =
        Agent::builder().no_callback_handler().model(says("ok")).system_prompt("be brief");
    builder.state(json!({"n": 1})).clock(move || now).build().await.unwrap()
}

/// §3.9 "Preset `session` = all but system_prompt. Resolution: preset ∪ include − exclude". Models keep
/// nothing of their own in an agent here.
#[tokio::test]
async fn fields_are_preset_and_include_without_exclude() {
    use SnapshotField::{ConversationManagerState, InterruptState, Messages, State, SystemPrompt};
    let mut agent = agent().await;
    let snapshot = agent.take_snapshot(SnapshotOptions::session()).await.unwrap();
    let session = ["conversation_manager_state", "interrupt_state", "messages", "state"];
    assert_eq!(fields(&snapshot), session);
    let options = SnapshotOptions::session().include([SystemPrompt]).exclude([
        ConversationManagerState,
        State,
        Messages,
    ]);
    let snapshot = agent.take_snapshot(options).await.unwrap();
    assert_eq!(fields(&snapshot), ["interrupt_state", "system_prompt"]);
    let options = SnapshotOptions::new().include([InterruptState]);
    assert_eq!(fields(&agent.take_snapshot(options).await.unwrap()), ["interrupt_state"]);
}

/// §3.9 "empty set or unknown field → snapshot error"
#[tokio::test]
async fn nothing_is_refused() {
    let options = SnapshotOptions::new().include([SnapshotField::State]);
    let error = agent().await.take_snapshot(options.exclude([SnapshotField::State])).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(SnapshotField::named("no_such_field"), None);
}

/// §3.9 Shape: scope, schema_version, created_at, data, app_data
#[tokio::test]
async fn shape() {
    let options = SnapshotOptions::new()
        .include([SnapshotField::State, SnapshotField::SystemPrompt])
        .app_data("page", 3);
    let snapshot = agent().await.take_snapshot(options).await.unwrap();
    assert_eq!(
        serde_json::to_value(&snapshot).unwrap(),
        json!({
            "scope": "agent",
            "schema_version": "1.0",
            "created_at": "2024-02-29T12:34:56.789Z",
            "data": {"state": {"n": 1}, "system_prompt": [{"text": "be brief"}]},
            "app_data": {"page": 3},
        })
    );
    assert_eq!(snapshot.created_at(), "2024-02-29T12:34:56.789Z");
    assert_eq!(snapshot.app_data()["page"], 3);
}

/// §3.9 "`load_snapshot` overwrites exactly the fields present"
#[tokio::test]
async fn what_is_not_in_it_stays() {
    let model = ScriptedModel::new((0..3).map(|_| Reply::text("ok")));
    let journal = MemoryJournal::new();
    let builder =
        || Agent::builder().no_callback_handler().model(model.clone()).system_prompt("one");
    let mut agent = builder().session(journal.clone()).build().await.unwrap();
    agent.state().set("n", 1).unwrap();
    agent.invoke("first").await.unwrap();
    let all = SnapshotOptions::session().include([SnapshotField::SystemPrompt]);
    let all = agent.take_snapshot(all).await.unwrap();
    let state = SnapshotOptions::new().include([SnapshotField::State]);
    let state = agent.take_snapshot(state).await.unwrap();

    agent.set_system_prompt("two");
    agent.state().set("n", 2).unwrap();
    agent.invoke("second").await.unwrap();
    agent.load_snapshot(&state).await.unwrap();
    assert_eq!((agent.state().value("n"), agent.messages().len()), (Some(json!(1)), 4));
    agent.load_snapshot(&all).await.unwrap();
    assert_eq!(texts(&agent), ["first", "ok"]);
    assert_eq!(agent.system_prompt(), Some(&"one".into()));
    agent.invoke("third").await.unwrap();
    // It was made durable.
    let again = builder().session(journal).build().await.unwrap();
    assert_eq!(texts(&again), ["first", "ok", "third", "ok"]);
    assert_eq!(again.run(), agent.run());
}

/// §3.9 interrupt_state: another agent goes on where this one waits
#[tokio::test]
async fn a_pause_goes_on_in_another_agent() {
    let asks = |event: &mut BeforeToolCallEvent| event.interrupt::<bool>("ok", "why").map(drop);
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(echo("a")).hook(asks);
    let blueprint = Arc::new(builder.blueprint().unwrap());
    let mut agent = blueprint.agent().await.unwrap();
    agent.invoke("q").await.unwrap();
    let snapshot = agent.take_snapshot(SnapshotOptions::session()).await.unwrap();
    let stored: String = serde_json::to_string(&snapshot).unwrap();

    let mut other = blueprint.agent().await.unwrap();
    other.load_snapshot(&serde_json::from_str(&stored).unwrap()).await.unwrap();
    assert_eq!(other.interrupts(), agent.interrupts());
    assert_eq!(answer_all(&mut other, true).await.text(), "done");
    // And back to where nothing was under way.
    let mut idle = blueprint.agent().await.unwrap();
    let idle = idle.take_snapshot(SnapshotOptions::session()).await.unwrap();
    agent.load_snapshot(&idle).await.unwrap();
    assert!(agent.interrupts().is_empty() && !agent.is_unfinished());
}

/// A history alone can't be put under what is under way: that fails loudly
#[tokio::test]
async fn what_is_unfinished_is_not_cut_from_its_history() {
    let failing = ScriptedModel::new([Reply::error(ErrorKind::Authentication, "no")]);
    let mut agent = Agent::builder().no_callback_handler().model(failing).build().await.unwrap();
    let options = SnapshotOptions::new().include([SnapshotField::Messages]);
    let snapshot = agent.take_snapshot(options).await.unwrap();
    agent.invoke("q").await.unwrap_err();
    let error = agent.load_snapshot(&snapshot).await.unwrap_err();
    assert!(error.to_string().contains("interrupt_state"), "{error}");
    assert_eq!(agent.messages().len(), 1);
}

/// §3.9 "Wrong version or scope → snapshot error"; so is what is not known, or no valid history
#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut agent = agent().await;
    agent.invoke("q").await.unwrap();
    let snapshot = agent.take_snapshot(SnapshotOptions::session()).await.unwrap();
    let good = serde_json::to_value(snapshot).unwrap();
    let dangling = json!([{"role": "assistant", "content": [
        {"toolUse": {"toolUseId": "t", "name": "a", "input": {}}}
    ]}]);
    let wrong: [(&str, Value); 5] = [
        ("/scope", json!("multiAgent")),
        ("/schema_version", json!("2.0")),
        ("/data/messages", dangling),
        ("/data/messages", json!("no messages")),
        ("/data/interrupt_state", json!({"phase": "nowhere"})),
    ];
    let before = agent.run();
    for (at, value) in wrong {
        let mut bad = good.clone();
        *bad.pointer_mut(at).unwrap() = value;
        let bad: Snapshot = serde_json::from_value(bad).unwrap();
        let error = agent.load_snapshot(&bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{at}: {error}");
    }
    let mut unknown = good;
    unknown["data"]["model_state"] = json!({"response_id": "r"});
    let unknown: Snapshot = serde_json::from_value(unknown).unwrap();
    let error = agent.load_snapshot(&unknown).await.unwrap_err();
    assert!(error.to_string().contains("model_state"), "{error}");
    assert_eq!(agent.run(), before);
}
