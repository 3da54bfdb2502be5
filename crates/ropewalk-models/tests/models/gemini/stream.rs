//! How answers are read.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use pretty_assertions::assert_eq;
use ropewalk_core::{
    BlockDelta, Error, ErrorKind, MessageAssembler, Model as _, ModelChunk, ReasoningContent,
};
use serde_json::{Value, json};

use super::{builder, finish, parts};
use crate::support::{Reply, Server, Step, ask, chunked, collect, event, said};

async fn answer(events: &[String]) -> (Vec<ModelChunk>, Option<Error>) {
    let server = Server::start([Reply::sse(&events.concat())]).await;
    collect(&builder(&server).build().unwrap(), ask("?")).await
}

async fn whole(events: &[String]) -> Vec<ModelChunk> {
    let (chunks, error) = answer(events).await;
    assert!(error.is_none(), "{error:?}");
    chunks
}

/// The content of the message that an answer becomes, as JSON.
fn content(chunks: &[ModelChunk]) -> Value {
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    serde_json::to_value(assembler.finish().unwrap().message.content).unwrap()
}

#[tokio::test]
async fn thoughts_texts_and_calls_become_blocks_with_their_signatures() {
    let chunks = whole(&[
        parts(json!([{"text": "Hm", "thought": true}])),
        parts(json!([{"text": ".", "thought": true}])),
        parts(json!([{"text": "Let me ", "thoughtSignature": "c2ln"}, {"text": "see."}])),
        parts(json!([
            {"functionCall": {"name": "look", "args": {"x": 1}, "id": "a"}, "thoughtSignature": "Y2FsbA=="},
            {"functionCall": {"name": "wait"}},
        ])),
        finish("STOP"),
    ])
    .await;
    let mut content = content(&chunks);
    let made_up = content[3]["toolUse"]["toolUseId"].take();
    assert!(made_up.as_str().unwrap().starts_with("call_"), "{made_up}");
    let expected = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "gemini:c2ln"}}},
        {"text": "Let me see."},
        {"toolUse": {"toolUseId": "a", "name": "look", "input": {"x": 1}, "reasoningSignature": "Y2FsbA=="}},
        {"toolUse": {"toolUseId": null, "name": "wait", "input": {}}},
    ]);
    assert_eq!(content, expected);
    assert_eq!(said(&chunks).stop, "tool_use");
}

/// A signature in the middle of a text, or behind it, does not cut it in two.
#[tokio::test]
async fn a_signature_does_not_cut_a_text() {
    let events = [
        parts(json!([{"text": "One "}])),
        parts(json!([{"text": "sentence", "thoughtSignature": "YQ=="}])),
        parts(json!([{"text": "."}])),
        parts(json!([{"text": "", "thoughtSignature": "Yg=="}])),
        finish("STOP"),
    ];
    let signed = |signature: &str| json!({"reasoningContent": {"reasoningText": {"text": "", "signature": signature}}});
    let expected = json!([{"text": "One sentence."}, signed("gemini:YQ=="), signed("gemini:Yg==")]);
    assert_eq!(content(&whole(&events).await), expected);
}

#[tokio::test]
async fn sources_become_citations_and_metadata_are_kept() {
    let grounding = json!({
        "webSearchQueries": ["height"],
        "groundingChunks": [
            {"web": {"uri": "https://example.org/a", "title": "Alps", "domain": "example.org"}},
            {"web": {"uri": "https://example.org/b"}},
            {"retrievedContext": {"title": "Notes", "text": "…"}},
            {"odd": 7},
        ],
        "groundingSupports": [
            {"segment": {"text": "2,502 m"}, "groundingChunkIndices": [0, 2]},
            {"segment": {"text": "high"}, "groundingChunkIndices": [0]},
        ],
    });
    let last = json!({"candidates": [{"content": {"parts": [{"text": "high."}, {"text": "", "thoughtSignature": "YQ=="}]},
        "finishReason": "STOP", "groundingMetadata": grounding, "safetyRatings": []}],
        "usageMetadata": {"promptTokenCount": 1}, "modelVersion": "gemini-x", "responseId": "r"});
    let chunks = whole(&[
        parts(json!([{"text": "2,502 m "}])),
        // Told early, and told again.
        event(json!({"candidates": [{"groundingMetadata": {"groundingChunks": [grounding["groundingChunks"][0]]}}]})),
        event(last),
    ])
    .await;
    let expected = [
        json!({"location": {"web": {"url": "https://example.org/a", "domain": "example.org"}}, "title": "Alps"}),
        json!({"location": {"web": {"url": "https://example.org/b"}}}),
        json!({"title": "Notes", "sourceContent": [{"text": "2,502 m"}]}),
    ];
    assert_eq!(said(&chunks).sources, expected);
    assert_eq!(content(&chunks)[0]["citationsContent"]["content"][0]["text"], "2,502 m high.");
    let fields = chunks.iter().find_map(|chunk| match chunk {
        ModelChunk::MessageStop(stop) => stop.additional_model_response_fields.clone(),
        _ => None,
    });
    assert_eq!(fields.unwrap(), json!({"groundingMetadata": grounding, "safetyRatings": []}));
    let Some(ModelChunk::Metadata(metadata)) = chunks.last() else { panic!("{chunks:?}") };
    assert_eq!(
        (&metadata.extra["modelVersion"], &metadata.extra["responseId"]),
        (&json!("gemini-x"), &json!("r"))
    );
}

#[tokio::test]
async fn code_that_was_run_is_a_block_of_its_own_between_texts() {
    let code = json!({"executableCode": {"language": "PYTHON", "code": "print(1)"}});
    let gave = json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}});
    let chunks =
        whole(&[parts(json!([{"text": "So:"}, code, gave, {"text": "One."}])), finish("STOP")])
            .await;
    assert_eq!(said(&chunks).own, [json!({"gemini": code}), json!({"gemini": gave})]);
    let texts = |content: Value| {
        let blocks = content.as_array().unwrap().iter();
        blocks.filter_map(|block| block["text"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(texts(content(&chunks)), ["So:", "One."]);
}

#[tokio::test]
async fn usage_counts_thoughts_and_what_tools_at_google_gave() {
    let usage = json!({"promptTokenCount": 100, "candidatesTokenCount": 7, "thoughtsTokenCount": 5,
        "toolUsePromptTokenCount": 20, "cachedContentTokenCount": 64, "totalTokenCount": 132});
    let chunks = whole(&[
        event(json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}], "usageMetadata": {"promptTokenCount": 1}})),
        event(json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": usage})),
    ])
    .await;
    let usage = said(&chunks).usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (120, 12, 132));
    assert_eq!(usage.cache_read_input_tokens, Some(64));
    assert_eq!(usage.reasoning_output_tokens, Some(5));
    let Some(ModelChunk::Metadata(metadata)) = chunks.last() else { panic!("{chunks:?}") };
    assert_eq!(metadata.extra["usageMetadata"]["thoughtsTokenCount"], 5);
}

#[tokio::test]
async fn reasons_to_stop_are_translated_and_strange_ones_kept() {
    for (reason, stop) in [
        ("STOP", "end_turn"),
        ("FUNCTION_CALL", "end_turn"),
        ("MAX_TOKENS", "max_tokens"),
        ("SAFETY", "guardrail_intervened"),
        ("BLOCKLIST", "guardrail_intervened"),
        ("PROHIBITED_CONTENT", "guardrail_intervened"),
        ("SPII", "guardrail_intervened"),
        ("RECITATION", "content_filtered"),
        ("LANGUAGE", "content_filtered"),
        ("OTHER", "OTHER"),
        ("TOO_MANY_TOOL_CALLS", "TOO_MANY_TOOL_CALLS"),
    ] {
        let chunks = whole(&[parts(json!([{"text": "a"}])), finish(reason)]).await;
        assert_eq!(said(&chunks).stop, stop, "{reason}");
    }
    // More may come after a reason, and the last one counts.
    let chunks = whole(&[
        finish("STOP"),
        parts(json!([{"functionCall": {"name": "look", "args": {}}}])),
        finish("FUNCTION_CALL"),
    ])
    .await;
    assert_eq!(said(&chunks).stop, "tool_use");
}

#[tokio::test]
async fn what_the_model_could_not_say_is_an_error() {
    for (reason, kind) in [
        ("MALFORMED_FUNCTION_CALL", ErrorKind::Unavailable),
        ("UNEXPECTED_TOOL_CALL", ErrorKind::Unavailable),
        ("MISSING_THOUGHT_SIGNATURE", ErrorKind::InvalidRequest),
    ] {
        let last =
            json!({"candidates": [{"finishReason": reason, "finishMessage": "call:look{x"}]});
        let error = answer(&[event(last)]).await.1.unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("call:look{x"), "{error}");
    }
}

#[tokio::test]
async fn a_prompt_that_is_blocked_ends_the_turn() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}});
    let one_piece = Server::start([Reply::json(200, &[], &blocked.to_string())]).await;
    let (in_one_piece, error) = collect(&builder(&one_piece).build().unwrap(), ask("?")).await;
    assert!(error.is_none(), "{error:?}");
    for chunks in [whole(&[event(blocked.clone())]).await, in_one_piece] {
        let said = said(&chunks);
        assert_eq!((said.text.as_str(), said.stop.as_str()), ("", "guardrail_intervened"));
        assert_eq!(said.usage.input_tokens, 9);
    }
    // Feedback alone blocks nothing.
    let rated = json!({"promptFeedback": {"safetyRatings": []}});
    let chunks = whole(&[event(rated), parts(json!([{"text": "a"}])), finish("STOP")]).await;
    assert_eq!(said(&chunks).stop, "end_turn");
}

#[tokio::test]
async fn answers_in_one_piece_or_as_a_list_are_understood() {
    let one = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}]});
    let two =
        json!({"candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}]});
    for (body, text) in [(two.clone(), "b"), (json!([one, two]), "ab"), (one.clone(), "a")] {
        let server = Server::start([Reply::json(200, &[], &body.to_string())]).await;
        let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(said(&chunks).text, text);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    for body in ["{}", "[7]", "{\"candidates\": []}", "{\"candidates\": [", "<html>no</html>"] {
        let server = Server::start([Reply::json(200, &[], body)]).await;
        let error = collect(&builder(&server).build().unwrap(), ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}: {error}");
    }
    for data in ["data: {\"candidates\": [\n\n", "data: 7\n\n"] {
        let error = answer(&[data.into()]).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
    let piece = json!([{"functionCall": {"name": "look", "partialArgs": [{"jsonPath": "$.x"}], "willContinue": true}}]);
    let error = answer(&[parts(piece)]).await.1.unwrap();
    assert!(error.to_string().contains("streamFunctionCallArguments"), "{error}");
}

/// Odd shapes do no harm, and answers beside the first are not mixed into it.
#[tokio::test]
async fn strange_events_are_passed_over() {
    let strange = [
        json!({"candidates": null}),
        json!({"candidates": [7, null]}),
        json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "other"}]}, "finishReason": "SAFETY"}]}),
        json!({"candidates": [{"content": {"parts": [null, 7]}, "finishReason": null}]}),
        json!({"candidates": [{"content": null, "finishReason": "FINISH_REASON_UNSPECIFIED"}]}),
        json!({"usageMetadata": "many", "hologram": {"angle": 7}}),
        json!({"error": null}),
    ];
    let mut events: Vec<String> = strange.into_iter().map(event).collect();
    events.extend([parts(json!([{"text": "a"}])), finish("STOP")]);
    let said = said(&whole(&events).await);
    assert_eq!((said.text.as_str(), said.stop.as_str()), ("a", "end_turn"));
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it_after_what_came_before() {
    for (error, kind) in [
        (
            json!({"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow", "details": [{"retryDelay": "3s"}]}),
            ErrorKind::Throttled,
        ),
        (
            json!({"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}),
            ErrorKind::Unavailable,
        ),
        (json!({"status": "RESOURCE_EXHAUSTED", "message": "slow"}), ErrorKind::Throttled),
        (json!({"status": "INTERNAL", "message": "broke"}), ErrorKind::Unavailable),
    ] {
        let (chunks, error) =
            answer(&[parts(json!([{"text": "a"}])), event(json!({"error": error}))]).await;
        assert_eq!(chunks.len(), 3, "{chunks:?}");
        let error = error.unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.retry_after().is_some(), error.to_string().contains("429"), "{error:?}");
    }
}

#[tokio::test]
async fn silence_ends_the_call_though_beats_keep_coming() {
    for beat in [
        ": ping\n\n".to_owned(),
        event(json!({"usageMetadata": {"promptTokenCount": 1}})),
        parts(json!([{"text": ""}])),
    ] {
        let reply = Reply::open("text/event-stream")
            .chunk(parts(json!([{"text": "a"}])).as_bytes())
            .step(Step::Drip(chunked(beat.as_bytes()), Duration::from_millis(40)));
        let server = Server::start([reply]).await;
        let model = builder(&server).data_timeout(Duration::from_millis(300)).build().unwrap();
        let began = Instant::now();
        let (_, error) = collect(&model, ask("?")).await;
        assert_eq!(error.unwrap().kind(), ErrorKind::Timeout);
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let reply = Reply::open("text/event-stream").chunk(parts(json!([{"text": "a"}])).as_bytes());
    let mut server = Server::start([reply.step(Step::Hang)]).await;
    let model = builder(&server).build().unwrap();
    let mut stream = model.stream(ask("?"));
    while let Some(chunk) = stream.next().await {
        if let ModelChunk::ContentBlockDelta(block) = chunk.unwrap() {
            assert_eq!(block.delta, BlockDelta::Text("a".into()));
            break;
        }
    }
    drop(stream);
    server.client_closed().await;
}

/// What comes of an answer goes back as it came.
#[tokio::test]
async fn an_answer_goes_back_as_it_came() {
    let came = json!([
        {"text": "Hm.", "thought": true},
        {"text": "So.", "thoughtSignature": "YQ=="},
        {"functionCall": {"id": "a", "name": "look", "args": {"x": 1}}, "thoughtSignature": "Yg=="},
    ]);
    let server = Server::start([
        Reply::sse(&(parts(came.clone()) + &finish("STOP"))),
        Reply::sse(&(parts(json!([{"text": "b"}])) + &finish("STOP"))),
    ])
    .await;
    let model = builder(&server).build().unwrap();
    let mut request = ask("?");
    let (chunks, _) = collect(&model, request.clone()).await;
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    let turn = assembler.finish().unwrap();
    assert!(matches!(
        turn.message.content[0],
        ropewalk_core::ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(_))
    ));
    let result = ropewalk_core::ToolResult::success("a", "seen");
    request.messages.push_tool_turn(turn.message, vec![result]).unwrap();
    collect(&model, request).await;
    assert_eq!(server.seen()[1].body["contents"][1]["parts"], came);
}
