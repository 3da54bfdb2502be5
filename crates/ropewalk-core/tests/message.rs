//! Messages: their exact JSON, the transcript, and the mending of foreign histories.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ropewalk_core::*;
use serde_json::{Value, json};

/// Reads the JSON, writes it again, and expects the very same.
#[track_caller]
fn round_trip(json: Value) -> ContentBlock {
    let block: ContentBlock = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&block).unwrap(), json);
    block
}

#[track_caller]
fn refused(json: Value) -> String {
    serde_json::from_value::<ContentBlock>(json).unwrap_err().to_string()
}

mod blocks {
    use super::*;
    use pretty_assertions::assert_eq;

    fn bytes() -> Value {
        json!({"__bytes_encoded__": true, "data": "aGVtcA=="})
    }

    #[test]
    fn every_block_of_strands_reads_and_writes_the_same_json() {
        let blocks = [
            json!({"text": "hemp"}),
            json!({"text": ""}),
            json!({"image": {"format": "png", "source": {"bytes": bytes()}}}),
            json!({"image": {"format": "webp", "source": {"location":
                {"type": "s3", "uri": "s3://b/k", "bucketOwner": "1"}}}}),
            json!({"document": {"format": "pdf", "name": "n", "source": {"bytes": bytes()},
                "citations": {"enabled": true}, "context": "c"}}),
            json!({"video": {"format": "three_gp", "source": {"bytes": bytes()}}}),
            json!({"audio": {"format": "x-aac", "source": {"bytes": bytes()}}}),
            json!({"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": [1, null, 1.5]}}}),
            json!({"toolUse": {"toolUseId": "t", "name": "n", "input": 7,
                "reasoningSignature": "s"}}),
            json!({"toolResult": {"toolUseId": "t", "status": "success", "content": [
                {"text": "a"}, {"json": {"b": null}},
                {"image": {"format": "gif", "source": {"bytes": bytes()}}},
                {"document": {"format": "md", "name": "d", "source": {"bytes": bytes()}}}]}}),
            json!({"toolResult": {"toolUseId": "t", "status": "error", "content": []}}),
            json!({"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}),
            json!({"reasoningContent": {"reasoningText": {"text": "hm"}}}),
            json!({"reasoningContent": {"redactedContent": bytes()}}),
            json!({"cachePoint": {"type": "default"}}),
            json!({"cachePoint": {"type": "default", "ttl": "1h"}}),
            json!({"guardContent": {"text": {"text": "q", "qualifiers": ["query"]}}}),
            json!({"guardContent": {"text": {"text": "q"}}}),
            json!({"citationsContent": {"citations": [
                {"location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
                 "sourceContent": [{"text": "s"}], "title": "t"},
                {"location": {"web": {"url": "u", "domain": "d"}}}, {}],
                "content": [{"text": "c"}]}}),
            json!({"interruptResponse": {"interruptId": "i", "response": false}}),
        ];
        for block in blocks {
            let read = round_trip(block.clone());
            assert!(!matches!(read, ContentBlock::Unknown(_)), "{block} was not understood");
        }
    }

    #[test]
    fn a_block_that_is_not_known_is_kept_whole() {
        for block in [
            json!({"hologram": {"angle": 7}}),
            json!({"hologram": null}),
            json!({"hologram": 1, "more": 2}),
        ] {
            assert!(matches!(round_trip(block), ContentBlock::Unknown(_)));
        }
    }

    #[test]
    fn keys_that_are_not_known_are_kept() {
        round_trip(json!({"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "x": [1]}}));
        round_trip(json!({"toolResult":
            {"toolUseId": "t", "status": "success", "content": [{"hologram": 1}], "x": {"y": 1}}}));
        round_trip(json!({"cachePoint": {"type": "default", "x": 1}}));
        round_trip(json!({"reasoningContent": {"reasoningText": {"text": "", "x": 1}}}));
        round_trip(json!({"reasoningContent": {"sealedElsewhere": 1}}));
        round_trip(json!({"image": {"format": "png", "source": {"cloud": "c"}, "x": 1}}));
        let message = json!({"role": "user", "content": [{"text": "a"}], "tracking_id": "u",
            "metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
                "metrics": {"latencyMs": 4}, "custom": {"a": 1}, "x": 1}});
        let read: Message = serde_json::from_value(message.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), message);
    }

    #[test]
    fn an_object_with_several_keys_is_refused_by_name() {
        let text = refused(json!({"text": "a", "toolUse": {}}));
        assert!(text.contains("`text`") && text.contains("`toolUse`"), "{text}");
        let text = refused(json!({"aaa": 1, "text": "a"}));
        assert!(text.contains("`aaa`") && text.contains("`text`"), "{text}");
        assert!(refused(json!({})).contains("a content block is empty"));
        assert!(refused(json!("text")).contains("a content block: an object with one key"));
    }

    #[test]
    fn a_malformed_block_says_which_one_and_what_is_wrong() {
        for (block, words) in [
            (json!({"text": 7}), ["text", "expected a string"]),
            (json!({"text": null}), ["text", "expected a string"]),
            (json!({"toolUse": {"name": "n", "input": {}}}), ["toolUse", "`toolUseId`"]),
            (json!({"toolUse": {"toolUseId": "t", "input": {}}}), ["toolUse", "`name`"]),
            (
                json!({"toolResult": {"toolUseId": "t", "status": "fine", "content": []}}),
                ["toolResult", "`fine`"],
            ),
            (json!({"image": {"format": "png"}}), ["image", "`source`"]),
        ] {
            let text = refused(block);
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        }
    }

    #[test]
    fn bytes_must_be_marked_and_be_base64() {
        let source = |bytes: Value| json!({"image": {"format": "png", "source": {"bytes": bytes}}});
        let block = round_trip(source(bytes()));
        let ContentBlock::Image(image) = block else { panic!("{block:?}") };
        let Source::Bytes(blob) = image.source else { panic!() };
        assert_eq!((&blob[..], blob.to_base64().as_str()), (&b"hemp"[..], "aGVtcA=="));
        let text = refused(source(json!({"__bytes_encoded__": false, "data": ""})));
        assert!(text.contains("__bytes_encoded__"), "{text}");
        let text = refused(source(json!({"__bytes_encoded__": true, "data": "aGVtcA"})));
        assert!(text.contains("not base64 with padding"), "{text}");
    }

    #[test]
    fn a_result_without_a_status_went_well() {
        let json = json!({"toolUseId": "t", "content": []});
        let result: ToolResult = serde_json::from_value(json).unwrap();
        assert_eq!(result.status, ToolStatus::Success);
    }

    #[test]
    fn a_role_that_is_not_known_is_refused() {
        let json = json!({"role": "system", "content": []});
        assert!(serde_json::from_value::<Message>(json).is_err());
    }

    #[test]
    fn the_text_of_a_message_counts_plain_and_cited_text_only() {
        let message: Message = serde_json::from_value(json!({"role": "assistant", "content": [
            {"text": "a"},
            {"reasoningContent": {"reasoningText": {"text": "hm"}}},
            {"citationsContent": {"citations": [], "content": [{"text": "b"}, {"text": "c"}]}},
        ]}))
        .unwrap();
        assert_eq!(message.text(), "a\nb\nc");
    }

    #[test]
    fn a_system_prompt_keeps_its_blocks_and_gives_its_text() {
        let json = json!([{"text": "a"}, {"cachePoint": {"type": "default"}}, {"text": "b"}]);
        let prompt: SystemPrompt = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(prompt.text().as_deref(), Some("a\nb"));
        assert_eq!(serde_json::to_value(&prompt).unwrap(), json);
        assert_eq!(SystemPrompt::new([]).text(), None);
    }

    #[test]
    fn usage_adds_up_without_overflow() {
        let mut usage = Usage::new(u64::MAX, 1);
        usage += Usage { cache_read_input_tokens: Some(2), ..Usage::new(1, 2) };
        let expected = Usage {
            input_tokens: u64::MAX,
            output_tokens: 3,
            total_tokens: u64::MAX,
            cache_read_input_tokens: Some(2),
            cache_write_input_tokens: None,
        };
        assert_eq!(usage, expected);
    }
}

mod transcript {
    use super::*;
    use pretty_assertions::assert_eq;

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
}

mod repair {
    use super::*;
    use pretty_assertions::assert_eq;

    fn asks(ids: &[&str]) -> Message {
        common::asks(ids.iter().map(|id| (*id, "n", json!({}))))
    }

    fn gives(ids: &[&str]) -> Message {
        Message::tool_results(ids.iter().map(|id| ToolResult::success(*id, *id)))
    }

    fn lost(id: &str) -> ToolResult {
        ToolResult::error(id, "Tool was interrupted.")
    }

    #[track_caller]
    fn mends(broken: &[Message], whole: &[Message]) -> Vec<Repair> {
        let (transcript, repairs) = Transcript::repair(broken.iter().cloned());
        let messages: Vec<Message> = transcript.iter().map(|message| (**message).clone()).collect();
        assert_eq!(messages, whole);
        common::assert_valid(&transcript);
        repairs
    }

    fn added(message: usize, id: &str) -> Repair {
        Repair::AddedResult { message, tool_use_id: id.into() }
    }

    fn dropped(message: usize, id: &str) -> Repair {
        Repair::DroppedResult { message, tool_use_id: id.into() }
    }

    #[test]
    fn a_whole_history_stays_as_it_is() {
        let whole = [Message::user("q"), asks(&["a"]), gives(&["a"]), Message::assistant("x")];
        assert_eq!(mends(&whole, &whole), []);
        let (empty, repairs) = Transcript::repair([Message::new(Role::User, vec![])]);
        assert_eq!((empty.len(), repairs.len()), (1, 0));
    }

    #[test]
    fn results_at_the_beginning_are_left_out() {
        assert_eq!(
            mends(&[gives(&["z"]), Message::user("q")], &[Message::user("q")]),
            [dropped(0, "z")],
        );
    }

    #[test]
    fn an_orphan_result_goes_and_what_stands_beside_it_stays() {
        let mut mixed = gives(&["z"]);
        mixed.content.push("and?".into());
        assert_eq!(mends(&[mixed], &[Message::user("and?")]), [dropped(0, "z")]);
    }

    #[test]
    fn a_use_at_the_end_gets_a_result_that_says_it_was_interrupted() {
        assert_eq!(
            mends(&[asks(&["a"])], &[asks(&["a"]), Message::tool_results([lost("a")])]),
            [added(0, "a")],
        );
    }

    #[test]
    fn missing_results_join_the_ones_that_are_there_in_the_order_of_the_uses() {
        let mut whole = gives(&["a", "b", "c"]);
        whole.content[1] = ContentBlock::ToolResult(lost("b"));
        assert_eq!(
            mends(
                &[asks(&["a", "b", "c"]), gives(&["c", "z", "a"])],
                &[asks(&["a", "b", "c"]), whole]
            ),
            [added(0, "b"), dropped(1, "z")],
        );
    }

    #[test]
    fn a_prompt_after_an_open_use_keeps_its_text_behind_the_result() {
        let mut whole = Message::tool_results([lost("a")]);
        whole.content.push("go on".into());
        assert_eq!(
            mends(&[asks(&["a"]), Message::user("go on")], &[asks(&["a"]), whole]),
            [added(0, "a")],
        );
    }

    #[test]
    fn an_answer_after_an_open_use_gets_the_result_in_front() {
        assert_eq!(
            mends(
                &[asks(&["a"]), Message::assistant("x")],
                &[asks(&["a"]), Message::tool_results([lost("a")]), Message::assistant("x")]
            ),
            [added(0, "a")],
        );
    }

    #[test]
    fn blocks_under_the_wrong_role_are_left_out() {
        let wrong = Message { role: Role::User, ..asks(&["a"]) };
        let repairs = mends(&[wrong, Message::user("q")], &[Message::user("q")]);
        assert_eq!(repairs, [Repair::DroppedBlock { message: 0 }]);
    }

    fn block() -> impl Strategy<Value = ContentBlock> {
        let id = || prop::sample::select(vec!["a", "b", "c"]);
        prop_oneof![
            "[a-z]{0,3}".prop_map(ContentBlock::Text),
            id().prop_map(|id| ContentBlock::ToolUse(ToolUse::new(id, "n", json!({})))),
            id().prop_map(|id| ContentBlock::ToolResult(ToolResult::success(id, "r"))),
            id().prop_map(|id| ContentBlock::InterruptResponse(InterruptResponse {
                interrupt_id: id.into(),
                response: json!(true),
            })),
        ]
    }

    fn message() -> impl Strategy<Value = Message> {
        let role = prop_oneof![Just(Role::User), Just(Role::Assistant)];
        (role, prop::collection::vec(block(), 0..5))
            .prop_map(|(role, content)| Message::new(role, content))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_the_mended_history_is_valid_and_needs_no_second_mending(
            messages in prop::collection::vec(message(), 0..7),
        ) {
            let valid = Transcript::from_messages(messages.clone()).is_ok();
            let (mended, repairs) = Transcript::repair(messages.clone());
            common::assert_valid(&mended);
            let (again, none) = Transcript::repair(mended.iter().map(|m| (**m).clone()));
            prop_assert_eq!(&again, &mended);
            prop_assert_eq!(none, vec![]);
            // Only what is broken is mended.
            prop_assert_eq!(valid, repairs.is_empty());
        }
    }
}
