//! §5.1 Model → loop chunks.

use pretty_assertions::assert_eq;
use ropewalk_core::*;
use serde_json::json;

use crate::support::chunk;

/// §5.1 each chunk is a single-key object; all rows of the table. A provider's own exceptions are "typed
/// but not specially handled": here they are kept like every key that is not known.
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

/// §5.1 "`contentBlockDelta` with delta one of": several at once are none of these
#[test]
fn a_delta_is_one_thing() {
    for delta in [
        json!({"text": "a", "toolUse": {"input": "{}"}}),
        json!({"reasoningContent": {"text": "hm"}, "citation": {}}),
        json!({}),
    ] {
        let json = json!({"contentBlockDelta": {"delta": delta}});
        assert!(serde_json::from_value::<ModelChunk>(json.clone()).is_err(), "{json}");
    }
}

/// §5.1 "The content-block index is ignored by the aggregator: blocks are assumed sequential."
#[test]
fn the_index_of_a_block_says_nothing() {
    let mut assembler = MessageAssembler::new();
    for json in [
        json!({"contentBlockStart": {"contentBlockIndex": 7, "start": {}}}),
        json!({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "a"}}}),
        json!({"contentBlockStop": {"contentBlockIndex": 7}}),
        json!({"contentBlockDelta": {"contentBlockIndex": 7, "delta": {"text": "b"}}}),
        json!({"contentBlockStop": {}}),
        json!({"messageStop": {"stopReason": "end_turn"}}),
    ] {
        assembler.push(&chunk(json));
    }
    assert_eq!(assembler.finish().unwrap().message.text(), "a\nb");
}

/// §4.2 "Stop reasons, full set": the words, and those that nobody knows yet
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
