//! How answers are read: the grammar of the stream, and where servers leave it.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use ropewalk_core::{
    BlockDelta, ContentBlock, ErrorKind, MessageAssembler, Model as _, ModelChunk, ModelTurn,
    StopReason,
};
use serde_json::{Value, json};

use super::{
    answer, block, builder, delta, done, end, ending, event, input, ping, replied, start, stream,
    text,
};
use crate::support::{Reply, Server, Step, ask, chunked, collect, said};

fn begin_text(index: u64) -> Value {
    block(index, json!({"type": "text", "text": ""}))
}

fn begin_call(index: u64, id: &str, name: &str) -> Value {
    block(index, json!({"type": "tool_use", "id": id, "name": name, "input": {}}))
}

async fn turn(events: &[Value]) -> ModelTurn {
    let (chunks, error) = answer(events).await;
    assert!(error.is_none(), "{error:?}");
    said(&chunks);
    assembled(&chunks)
}

fn assembled(chunks: &[ModelChunk]) -> ModelTurn {
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assembler.finish().unwrap()
}

fn content(turn: &ModelTurn) -> Value {
    serde_json::to_value(&turn.message.content).unwrap()
}

#[tokio::test]
async fn thoughts_text_and_calls_become_blocks_in_order() {
    let events = [
        start(),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        ping(),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "."})),
        delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
        end(0),
        block(1, json!({"type": "redacted_thinking", "data": "c2VhbGVk"})),
        end(1),
        begin_text(2),
        text(2, "Let me "),
        text(2, "see."),
        end(2),
        begin_call(3, "toolu_1", "look"),
        input(3, ""),
        input(3, "{\"x\""),
        input(3, ": 1}"),
        end(3),
        begin_call(4, "toolu_2", "wait"),
        end(4),
        ending("tool_use"),
        done(),
    ];
    let (chunks, error) = answer(&events).await;
    assert!(error.is_none(), "{error:?}");
    let said = said(&chunks);
    assert_eq!((said.reasoning.as_str(), said.signatures.as_str()), ("Hm.", "c2ln"));
    let turn = assembled(&chunks);
    let expected = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": ropewalk_core::Blob::from(b"sealed".to_vec())}},
        {"text": "Let me see."},
        {"toolUse": {"toolUseId": "toolu_1", "name": "look", "input": {"x": 1}}},
        {"toolUse": {"toolUseId": "toolu_2", "name": "wait", "input": {}}},
    ]);
    assert_eq!(content(&turn), expected);
    assert_eq!((turn.stop_reason, turn.malformed), (StopReason::ToolUse, vec![]));
}

#[tokio::test]
async fn what_was_used_is_told_with_the_cache_beside_the_input() {
    let (chunks, _) = answer(&[start(), begin_text(0), end(0), ending("end_turn"), done()]).await;
    let usage = said(&chunks).usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (9, 40, 369));
    assert_eq!(
        (usage.cache_read_input_tokens, usage.cache_write_input_tokens),
        (Some(300), Some(20))
    );
    let Some(ModelChunk::Metadata(metadata)) = chunks.last() else { panic!("{chunks:?}") };
    assert!(metadata.metrics.time_to_first_byte_ms.unwrap() <= metadata.metrics.latency_ms);
    assert_eq!(metadata.extra["anthropic"]["usage"]["service_tier"], "standard");
    assert_eq!(metadata.extra["anthropic"]["model"], "claude-sonnet-4-5-20250929");
    // The last word counts, and numbers that can't be read count as not told.
    let last = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
        "usage": {"input_tokens": 12, "cache_read_input_tokens": null, "output_tokens": "many",
            "output_tokens_details": {"thinking_tokens": 7}}});
    let (chunks, error) = answer(&[start(), last, done()]).await;
    assert!(error.is_none(), "{error:?}");
    let usage = said(&chunks).usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (12, 0, 332));
    assert_eq!(usage.reasoning_output_tokens, Some(7));
}

#[tokio::test]
async fn reasons_to_stop_are_translated_and_strange_ones_kept() {
    for (told, expected) in [
        ("end_turn", StopReason::EndTurn),
        ("max_tokens", StopReason::MaxTokens),
        ("stop_sequence", StopReason::StopSequence),
        ("refusal", StopReason::ContentFiltered),
        ("model_context_window_exceeded", StopReason::MaxTokens),
        ("pause_turn", StopReason::Other("pause_turn".into())),
        ("boredom", StopReason::Other("boredom".into())),
    ] {
        let turn =
            turn(&[start(), begin_text(0), text(0, "a"), end(0), ending(told), done()]).await;
        assert_eq!(turn.stop_reason, expected, "{told}");
    }
    let ending = json!({"type": "message_delta", "delta": {"stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "cyber"}, "stop_sequence": null}});
    let (chunks, _) = answer(&[start(), ending, done()]).await;
    let stop = chunks.iter().find_map(|chunk| match chunk {
        ModelChunk::MessageStop(stop) => stop.additional_model_response_fields.clone(),
        _ => None,
    });
    let expected = json!({"stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "cyber"}});
    assert_eq!(stop.unwrap(), expected);
}

#[tokio::test]
async fn sources_stand_with_the_text_that_they_support() {
    let cite = |told: Value| delta(0, json!({"type": "citations_delta", "citation": told}));
    let turn = turn(&[
        start(),
        block(0, json!({"type": "text", "text": "", "citations": []})),
        cite(json!({"type": "page_location", "cited_text": "High.", "document_index": 0,
            "document_title": "Säntis", "start_page_number": 1, "end_page_number": 2, "file_id": null})),
        text(0, "It is high."),
        cite(json!({"type": "web_search_result_location", "cited_text": "Very.", "title": "S",
            "url": "https://example.org", "encrypted_index": "abc"})),
        cite(json!({"type": "from_a_dream", "cited_text": "Hm."})),
        end(0),
        ending("end_turn"),
        done(),
    ])
    .await;
    let expected = json!([{"citationsContent": {
        "content": [{"text": "It is high."}],
        "citations": [
            {"location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
                "sourceContent": [{"text": "High."}], "title": "Säntis"},
            {"location": {"web": {"url": "https://example.org"}}, "sourceContent": [{"text": "Very."}],
                "title": "S", "encrypted_index": "abc"},
            {"location": {"anthropic": {"type": "from_a_dream", "cited_text": "Hm."}},
                "sourceContent": [{"text": "Hm."}]},
        ],
    }}]);
    assert_eq!(content(&turn), expected);
}

#[tokio::test]
async fn what_runs_at_the_provider_is_kept_in_its_own_form() {
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "https://example.org"}]});
    let events = [
        start(),
        block(
            0,
            json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
        ),
        input(0, "{\"query\": \"Sän"),
        input(0, "tis\"}"),
        end(0),
        block(1, found.clone()),
        end(1),
        block(2, json!({"type": "compaction", "content": null})),
        delta(2, json!({"type": "compaction_delta", "content": "So "})),
        delta(2, json!({"type": "compaction_delta", "content": "far."})),
        end(2),
        begin_text(3),
        text(3, "High."),
        end(3),
        ending("end_turn"),
        done(),
    ];
    let turn = turn(&events).await;
    let expected = json!([
        {"anthropic": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
            "input": {"query": "Säntis"}}},
        {"anthropic": found},
        {"anthropic": {"type": "compaction", "content": "So far."}},
        {"text": "High."},
    ]);
    assert_eq!(content(&turn), expected);
    // As a replayed answer and as JSON they are the same.
    let chunks = ModelChunk::from_message(&turn.message, StopReason::EndTurn, turn.usage);
    assert_eq!(assembled(&chunks).message.content, turn.message.content);
    let stored = serde_json::to_string(&turn.message.content).unwrap();
    assert_eq!(serde_json::from_str::<Vec<ContentBlock>>(&stored).unwrap(), turn.message.content);
}

#[tokio::test]
async fn an_answer_in_one_piece_is_understood() {
    let whole = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "c2VhbGVk"},
            {"type": "text", "text": "Grüezi", "citations": [{"type": "char_location", "cited_text": "a",
                "document_index": 0, "document_title": null, "start_char_index": 0, "end_char_index": 1}]},
            {"type": "tool_use", "id": "a", "name": "look", "input": {"x": 1}},
            {"type": "tool_use", "id": "b", "name": "look", "input": {}}],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 2}});
    for reply in [
        Reply::json(200, &[], &whole.to_string()),
        Reply::pieces("text/event-stream", [b"\n \r\n" as &[u8], whole.to_string().as_bytes()]),
    ] {
        let (chunks, error) = replied(reply).await;
        assert!(error.is_none(), "{error:?}");
        let said = said(&chunks);
        assert_eq!((said.reasoning.as_str(), said.text.as_str()), ("Hm.", "Grüezi"));
        assert_eq!((said.sealed.as_slice(), said.sources.len()), (b"sealed" as &[u8], 1));
        let inputs: Vec<&str> = said.calls.iter().map(|call| call.2.as_str()).collect();
        assert_eq!((inputs, said.usage.total_tokens), (vec!["{\"x\":1}", ""], 3));
    }
}

#[tokio::test]
async fn arguments_that_are_no_json_arrive_as_they_came() {
    let events = [
        start(),
        begin_call(0, "a", "look"),
        input(0, "{\"at\": \"Sän"),
        end(0),
        ending("tool_use"),
        done(),
    ];
    let turn = turn(&events).await;
    assert_eq!(turn.malformed.len(), 1);
    assert_eq!(turn.malformed[0].raw, "{\"at\": \"Sän");
    // Servers that send the arguments with the beginning send no pieces.
    let begin = block(0, json!({"type": "tool_use", "id": "a", "name": "look", "input": {"x": 1}}));
    let events = [start(), begin.clone(), end(0), ending("tool_use"), done()];
    let (chunks, _) = answer(&events).await;
    assert_eq!(said(&chunks).calls[0].2, "{\"x\":1}");
    let events = [start(), begin, input(0, "{\"x\":2}"), end(0), ending("end_turn"), done()];
    let (chunks, _) = answer(&events).await;
    assert_eq!(
        (said(&chunks).calls[0].2.as_str(), said(&chunks).stop.as_str()),
        ("{\"x\":2}", "tool_use")
    );
}

#[tokio::test]
async fn gaps_and_strange_events_do_no_harm() {
    let strange = json!({"type": "weather", "delta": {"type": "rain"}, "index": 0});
    let turn = turn(&[
        // Nothing announced, and no block closed.
        text(0, "a"),
        strange,
        json!({"type": "weather", "delta": "sunny", "index": "north"}),
        delta(0, json!({"type": "rain_delta", "drops": 3})),
        delta(1, json!({"type": "thinking_delta", "thinking": "b"})),
        begin_text(2),
        text(2, "c"),
        end(7),
        ending("end_turn"),
        done(),
    ])
    .await;
    let expected = json!([{"text": "a"}, {"reasoningContent": {"reasoningText": {"text": "b"}}},
        {"text": "c"}]);
    assert_eq!(content(&turn), expected);
}

#[tokio::test]
async fn an_end_without_the_mark_is_taken_if_there_was_a_reason_to_stop() {
    let before = [start(), begin_text(0), text(0, "a"), end(0)];
    let (_, error) = answer(&[&before[..], &[ending("end_turn")]].concat()).await;
    assert!(error.is_none(), "{error:?}");
    let (chunks, error) = answer(&[&before[..], &[done()]].concat()).await;
    assert!(error.is_none() && said(&chunks).stop == "end_turn");
    let gateway = stream(&before) + &event(&ending("end_turn")) + "event: data\ndata: [DONE]\n\n";
    assert!(replied(Reply::sse(&gateway)).await.1.is_none());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let begun = stream(&[start(), begin_text(0), text(0, "a")]);
    for reply in [
        Reply::sse(&begun),
        Reply::sse(""),
        Reply::sse(&event(&ping())),
        Reply::sse(&event(&done())),
        Reply::open("text/event-stream").chunk(begun.as_bytes()),
        Reply(vec![]),
    ] {
        let (chunks, error) = replied(reply.clone()).await;
        let error = error.unwrap_or_else(|| panic!("{reply:?} gave {chunks:?}"));
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{reply:?}: {error}");
        assert!(!chunks.iter().any(|chunk| matches!(chunk, ModelChunk::MessageStop(_))));
    }
}

#[tokio::test]
async fn silence_ends_the_call_though_pings_keep_coming() {
    let pings = || Step::Drip(chunked(event(&ping()).as_bytes()), Duration::from_millis(20));
    let begun = stream(&[start(), begin_text(0), text(0, "a")]);
    for reply in [
        Reply::open("text/event-stream").step(pings()),
        Reply::open("text/event-stream").chunk(begun.as_bytes()).step(pings()),
    ] {
        let mut server = Server::start([reply]).await;
        let model = builder(&server).data_timeout(Duration::from_millis(200)).build().unwrap();
        let began = Instant::now();
        let error = collect(&model, ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(began.elapsed() < Duration::from_secs(10));
        server.client_closed().await;
    }
}

#[tokio::test]
async fn dropping_the_stream_in_the_middle_closes_the_connection() {
    let begun = stream(&[start(), begin_text(0), text(0, "first")]);
    let reply = Reply::open("text/event-stream").chunk(begun.as_bytes()).step(Step::Hang);
    let mut server = Server::start([reply]).await;
    let model = builder(&server).build().unwrap();
    let mut chunks = model.stream(ask("?"));
    loop {
        let chunk = chunks.next().await.unwrap().unwrap();
        if let ModelChunk::ContentBlockDelta(block) = chunk {
            assert_eq!(block.delta, BlockDelta::Text("first".into()));
            break;
        }
    }
    drop(chunks);
    server.client_closed().await;
}
