//! §4.8 Stream aggregation: how chunks become a message.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use pretty_assertions::assert_eq;
use ropewalk_core::*;
use ropewalk_testkit::{Reply, ScriptedModel};
use serde_json::{Value, json};

use crate::common::{agent_with, echo, last_results};
use crate::support::{chunk, texts};

pub(crate) fn assemble(chunks: impl IntoIterator<Item = ModelChunk>) -> ModelTurn {
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

/// §4.8 "Tool input: accumulated string parsed as JSON at block stop"
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

/// §4.8 "empty → `{}`"
#[test]
fn no_input_is_an_empty_object() {
    for fragments in [&[][..], &[""], &["  "]] {
        let turn = assemble(call(fragments));
        assert_eq!(turn.message.tool_uses().next().unwrap().input, json!({}));
        assert_eq!(turn.malformed, []);
    }
}

/// §4.8 "Arrays/scalars are kept as is"
#[test]
fn arrays_and_scalars_are_kept_as_input() {
    let turn = assemble(call(&["[1, 2]"]));
    assert_eq!(turn.message.tool_uses().next().unwrap().input, json!([1, 2]));
}

/// §4.8 "Invalid JSON → `{}` (silently)": here it is marked, and the model is told
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

/// §4.5 "Duplicate tool-use ids", §4.8 "a block lacking either is skipped with a warning": here one that lacks an
/// id gets one, and one that lacks a name is answered with an error (`an_invalid_name_is_an_error_result…`)
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

/// §4.8 "`contentBlockStart` with toolUse starts a tool use (id, name, optional `reasoningSignature`)"
#[test]
fn the_signature_of_a_tool_use_goes_with_it() {
    let start = json!({"toolUseId": "t", "name": "n", "reasoningSignature": "s"});
    let turn = assemble([
        chunk(json!({"contentBlockStart": {"start": {"toolUse": start}}})),
        ModelChunk::block_stop(),
        stop(StopReason::ToolUse),
    ]);
    let expected = json!([{"toolUse":
        {"toolUseId": "t", "name": "n", "input": {}, "reasoningSignature": "s"}}]);
    assert_eq!(content(&turn), expected);
}

/// §4.8 "[≥1.47] id/name may arrive in the delta"
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

/// §4.8 "`contentBlockStart` with toolUse starts a tool use, otherwise clears it": what came before is not lost here
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

/// §4.8 On `contentBlockStop` Strands flushes tool use, text, reasoning, redacted; here a tool use comes last, as
/// providers want it
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

/// §4.8 "Missing `messageStop` → `end_turn`": here an answer that broke off is an error that may be tried again
#[test]
fn a_stream_that_breaks_off_is_an_error() {
    let mut chunks = call(&["{}"]);
    chunks.pop();
    let error = try_assemble(chunks).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("messageStop"));
}

/// §4.8 "the signature is never cleared and leaks (BUG) … consumed once; signature-only blocks kept"
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

/// §4.8 "redacted → `{"reasoningContent":{"redactedContent": bytes}}`"
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

/// §4.8 "text with pending citations → one `citationsContent` block, else a `text` block. Citations without text
/// are dropped."
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

/// §4.8 "`redactAssistantContentMessage` replaces the whole assistant content with one text block"
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

/// What a provider says of its own tools goes back with the history.
#[test]
fn a_block_of_one_piece_of_an_unknown_kind_is_kept_as_it_came() {
    let piece = |value: Value| chunk(json!({"contentBlockDelta": {"delta": {"hologram": value}}}));
    let turn = assemble([
        piece(json!({"angle": 7})),
        ModelChunk::block_stop(),
        ModelChunk::text_delta("a"),
        piece(json!(1)),
        ModelChunk::block_stop(),
        piece(json!(1)),
        piece(json!(2)),
        ModelChunk::block_stop(),
        stop(StopReason::EndTurn),
    ]);
    assert_eq!(content(&turn), json!([{"hologram": {"angle": 7}}, {"text": "a"}]));
    let again = ModelChunk::from_message(&turn.message, StopReason::EndTurn, turn.usage);
    assert_eq!(assemble(again).message, turn.message);
}

/// §4.4 "Each tool-use block in the truncated message is replaced, in place, by a text block"
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

/// §4.2 "`end_turn` although tool blocks are present: rewritten"; "`tool_use` with no tool blocks" ends
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

/// §4.8 "Invalid JSON → `{}` (WEAK)"; Appendix A 18. The other calls still run.
#[tokio::test]
async fn malformed_arguments_keep_no_other_call_from_running() {
    let mut chunks = vec![ModelChunk::message_start()];
    for (id, input) in [("t1", "{\"n\": "), ("t2", "{\"n\": 2}"), ("t3", "")] {
        chunks.push(ModelChunk::tool_use_start(id, "a"));
        chunks.extend([ModelChunk::input_delta(input), ModelChunk::block_stop()]);
    }
    chunks.push(ModelChunk::message_stop(StopReason::ToolUse));
    let tool = echo("a");
    let model = ScriptedModel::new([Reply::chunks(chunks), Reply::text("done")]);
    let mut agent = agent_with(model, [tool.clone()]).await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    let inputs: Vec<_> = tool.seen().into_iter().map(|seen| seen.input).collect();
    assert_eq!(inputs, [json!({"n": 2}), json!({})], "no arguments at all are an empty object");
    let results = last_results(&agent.messages());
    assert!(
        results[0].starts_with("Error: the input of this call is not valid JSON"),
        "{results:?}"
    );
    assert_eq!(results[1..], ["a", "a"]);
}

/// §4.8 "Missing `metadata` → zero usage". "Missing `messageStop` → `end_turn`": here it is an answer
/// that broke off, and is asked for again.
#[tokio::test(start_paused = true)]
async fn a_missing_end_is_no_end() {
    let half = Reply::chunks([ModelChunk::message_start(), ModelChunk::text_delta("half")]);
    let whole = Reply::chunks([
        ModelChunk::message_start(),
        ModelChunk::text_delta("whole"),
        ModelChunk::message_stop(StopReason::EndTurn),
    ]);
    let model = ScriptedModel::new([half, whole]);
    let mut agent = Agent::builder().no_callback_handler().model(model).build().await.unwrap();
    let result = agent.invoke("q").await.unwrap();
    assert_eq!((result.text().as_str(), result.usage), ("whole", Usage::default()));
    assert_eq!(texts(&agent), ["q", "whole"]);
}

/// §4.8 "Arrays/scalars are kept as is and then fail tool validation": the model is told, and the tool does
/// not run
#[tokio::test]
async fn arguments_that_are_no_object_are_refused_to_the_model() {
    let tool = echo("a");
    let model = ScriptedModel::new([Reply::raw_tool("a", "[1, 2]"), Reply::text("done")]);
    let mut agent = agent_with(model, [tool.clone()]).await;
    assert_eq!(agent.invoke("q").await.unwrap().text(), "done");
    assert_eq!(agent.messages()[1].tool_uses().next().unwrap().input, json!([1, 2]));
    let result = &last_results(&agent.messages())[0];
    assert!(result.contains("is not of type \"object\""), "{result}");
    assert_eq!(tool.count(), 0);
}

/// A model that begins to speak after a while, and says nothing of how long it took.
struct Slow;

impl Model for Slow {
    fn id(&self) -> &str {
        "slow"
    }

    fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        let chunks = ModelChunk::text_message("a", StopReason::EndTurn, Usage::new(1, 1));
        let timed = stream::iter(chunks).then(|chunk| async move {
            let pause = match chunk {
                ModelChunk::ContentBlockStart(_) => 250,
                ModelChunk::ContentBlockStop(_) => 100,
                _ => 0,
            };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            Ok(chunk)
        });
        timed.boxed()
    }
}

/// §4.8 "`timeToFirstByteMs` = first content start/delta after the call began"
#[tokio::test(start_paused = true)]
async fn the_time_to_the_first_content_is_measured() {
    let mut agent = Agent::builder().no_callback_handler().model(Slow).build().await.unwrap();
    agent.invoke("q").await.unwrap();
    let metrics = agent.messages()[1].metadata.as_ref().unwrap().metrics.unwrap();
    assert_eq!(metrics, Metrics { latency_ms: 350, time_to_first_byte_ms: Some(250) });
}

/// §5.1 `messageStop`: "`additionalModelResponseFields`?: any". It stays with the message, and goes along when the
/// answer is streamed again.
#[test]
fn what_else_the_provider_says_stays_with_the_message() {
    let said = json!({"provider": {"id": "resp_1"}});
    let end =
        json!({"messageStop": {"stopReason": "end_turn", "additionalModelResponseFields": said}});
    let turn = assemble([ModelChunk::text_delta("a"), chunk(end)]);
    let fields = turn.message.metadata.as_ref().and_then(MessageMetadata::provider_fields);
    assert_eq!(fields, Some(&said));
    let json = serde_json::to_value(&turn.message).unwrap();
    assert_eq!(json["metadata"], json!({"additionalModelResponseFields": said}));
    let again = ModelChunk::from_message(&turn.message, StopReason::EndTurn, Usage::default());
    assert_eq!(assemble(again), turn);
    let plain = assemble([ModelChunk::text_delta("a"), stop(StopReason::EndTurn)]);
    assert_eq!(plain.message.metadata, None);
}
