//! §9.6 Messages that stay.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::json;

use crate::common::assert_valid;
use crate::support::{exchanges, managed, texts, tool_turn};

/// §9.6 `metadata.custom.pinned = true`, and nothing else.
#[test]
fn a_pin_is_the_metadata_of_strands() {
    let pinned = Message::user("q").pinned();
    let json = json!({"role": "user", "content": [{"text": "q"}],
        "metadata": {"custom": {"pinned": true}}});
    assert_eq!(serde_json::to_value(&pinned).unwrap(), json);
    assert!(serde_json::from_value::<Message>(json).unwrap().is_pinned());
    for custom in [json!({"pinned": 1}), json!({"pinned": false}), json!("pinned"), json!(null)] {
        let mut message = Message::user("q");
        message.metadata =
            Some(MessageMetadata { custom: Some(custom.clone()), ..MessageMetadata::default() });
        assert!(!message.is_pinned(), "{custom}");
    }
    let mut message = Message::user("q");
    message.metadata =
        Some(MessageMetadata { custom: Some(json!({"mine": 1})), ..MessageMetadata::default() });
    message.set_pinned(true);
    message.set_pinned(false);
    let custom = message.metadata.unwrap().custom.unwrap();
    assert_eq!(custom, json!({"mine": 1, "pinned": false}));
}

/// §9.6 A tool-use/result neighbour sharing an id counts as pinned too.
#[test]
fn the_other_half_of_a_tool_turn_is_pinned_too() {
    for half in [0, 1] {
        let mut turn = tool_turn("t", "r");
        turn[half].set_pinned(true);
        let messages = [vec![Message::user("q")], turn.to_vec(), exchanges(1)].concat();
        let history = Transcript::from_messages(messages).unwrap();
        let pinned: Vec<_> = (0..6).map(|place| history.is_pinned(place)).collect();
        assert_eq!(pinned, [false, true, true, false, false, false]);
    }
}

/// §9.6 "Not reflected in session offsets" (§10.6 BUG, appendix A 7): what was kept is there after a
/// restart, and nothing that went.
#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let mut turn = tool_turn("t", "r");
    turn[1].set_pinned(true);
    let mut history = exchanges(2);
    history.extend([Message::user("remember").pinned()]);
    history.extend(turn);
    history.extend(exchanges(3));
    let model = ScriptedModel::new((0..3).map(|_| Reply::text("ok")));
    let manager = SlidingWindowConversationManager::new().window_size(2);
    let (mut agent, journal) = managed(history, model, manager).await;
    agent.invoke("1").await.unwrap();
    assert_eq!(texts(&agent), ["remember", "", "", "1", "ok"]);
    assert_valid(&agent.messages());
    let mut again = agent.blueprint().open(Arc::new(journal)).await.unwrap();
    assert_eq!(again.run(), agent.run());
    again.invoke("2").await.unwrap();
    assert_eq!(texts(&again), ["remember", "", "", "2", "ok"]);
}

/// A pin can be set and taken off while the conversation goes on.
#[tokio::test]
async fn a_message_is_pinned_and_let_go_by_hand() {
    let model = ScriptedModel::new((0..3).map(|_| Reply::text("ok")));
    let manager = SlidingWindowConversationManager::new().window_size(2);
    let (mut agent, _) = managed([], model, manager).await;
    agent.invoke("1").await.unwrap();
    let mut first = Message::clone(&agent.messages()[0]);
    first.set_pinned(true);
    agent.edit_messages(TranscriptEdit::new().replace(0..1, [first.clone()])).await.unwrap();
    agent.invoke("2").await.unwrap();
    assert_eq!(texts(&agent), ["1", "2", "ok"]);
    first.set_pinned(false);
    agent.edit_messages(TranscriptEdit::new().replace(0..1, [first])).await.unwrap();
    agent.invoke("3").await.unwrap();
    assert_eq!(texts(&agent), ["3", "ok"]);
}
