//! The transcript: what can stand in it, and what can't.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

fn results(ids: &[&str]) -> Message {
    Message::tool_results(ids.iter().map(|id| ToolResult::success(*id, *id)))
}

fn uses(ids: &[&str]) -> Message {
    common::asks(ids.iter().map(|id| (*id, "n", json!({}))))
}

#[track_caller]
fn problem(messages: impl IntoIterator<Item = Message>) -> TranscriptError {
    Transcript::from_messages(messages).unwrap_err()
}

#[test]
fn a_use_without_its_result_can_not_stand() {
    let missing = |message| TranscriptError::MissingResult { message, tool_use_id: "b".into() };
    assert_eq!(problem([Message::user("q"), uses(&["b"])]), missing(1));
    assert_eq!(problem([uses(&["a", "b"]), results(&["a"])]), missing(0));
    assert_eq!(problem([uses(&["b"]), Message::user("q"), results(&["b"])]), missing(0));
}

#[test]
fn a_result_without_its_use_can_not_stand() {
    let orphan = |message| TranscriptError::OrphanResult { message, tool_use_id: "b".into() };
    assert_eq!(problem([results(&["b"])]), orphan(0));
    assert_eq!(problem([uses(&["a"]), results(&["a", "b"])]), orphan(1));
    assert_eq!(problem([uses(&["b"]), results(&["b", "b"])]), orphan(1));
    assert_eq!(problem([uses(&["b"]), results(&["b"]), results(&["b"])]), orphan(2));
}

#[test]
fn blocks_under_the_wrong_role_can_not_stand() {
    let misplaced = |message: Message| match problem([Message::user("q"), message]) {
        TranscriptError::Misplaced { message: 1, problem } => problem,
        other => panic!("{other:?}"),
    };
    let as_role = |role, message: Message| Message { role, ..message };
    assert!(misplaced(as_role(Role::User, uses(&["a"]))).contains("tool use"));
    assert!(misplaced(as_role(Role::Assistant, results(&["a"]))).contains("tool result"));
    let answer = InterruptResponse { interrupt_id: "i".into(), response: json!(1) };
    let answer = ContentBlock::InterruptResponse(answer);
    for role in [Role::User, Role::Assistant] {
        assert!(misplaced(Message::new(role, vec![answer.clone()])).contains("prompt"));
    }
}

#[test]
fn the_error_names_the_place_and_the_id() {
    let text = problem([Message::user("q"), uses(&["b"])]).to_string();
    assert_eq!(text, "message 1: tool use `b` has no result in the message after it");
}

#[test]
fn push_takes_no_part_of_a_tool_turn() {
    let mut transcript = Transcript::new();
    transcript.push(Message::user("q")).unwrap();
    for message in [uses(&["a"]), results(&["a"])] {
        assert!(transcript.push(message).is_err());
    }
    assert_eq!(transcript.len(), 1);
}

#[test]
fn a_tool_turn_is_added_whole_or_not_at_all() {
    let mut transcript = Transcript::new();
    let result = |id: &str| ToolResult::success(id, id);
    for wrong in [vec![], vec![result("a")], vec![result("a"), result("b"), result("c")]] {
        assert!(transcript.push_tool_turn(uses(&["a", "b"]), wrong).is_err());
        assert!(transcript.is_empty());
    }
    let added =
        transcript.push_tool_turn(uses(&["a", "b"]), vec![result("a"), result("b")]).unwrap();
    assert_eq!(added.results().count(), 2);
    assert_eq!(transcript.len(), 2);
    common::assert_valid(&transcript);
}

#[test]
fn a_tool_turn_after_an_open_use_is_impossible() {
    let mut transcript = Transcript::new();
    let user = Message { role: Role::User, ..uses(&["a"]) };
    let error = transcript.push_tool_turn(user, vec![ToolResult::success("a", "")]);
    assert!(matches!(error, Err(TranscriptError::Misplaced { .. })));
}

#[test]
fn adding_to_a_clone_leaves_the_other_as_it_was() {
    let mut one = Transcript::new();
    one.push(Message::user("q")).unwrap();
    let two = one.clone();
    one.push(Message::assistant("a")).unwrap();
    assert_eq!((one.len(), two.len()), (2, 1));
    assert!(std::sync::Arc::ptr_eq(&one[0], &two[0]), "messages are shared, not copied");
}

#[test]
fn reading_json_refuses_a_broken_history() {
    let json = json!([
        {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "a", "name": "n", "input": {}}}]},
    ]);
    let error = serde_json::from_value::<Transcript>(json).unwrap_err();
    assert!(error.to_string().contains("tool use `a` has no result"), "{error}");
}

#[test]
fn json_is_the_list_of_messages() {
    let messages = [Message::user("q"), uses(&["a"]), results(&["a"])];
    let transcript = Transcript::from_messages(messages.clone()).unwrap();
    let json = serde_json::to_value(&transcript).unwrap();
    assert_eq!(json, serde_json::to_value(messages).unwrap());
    assert_eq!(serde_json::from_value::<Transcript>(json).unwrap(), transcript);
}
