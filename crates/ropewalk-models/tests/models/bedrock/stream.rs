//! What is made of Bedrock's events.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ropewalk_core::{BlockDelta, ErrorKind, MessageAssembler, ModelChunk, StopReason};
use ropewalk_models::BedrockGuardrail;
use serde_json::{Value, json};

use super::{EVENTS, answer, builder, call, delta, end, event, hello, reply, start, stop, usage};
use crate::support::{Reply, Server, Step, ask, collect, said};

fn to_json(chunks: &[ModelChunk]) -> Value {
    serde_json::to_value(chunks).unwrap()
}

/// All but the times, which nobody can foretell.
fn without_times(chunks: &[ModelChunk]) -> Value {
    let mut chunks = to_json(chunks);
    for chunk in chunks.as_array_mut().unwrap() {
        if let Some(metrics) = chunk.pointer_mut("/metadata/metrics") {
            assert!(metrics["timeToFirstByteMs"].is_u64(), "{metrics}");
            *metrics = metrics["latencyMs"].take();
        }
    }
    chunks
}

#[tokio::test]
async fn thoughts_text_and_calls_become_blocks_in_order() {
    let (chunks, error) = answer(&[
        start(),
        delta(0, json!({"reasoningContent": {"text": "Hm"}})),
        delta(0, json!({"reasoningContent": {"text": "."}})),
        delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        stop(0),
        delta(1, json!({"reasoningContent": {"redactedContent": "AQID"}})),
        stop(1),
        delta(2, json!({"text": ""})),
        delta(2, json!({"text": "Let me look."})),
        stop(2),
        call(3, "t1", "look"),
        delta(3, json!({"toolUse": {"input": "{\"at\":"}})),
        delta(3, json!({"toolUse": {"input": "\"x\"}"}})),
        stop(3),
        call(4, "t2", "ping"),
        stop(4),
        end("tool_use"),
        usage(),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    let begun = json!({"contentBlockStart": {"start": {}}});
    let over = json!({"contentBlockStop": {}});
    let piece = |delta: Value| json!({"contentBlockDelta": {"delta": delta}});
    let asked = |id: &str, name: &str| json!({"contentBlockStart": {"start": {"toolUse": {"toolUseId": id, "name": name}}}});
    let sealed = json!({"__bytes_encoded__": true, "data": "AQID"});
    let expected = json!([
        {"messageStart": {"role": "assistant"}},
        begun,
        piece(json!({"reasoningContent": {"text": "Hm"}})),
        piece(json!({"reasoningContent": {"text": "."}})),
        piece(json!({"reasoningContent": {"signature": "c2ln"}})),
        over,
        begun,
        piece(json!({"reasoningContent": {"redactedContent": sealed}})),
        over,
        begun,
        piece(json!({"text": "Let me look."})),
        over,
        asked("t1", "look"),
        piece(json!({"toolUse": {"input": "{\"at\":"}})),
        piece(json!({"toolUse": {"input": "\"x\"}"}})),
        over,
        asked("t2", "ping"),
        over,
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 15,
            "cacheReadInputTokens": 5, "cacheWriteInputTokens": 0}, "metrics": 321}},
    ]);
    assert_eq!(without_times(&chunks), expected);
}

/// What comes in one piece is told in the same chunks as what is streamed.
#[tokio::test]
async fn an_answer_in_one_piece_is_told_as_a_streamed_one() {
    let location = json!({"documentPage": {"documentIndex": 0, "start": 1, "end": 2}});
    let citation = json!({"title": "Plan", "location": location, "sourceContent": [{"text": "7"}]});
    let frames = [
        start(),
        delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        delta(0, json!({"reasoningContent": {"text": "Hm."}})),
        stop(0),
        delta(1, json!({"text": "Seven."})),
        delta(1, json!({"citation": citation})),
        stop(1),
        call(2, "t1", "look"),
        delta(2, json!({"toolUse": {"input": "{\"at\":\"x\"}"}})),
        stop(2),
        event(
            "messageStop",
            json!({"stopReason": "end_turn", "additionalModelResponseFields": {"a": 1}}),
        ),
        usage(),
    ];
    let (streamed, error) = answer(&frames).await;
    assert!(error.is_none(), "{error:?}");
    let usage = json!({"inputTokens": 7, "outputTokens": 3, "totalTokens": 15,
        "cacheReadInputTokens": 5, "cacheWriteInputTokens": 0});
    let body = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"signature": "c2ln", "text": "Hm."}}},
            {"citationsContent": {"content": [{"text": "Seven."}], "citations": [citation]}},
            {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "x"}}},
        ]}},
        "stopReason": "end_turn",
        "additionalModelResponseFields": {"a": 1},
        "usage": usage,
        "metrics": {"latencyMs": 321},
    });
    let server = Server::start([Reply::json(200, &[], &body.to_string())]).await;
    let model = builder(&server).streaming(false).build().unwrap();
    let (whole, error) = collect(&model, ask("?")).await;
    assert!(error.is_none(), "{error:?}");
    let blocks = |chunks: &[ModelChunk]| {
        let mut assembler = MessageAssembler::new();
        chunks.iter().for_each(|chunk| assembler.push(chunk));
        assembler.finish().unwrap()
    };
    let (streamed_turn, whole_turn) = (blocks(&streamed), blocks(&whole));
    assert_eq!(whole_turn.message, streamed_turn.message);
    // A turn that holds calls is no end.
    assert_eq!(whole_turn.stop_reason, StopReason::ToolUse);
    let names = |chunks: &[ModelChunk]| {
        let chunks = to_json(chunks);
        let names = chunks.as_array().unwrap().iter();
        names
            .map(|chunk| chunk.as_object().unwrap().keys().next().unwrap().clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&whole), names(&streamed));
    let stops = to_json(&whole);
    let fields = stops.as_array().unwrap().iter().find_map(|chunk| chunk.get("messageStop"));
    assert_eq!(fields.unwrap()["additionalModelResponseFields"], json!({"a": 1}));
    assert!(server.seen()[0].path.ends_with("/converse"), "{}", server.seen()[0].path);
}

#[tokio::test]
async fn what_is_not_known_is_kept_or_passed_over() {
    let trace = json!({"promptRouter": {"invokedModelId": "x"}});
    let (chunks, error) = answer(&[
        event("hologramStart", json!({"angle": 7})),
        start(),
        event("contentBlockStart", json!({"contentBlockIndex": 0, "start": {}})),
        delta(0, json!({"text": "a"})),
        stop(0),
        delta(1, json!({"hologram": {"angle": 7}})),
        stop(1),
        end("tired"),
        event(
            "metadata",
            json!({"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2,
            "serverToolUsage": {}, "cacheDetails": [{"ttl": "1h", "inputTokens": 3}]},
            "metrics": {"latencyMs": 1}, "trace": trace, "serviceTier": {"type": "flex"}}),
        ),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    let unknown = chunks.iter().any(|chunk| {
        matches!(chunk, ModelChunk::ContentBlockDelta(block)
            if matches!(&block.delta, BlockDelta::Unknown(delta) if delta.contains_key("hologram")))
    });
    assert!(unknown, "{chunks:?}");
    let Some(ModelChunk::Metadata(metadata)) = chunks.last() else { panic!("{chunks:?}") };
    let extra = json!({"trace": trace, "serviceTier": {"type": "flex"},
        "cacheDetails": [{"ttl": "1h", "inputTokens": 3}]});
    assert_eq!(Value::Object(metadata.extra.clone()), extra);
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assert_eq!(assembler.finish().unwrap().stop_reason, StopReason::Other("tired".into()));
}

#[tokio::test]
async fn arguments_that_are_no_json_arrive_as_they_came() {
    let (chunks, error) = answer(&[
        start(),
        call(0, "t1", "look"),
        delta(0, json!({"toolUse": {"input": "{\"at\": "}})),
        delta(0, json!({"toolUse": {"input": "oops"}})),
        stop(0),
        end("tool_use"),
        usage(),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(said(&chunks).calls[0].2, "{\"at\": oops");
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assert_eq!(assembler.finish().unwrap().malformed[0].raw, "{\"at\": oops");
}

#[tokio::test]
async fn events_that_are_broken_are_an_error() {
    for (frame, words) in [
        (delta(3, json!({"toolUse": {"input": "{}"}})), "arguments without a call"),
        (event("contentBlockDelta", json!({"delta": "x"})), "has no piece"),
        (event("messageStop", json!({})), "no reason to stop"),
        (event("contentBlockStart", json!({"start": {"toolUse": {}}})), "names no tool"),
    ] {
        let (_, error) = answer(&[start(), frame]).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_frames_are_an_error() {
    let mut damaged = hello().concat();
    let at = damaged.len() / 2;
    damaged[at] ^= 0x40;
    for (bytes, words) in [
        (damaged, "checksum"),
        (vec![0, 0, 0, 3, 0, 0, 0, 0], "frame of 3 bytes"),
        (vec![0x7F; 64], "max_event_bytes"),
        (b"<html>no</html>".to_vec(), "web page"),
        (b"{\"message\": \"odd\"}".to_vec(), "no message in the answer"),
    ] {
        let server = Server::start([Reply::pieces(EVENTS, [&bytes[..]])]).await;
        let (_, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().to_lowercase().contains(words), "{words}: {error}");
    }
    let server = Server::start([reply(&hello())]).await;
    let model = builder(&server).max_event_bytes(100).build().unwrap();
    let error = collect(&model, ask("?")).await.1.unwrap();
    assert!(error.to_string().contains("longer than 100 bytes"), "{error}");
}

/// The reason to stop is the end; what was used may be missing.
#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let frames = hello();
    for count in 0..frames.len() - 2 {
        let (_, error) = answer(&frames[..count]).await;
        assert_eq!(error.unwrap().kind(), ErrorKind::Unavailable);
    }
    let (chunks, error) = answer(&frames[..frames.len() - 1]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(said(&chunks).text, "Hello");
    // A connection that drops in the middle, without the end of its last chunk.
    let head = frames[..2].concat();
    let dropped = Reply::open(EVENTS).chunk(&head).step(Step::Send(b"ff\r\nabc".to_vec()));
    let server = Server::start([dropped]).await;
    let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("broke off") && chunks.len() == 3, "{error} {chunks:?}");
}

/// Bytes without a whole event, and events that say nothing, are no life.
#[tokio::test]
async fn silence_ends_the_call_though_signs_of_life_keep_coming() {
    let sign = crate::support::chunked(&event("heartbeat", json!({})));
    let begun = crate::support::chunked(&hello()[..2].concat());
    for step in [Step::Hang, Step::Drip(sign, Duration::from_millis(40))] {
        let reply = Reply::open(EVENTS).step(Step::Send(begun.clone())).step(step);
        let mut server = Server::start([reply]).await;
        let model = builder(&server).data_timeout(Duration::from_millis(250)).build().unwrap();
        let (chunks, error) = collect(&model, ask("?")).await;
        let error = error.unwrap();
        assert_eq!((error.kind(), chunks.len()), (ErrorKind::Timeout, 3), "{error}");
        assert!(error.to_string().contains("`data_timeout`"), "{error}");
        server.client_closed().await;
    }
    let server = Server::start([Reply(vec![Step::Hang])]).await;
    let model = builder(&server).first_data_timeout(Duration::from_millis(200)).build().unwrap();
    let error = collect(&model, ask("?")).await.1.unwrap();
    assert!(error.to_string().contains("`first_data_timeout`"), "{error}");
}

#[tokio::test]
async fn cancelling_and_dropping_close_the_connection() {
    use futures_util::StreamExt as _;
    use ropewalk_core::Model as _;
    let hanging = || Reply::open(EVENTS).chunk(&hello()[..2].concat()).step(Step::Hang);
    let mut server = Server::start([hanging()]).await;
    let model = builder(&server).build().unwrap();
    let request = ask("?");
    let cancel = request.cancel.clone();
    let mut stream = model.stream(request);
    assert!(stream.next().await.unwrap().is_ok());
    cancel.cancel();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert!(stream.next().await.is_none());
    server.client_closed().await;

    let mut server = Server::start([hanging()]).await;
    let model = builder(&server).build().unwrap();
    let mut stream = model.stream(ask("?"));
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    server.client_closed().await;

    let server = Server::start([Reply(vec![Step::Hang])]).await;
    let model = builder(&server).build().unwrap();
    let request = ask("?");
    let cancel = request.cancel.clone();
    let (outcome, ()) = tokio::join!(collect(&model, request), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    });
    assert!(outcome.1.unwrap().is_cancelled());
}

fn blocked() -> Value {
    json!({"guardrail": {"inputAssessment": {"gr-1": {"topicPolicy": {"topics": [
        {"name": "money", "type": "DENY", "action": "BLOCKED", "detected": true}]}}}}})
}

async fn guarded(guardrail: BedrockGuardrail, reason: &str, trace: Option<Value>) -> Vec<Value> {
    let mut metadata = json!({"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1}});
    if let Some(trace) = trace {
        metadata["trace"] = trace;
    }
    let frames = [
        start(),
        delta(0, json!({"text": "No."})),
        stop(0),
        end(reason),
        event("metadata", metadata),
    ];
    let server = Server::start([reply(&frames)]).await;
    let model = builder(&server).guardrail(guardrail).build().unwrap();
    let (chunks, error) = collect(&model, ask("?")).await;
    assert!(error.is_none(), "{error:?}");
    let chunks = to_json(&chunks);
    chunks
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|chunk| chunk.get("redactContent").cloned())
        .collect()
}

#[tokio::test]
async fn what_a_guardrail_blocked_is_taken_back() {
    let guardrail = || BedrockGuardrail::new("gr-1", "1");
    let user = json!({"redactUserContentMessage": "[User input redacted.]"});
    let why = "guardrail_intervened";
    assert_eq!(guarded(guardrail(), why, Some(blocked())).await, vec![user.clone()]);
    // Without a trace the reason tells it.
    assert_eq!(guarded(guardrail(), why, None).await, [user]);
    let both = guardrail().redact_input("[Q]").redact_output("[A]");
    let expected = [
        json!({"redactUserContentMessage": "[Q]"}),
        json!({"redactAssistantContentMessage": "[A]"}),
    ];
    assert_eq!(guarded(both, why, Some(blocked())).await, expected);
    assert!(guarded(guardrail().keep_input(), why, Some(blocked())).await.is_empty());
    let found = json!({"guardrail": {"inputAssessment": {"gr-1": {"wordPolicy": {"customWords": [
        {"match": "x", "action": "NONE", "detected": true}, {"action": "BLOCKED", "detected": false}]}}}}});
    assert!(guarded(guardrail(), "end_turn", Some(found)).await.is_empty());
    assert!(guarded(guardrail(), "end_turn", None).await.is_empty());
}

#[test]
fn frames_may_be_cut_anywhere() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let frames = [
        start(),
        delta(0, json!({"text": "Grüezi, "})),
        delta(0, json!({"text": "wie gaht's?"})),
        stop(0),
        call(1, "t1", "look"),
        delta(1, json!({"toolUse": {"input": "{\"at\": \"Säntis\"}"}})),
        stop(1),
        end("tool_use"),
        usage(),
    ];
    let body = frames.concat();
    let whole = runtime.block_on(answer(&frames)).0;
    let config = proptest::test_runner::Config {
        cases: 40,
        failure_persistence: None,
        ..Default::default()
    };
    proptest!(config, |(cuts in proptest::collection::vec(0..body.len(), 0..24))| {
        let mut cuts = cuts;
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]);
        let cut = Reply::pieces(EVENTS, pieces);
        let (chunks, error) = runtime.block_on(async {
            let server = Server::start([cut]).await;
            collect(&builder(&server).build().unwrap(), ask("?")).await
        });
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(without_times(&chunks), without_times(&whole));
    });
}
