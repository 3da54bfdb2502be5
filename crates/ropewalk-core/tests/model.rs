//! Models: the JSON of chunks, and how chunks become a message.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use proptest::prelude::*;
use ropewalk_core::*;
use serde_json::{Value, json};

fn assemble(chunks: impl IntoIterator<Item = ModelChunk>) -> ModelTurn {
    try_assemble(chunks).unwrap()
}

fn try_assemble(chunks: impl IntoIterator<Item = ModelChunk>) -> Result<ModelTurn, Error> {
    let mut assembler = MessageAssembler::new();
    chunks.into_iter().for_each(|chunk| assembler.push(&chunk));
    assembler.finish()
}

fn content(turn: &ModelTurn) -> Value {
    serde_json::to_value(&turn.message.content).unwrap()
}

fn chunk(json: Value) -> ModelChunk {
    serde_json::from_value(json).unwrap()
}

fn reasoning(delta: Value) -> ModelChunk {
    chunk(json!({"contentBlockDelta": {"delta": {"reasoningContent": delta}}}))
}

fn stop(reason: StopReason) -> ModelChunk {
    ModelChunk::message_stop(reason)
}

/// A tool use of these fragments, and the end of the answer.
fn call(fragments: &[&str]) -> Vec<ModelChunk> {
    let mut chunks = vec![ModelChunk::tool_use_start("t", "n")];
    chunks.extend(fragments.iter().map(|fragment| ModelChunk::input_delta(*fragment)));
    chunks.extend([ModelChunk::block_stop(), stop(StopReason::ToolUse)]);
    chunks
}

mod chunks {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn every_chunk_of_strands_reads_and_writes_the_same_json() {
        let bytes = json!({"__bytes_encoded__": true, "data": "aGVtcA=="});
        let chunks = [
            json!({"messageStart": {"role": "assistant"}}),
            json!({"contentBlockStart": {"start": {}}}),
            json!({"contentBlockStart": {"contentBlockIndex": 2, "start": {}}}),
            json!({"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t", "name": "n"}}}}),
            json!({"contentBlockStart": {"start": {"toolUse":
                {"toolUseId": "t", "name": "n", "reasoningSignature": "s"}}}}),
            json!({"contentBlockDelta": {"delta": {"text": "a"}}}),
            json!({"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "a"}}}),
            json!({"contentBlockDelta": {"delta": {"toolUse": {"input": "{\"a"}}}}),
            json!({"contentBlockDelta": {"delta": {"toolUse":
                {"input": "", "toolUseId": "t", "name": "n"}}}}),
            json!({"contentBlockDelta": {"delta": {"reasoningContent": {"text": "hm"}}}}),
            json!({"contentBlockDelta": {"delta": {"reasoningContent": {"signature": "s"}}}}),
            json!({"contentBlockDelta": {"delta": {"reasoningContent":
                {"redactedContent": bytes}}}}),
            json!({"contentBlockDelta": {"delta": {"citation": {"title": "t"}}}}),
            json!({"contentBlockStop": {}}),
            json!({"contentBlockStop": {"contentBlockIndex": 0}}),
            json!({"messageStop": {"stopReason": "end_turn"}}),
            json!({"messageStop": {"stopReason": "model_is_tired",
                "additionalModelResponseFields": {"a": 1}}}),
            json!({"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3,
                "cacheReadInputTokens": 4, "cacheWriteInputTokens": 5},
                "metrics": {"latencyMs": 6, "timeToFirstByteMs": 7}, "trace": {"guardrail": {}}}}),
            json!({"redactContent": {"redactUserContentMessage": "u"}}),
            json!({"redactContent": {"redactAssistantContentMessage": "a"}}),
            json!({"throttlingException": {"message": "m"}}),
        ];
        for json in chunks {
            assert_eq!(serde_json::to_value(chunk(json.clone())).unwrap(), json);
        }
    }

    #[test]
    fn stop_reasons_keep_the_words_of_the_provider() {
        let reasons = [
            StopReason::EndTurn,
            StopReason::ToolUse,
            StopReason::MaxTokens,
            StopReason::StopSequence,
            StopReason::ContentFiltered,
            StopReason::GuardrailIntervened,
            StopReason::Interrupt,
            StopReason::Cancelled,
            StopReason::Other("model_is_tired".into()),
        ];
        for reason in reasons {
            assert_eq!(StopReason::from(reason.as_str()), reason);
            let json = serde_json::to_value(&reason).unwrap();
            assert_eq!(serde_json::from_value::<StopReason>(json).unwrap(), reason);
        }
    }

    #[test]
    fn tool_choices_have_strands_json() {
        for (choice, json) in [
            (ToolChoice::Auto {}, json!({"auto": {}})),
            (ToolChoice::Any {}, json!({"any": {}})),
            (ToolChoice::Tool { name: "n".into() }, json!({"tool": {"name": "n"}})),
        ] {
            assert_eq!(serde_json::to_value(&choice).unwrap(), json);
            assert_eq!(serde_json::from_value::<ToolChoice>(json).unwrap(), choice);
        }
    }
}

mod assembling {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn tool_input_may_be_cut_anywhere() {
        let raw = r#"{"text": "Säntis \"2502\" \u00e9", "n": [1, {"x": null}]}"#;
        let whole = assemble(call(&[raw]));
        for (at, _) in raw.char_indices() {
            let (left, right) = raw.split_at(at);
            assert_eq!(assemble(call(&[left, right])), whole, "cut at {at}");
        }
        let letters: Vec<String> = raw.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(assemble(call(&letters)), whole);
        assert_eq!(whole.malformed, []);
        let input = &whole.message.tool_uses().next().unwrap().input;
        assert_eq!(input["text"], "Säntis \"2502\" é");
    }

    #[test]
    fn no_input_is_an_empty_object() {
        for fragments in [&[][..], &[""], &["  "]] {
            let turn = assemble(call(fragments));
            assert_eq!(turn.message.tool_uses().next().unwrap().input, json!({}));
            assert_eq!(turn.malformed, []);
        }
    }

    #[test]
    fn arrays_and_scalars_are_kept_as_input() {
        let turn = assemble(call(&["[1, 2]"]));
        assert_eq!(turn.message.tool_uses().next().unwrap().input, json!([1, 2]));
    }

    #[test]
    fn input_that_is_no_json_is_marked_and_stands_as_an_empty_object() {
        for raw in [r#"{"a": "#, r#"{"a": 1}}"#, "a", r#"{"a": 1} {"b": 2}"#] {
            let turn = assemble(call(&[raw]));
            assert_eq!(turn.message.tool_uses().next().unwrap().input, json!({}), "{raw}");
            let [bad] = &turn.malformed[..] else { panic!("{raw}: {:?}", turn.malformed) };
            assert_eq!((bad.tool_use_id.as_str(), bad.raw.as_str()), ("t", raw));
            assert!(!bad.error.is_empty());
        }
    }

    #[test]
    fn input_nested_deeper_than_can_be_read_is_marked_and_nothing_overflows() {
        let raw = "[".repeat(100_000);
        assert_eq!(assemble(call(&[&raw])).malformed.len(), 1);
    }

    #[test]
    fn the_mark_goes_to_the_use_it_belongs_to_even_when_ids_are_renamed() {
        let turn = assemble([
            ModelChunk::text_delta("let me see"),
            ModelChunk::block_stop(),
            ModelChunk::tool_use_start("t", "n"),
            ModelChunk::input_delta("{}"),
            ModelChunk::block_stop(),
            ModelChunk::tool_use_start("t", "n"),
            ModelChunk::input_delta("{"),
            ModelChunk::block_stop(),
            stop(StopReason::ToolUse),
        ]);
        let ids: Vec<&str> = turn.message.tool_uses().map(|u| u.tool_use_id.as_str()).collect();
        assert_eq!(ids, ["t", "t_1"]);
        assert_eq!(turn.malformed[0].tool_use_id, "t_1");
    }

    #[test]
    fn repeated_and_missing_ids_become_unique() {
        let mut chunks = Vec::new();
        for id in ["a", "", "a", "", "a_1"] {
            chunks.extend([ModelChunk::tool_use_start(id, "n"), ModelChunk::block_stop()]);
        }
        chunks.push(stop(StopReason::ToolUse));
        let turn = assemble(chunks);
        let ids: Vec<&str> = turn.message.tool_uses().map(|u| u.tool_use_id.as_str()).collect();
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), 5, "{ids:?}");
        assert_eq!(ids[0], "a");
        assert!(ids.iter().all(|id| !id.is_empty()));
    }

    #[test]
    fn id_and_name_may_come_with_a_delta() {
        let delta = |json: Value| chunk(json!({"contentBlockDelta": {"delta": {"toolUse": json}}}));
        let turn = assemble([
            delta(json!({"input": "{\"a\"", "toolUseId": "t", "name": "n"})),
            delta(json!({"input": ":1}"})),
            ModelChunk::block_stop(),
            stop(StopReason::ToolUse),
        ]);
        let expected = json!([{"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": 1}}}]);
        assert_eq!(content(&turn), expected);
    }

    #[test]
    fn a_block_that_was_not_stopped_ends_where_the_next_begins() {
        let turn = assemble([
            ModelChunk::message_start(),
            ModelChunk::block_start(),
            ModelChunk::text_delta("a"),
            ModelChunk::tool_use_start("t", "n"),
            ModelChunk::input_delta("{\"a\":1}"),
            ModelChunk::tool_use_start("u", "m"),
            stop(StopReason::ToolUse),
        ]);
        let expected = json!([
            {"text": "a"},
            {"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": 1}}},
            {"toolUse": {"toolUseId": "u", "name": "m", "input": {}}},
        ]);
        assert_eq!(content(&turn), expected);
    }

    #[test]
    fn pieces_that_come_mixed_in_one_block_are_sorted_into_blocks() {
        let turn = assemble([
            ModelChunk::tool_use_start("t", "n"),
            ModelChunk::text_delta("a"),
            ModelChunk::input_delta("{\"a\":"),
            reasoning(json!({"text": "hm"})),
            ModelChunk::text_delta("b"),
            ModelChunk::input_delta("1}"),
            ModelChunk::block_stop(),
            stop(StopReason::ToolUse),
        ]);
        let expected = json!([
            {"reasoningContent": {"reasoningText": {"text": "hm"}}},
            {"text": "ab"},
            {"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": 1}}},
        ]);
        assert_eq!(content(&turn), expected);
    }

    #[test]
    fn a_stream_that_breaks_off_is_an_error() {
        let mut chunks = call(&["{}"]);
        chunks.pop();
        let error = try_assemble(chunks).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("messageStop"));
    }

    #[test]
    fn a_signature_does_not_leak_into_later_thoughts() {
        let turn = assemble([
            reasoning(json!({"text": "one"})),
            reasoning(json!({"signature": "s"})),
            ModelChunk::block_stop(),
            reasoning(json!({"text": "two"})),
            ModelChunk::block_stop(),
            reasoning(json!({"signature": "alone"})),
            ModelChunk::block_stop(),
            stop(StopReason::EndTurn),
        ]);
        let expected = json!([
            {"reasoningContent": {"reasoningText": {"text": "one", "signature": "s"}}},
            {"reasoningContent": {"reasoningText": {"text": "two"}}},
            {"reasoningContent": {"reasoningText": {"text": "", "signature": "alone"}}},
        ]);
        assert_eq!(content(&turn), expected);
    }

    #[test]
    fn sealed_thoughts_stay_sealed_and_do_not_leak_into_later_blocks() {
        let sealed = |data: &str| {
            reasoning(json!({"redactedContent": {"__bytes_encoded__": true, "data": data}}))
        };
        let turn = assemble([
            sealed("aGU="),
            sealed("bXA="),
            ModelChunk::block_stop(),
            reasoning(json!({"text": "open"})),
            ModelChunk::block_stop(),
            stop(StopReason::EndTurn),
        ]);
        let bytes = json!({"__bytes_encoded__": true, "data": "aGVtcA=="});
        let expected = json!([
            {"reasoningContent": {"redactedContent": bytes}},
            {"reasoningContent": {"reasoningText": {"text": "open"}}},
        ]);
        assert_eq!(content(&turn), expected);
    }

    #[test]
    fn cited_text_stands_with_its_sources_and_the_next_text_without() {
        let cite = |title: &str| {
            chunk(json!({"contentBlockDelta": {"delta":
            {"citation": {"title": title}}}}))
        };
        let turn = assemble([
            ModelChunk::text_delta("high"),
            cite("a"),
            cite("b"),
            ModelChunk::block_stop(),
            ModelChunk::text_delta("plain"),
            ModelChunk::block_stop(),
            cite("for nothing"),
            ModelChunk::block_stop(),
            stop(StopReason::EndTurn),
        ]);
        let expected = json!([
            {"citationsContent": {"citations": [{"title": "a"}, {"title": "b"}],
                "content": [{"text": "high"}]}},
            {"text": "plain"},
        ]);
        assert_eq!(content(&turn), expected);
    }

    #[test]
    fn what_a_guardrail_takes_back_is_gone_tool_uses_included() {
        let mut chunks = call(&["{"]);
        chunks.push(chunk(json!({"redactContent": {"redactAssistantContentMessage": "no"}})));
        let turn = assemble(chunks);
        assert_eq!(content(&turn), json!([{"text": "no"}]));
        assert_eq!((turn.stop_reason, turn.malformed), (StopReason::EndTurn, vec![]));
    }

    #[test]
    fn a_guardrail_may_take_back_both_sides_in_two_chunks() {
        let turn = assemble([
            ModelChunk::text_delta("x"),
            chunk(json!({"redactContent": {"redactUserContentMessage": "user"}})),
            chunk(json!({"redactContent": {"redactAssistantContentMessage": "assistant"}})),
            stop(StopReason::GuardrailIntervened),
        ]);
        assert_eq!(turn.redact_user.as_deref(), Some("user"));
        assert_eq!(content(&turn), json!([{"text": "assistant"}]));
    }

    #[test]
    fn a_use_cut_off_by_the_token_limit_becomes_a_text_that_says_so() {
        let turn = assemble([
            ModelChunk::text_delta("a"),
            ModelChunk::block_stop(),
            ModelChunk::tool_use_start("t", "search"),
            ModelChunk::input_delta("{\"a"),
            ModelChunk::tool_use_start("u", ""),
            stop(StopReason::MaxTokens),
        ]);
        assert_eq!(turn.message.tool_uses().count(), 0);
        assert_eq!((turn.stop_reason, turn.malformed), (StopReason::MaxTokens, vec![]));
        let texts = turn.message.text();
        assert!(texts.starts_with("a\n") && texts.contains("`search`"), "{texts}");
        assert!(texts.contains("`<unknown>`"), "{texts}");
    }

    #[test]
    fn the_reason_and_the_tool_uses_agree() {
        let with_use = |reason: &str| {
            let mut chunks = call(&["{}"]);
            chunks.pop();
            chunks.push(stop(reason.into()));
            assemble(chunks)
        };
        assert_eq!(with_use("end_turn").stop_reason, StopReason::ToolUse);
        assert_eq!(with_use("tool_use").message.tool_uses().count(), 1);
        let other = with_use("model_is_tired");
        assert_eq!(other.stop_reason, StopReason::Other("model_is_tired".into()));
        assert_eq!(other.message.tool_uses().count(), 0);
        assert!(other.message.text().contains("`n` was not called"), "{}", other.message.text());

        let without = assemble([ModelChunk::text_delta("a"), stop(StopReason::ToolUse)]);
        assert_eq!(without.stop_reason, StopReason::EndTurn);
    }

    #[test]
    fn what_was_used_and_measured_is_taken_over() {
        let usage = Usage::new(3, 4);
        let metrics = Metrics { latency_ms: 5, time_to_first_byte_ms: Some(1) };
        let turn = assemble([
            ModelChunk::text_delta("a"),
            stop(StopReason::EndTurn),
            ModelChunk::metadata(usage, metrics),
        ]);
        assert_eq!((turn.usage, turn.metrics), (usage, metrics));
    }

    #[test]
    fn the_text_so_far_is_there_while_the_answer_comes() {
        let mut assembler = MessageAssembler::new();
        assert_eq!(assembler.partial_text(), "");
        assembler.push(&ModelChunk::text_delta("one"));
        assembler.push(&chunk(json!({"contentBlockDelta": {"delta": {"citation": {}}}})));
        assembler.push(&ModelChunk::block_stop());
        assembler.push(&ModelChunk::text_delta("two"));
        assembler.push(&ModelChunk::block_stop());
        assembler.push(&ModelChunk::text_delta("thr"));
        assert_eq!(assembler.partial_text(), "one\ntwo\nthr");
    }

    #[test]
    fn the_tool_use_that_is_being_written_can_be_seen() {
        let mut assembler = MessageAssembler::new();
        assert_eq!(assembler.current_tool_use(), None);
        assembler.push(&ModelChunk::tool_use_start("t", "n"));
        assembler.push(&ModelChunk::input_delta("{\"a"));
        assert_eq!(assembler.current_tool_use(), Some(("t", "n", "{\"a")));
        assembler.push(&ModelChunk::block_stop());
        assert_eq!(assembler.current_tool_use(), None);
    }
}

mod round_trip {
    use super::*;

    fn block() -> impl Strategy<Value = ContentBlock> {
        let text = || "[a-zäö\" ]{1,6}";
        let input = prop_oneof![
            Just(json!({})),
            (text(), any::<i64>()).prop_map(|(key, n)| json!({key: [n, null, true]})),
        ];
        let signature = prop::option::of("[a-z]{1,4}");
        let extra = signature.clone().prop_map(|signature| {
            signature
                .map(|signature| ("reasoningSignature".to_owned(), json!(signature)))
                .into_iter()
                .collect::<Extra>()
        });
        prop_oneof![
            text().prop_map(ContentBlock::Text),
            (text(), input, extra).prop_map(|(name, input, extra)| {
                ContentBlock::ToolUse(ToolUse { extra, ..ToolUse::new("", name, input) })
            }),
            (text(), signature).prop_map(|(text, signature)| {
                let thoughts = ReasoningText { text, signature, extra: Extra::new() };
                ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thoughts))
            }),
            prop::collection::vec(any::<u8>(), 1..9).prop_map(|bytes| {
                let sealed = ReasoningContent::RedactedContent(bytes.into());
                ContentBlock::ReasoningContent(sealed)
            }),
            (text(), prop::collection::vec(text(), 1..3)).prop_map(|(text, titles)| {
                let citations = titles
                    .into_iter()
                    .map(|title| Citation { title: Some(title), ..Citation::default() });
                ContentBlock::CitationsContent(CitationsContent {
                    citations: citations.collect(),
                    content: vec![TextBlock { text }],
                    extra: Extra::new(),
                })
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_message_taken_apart_is_put_together_again(
            mut content in prop::collection::vec(block(), 0..6),
        ) {
            for (at, block) in content.iter_mut().enumerate() {
                if let ContentBlock::ToolUse(tool_use) = block {
                    tool_use.tool_use_id = format!("t{at}");
                }
            }
            let message = Message::new(Role::Assistant, content);
            let reason = match message.tool_uses().next() {
                Some(_) => StopReason::ToolUse,
                None => StopReason::EndTurn,
            };
            let usage = Usage::new(1, 2);
            let chunks = ModelChunk::from_message(&message, reason.clone(), usage);
            // Chunks survive JSON, as they do between processes.
            let json = serde_json::to_string(&chunks).unwrap();
            let chunks: Vec<ModelChunk> = serde_json::from_str(&json).unwrap();
            let turn = assemble(chunks);
            prop_assert_eq!(turn.message, message);
            prop_assert_eq!((turn.stop_reason, turn.usage), (reason, usage));
        }
    }
}
