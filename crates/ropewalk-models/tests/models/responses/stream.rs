//! How answers are read.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt as _;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ropewalk_core::{
    ContentBlock, Error, MessageAssembler, Model as _, ModelChunk, ModelTurn, ReasoningContent,
    StopReason,
};
use serde_json::{Value, json};

use super::{
    about, added, builder, call, completed, created, done, ended, message, response, text,
};
use crate::support::{Reply, Server, Step, ask, chunked, collect, event, said};

async fn answer(events: &[String]) -> (Vec<ModelChunk>, Option<Error>) {
    let server = Server::start([Reply::sse(&events.concat())]).await;
    collect(&builder(&server).build().unwrap(), ask("?")).await
}

async fn turn(events: &[String]) -> ModelTurn {
    let (chunks, error) = answer(events).await;
    assert!(error.is_none(), "{error:?}");
    said(&chunks);
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assembler.finish().unwrap()
}

fn json_of(turn: &ModelTurn) -> Value {
    serde_json::to_value(&turn.message.content).unwrap()
}

#[tokio::test]
async fn text_thoughts_and_calls_become_blocks_in_order() {
    let item = |summary: Value| json!({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "x"});
    let piece = |part: u64, words: &str| {
        about("reasoning_summary_text.delta", 0, json!({"summary_index": part, "delta": words}))
    };
    let parts =
        json!([{"type": "summary_text", "text": "Hm."}, {"type": "summary_text", "text": "Ah."}]);
    let turn = turn(&[
        created(),
        added(0, item(json!([]))),
        piece(0, "H"),
        piece(0, "m."),
        about("reasoning_summary_part.added", 0, json!({"summary_index": 1})),
        piece(1, "Ah."),
        done(0, item(parts)),
        text(1, &["Let me ", "see."]),
        call(2, "a", &["{\"x\"", ": 1}"]),
        call(3, "b", &[]),
        completed(),
    ])
    .await;
    assert_eq!(turn.stop_reason, StopReason::ToolUse);
    let [thoughts, words, first, second] = &turn.message.content[..] else { panic!("{turn:?}") };
    let ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thoughts)) = thoughts else {
        panic!("{thoughts:?}")
    };
    assert_eq!(thoughts.text, "Hm.\n\nAh.");
    assert!(thoughts.signature.as_ref().unwrap().contains("rs_1"));
    assert_eq!(*words, ContentBlock::Text("Let me see.".into()));
    let inputs = [first, second].map(|block| serde_json::to_value(block).unwrap());
    assert_eq!(inputs[0]["toolUse"], json!({"toolUseId": "a", "name": "look", "input": {"x": 1}}));
    assert_eq!(inputs[1]["toolUse"], json!({"toolUseId": "b", "name": "look", "input": {}}));
    let usage = turn.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (11, 7, 18));
    assert_eq!(usage.cache_read_input_tokens, Some(4));
    assert_eq!(usage.reasoning_output_tokens, Some(3));
    let kept = turn.message.metadata.as_ref().and_then(|metadata| metadata.provider_fields());
    assert_eq!(kept, None, "an answer that the server does not keep");
}

/// Some servers send the last of an item only with its end, some only the end.
#[tokio::test]
async fn what_did_not_come_in_pieces_comes_with_the_whole() {
    let part = |kind: &str, fields: Value| about(kind, 0, fields);
    let halves = [
        added(0, json!({"type": "message", "content": []})),
        part("output_text.delta", json!({"content_index": 0, "delta": "Grü"})),
        done(0, message("Grüezi")),
        completed(),
    ];
    let of_part = [
        part("output_text.delta", json!({"content_index": 0, "delta": "Grü"})),
        part("output_text.done", json!({"content_index": 0, "text": "Grüezi"})),
        completed(),
    ];
    let only_whole = [done(0, message("Grüezi")), completed()];
    let only_last = [created(), ended("completed", json!({"output": [message("Grüezi")]}))];
    for events in [&halves[..], &of_part, &only_whole, &only_last] {
        assert_eq!(turn(events).await.message.text(), "Grüezi");
    }
    let arguments =
        json!({"type": "function_call", "call_id": "a", "name": "look", "arguments": {"x": 1}});
    let calls = turn(&[
        added(0, json!({"type": "function_call", "call_id": "a", "name": "look", "arguments": ""})),
        part("function_call_arguments.done", json!({"arguments": "{\"x\": 1}"})),
        done(0, arguments.clone()),
        // One without a beginning, and one without an id.
        done(
            1,
            json!({"type": "function_call", "call_id": "b", "name": "look", "arguments": "{}"}),
        ),
        done(2, json!({"type": "function_call", "name": "look", "arguments": "{}"})),
        completed(),
    ])
    .await;
    let calls: Vec<_> = calls.message.tool_uses().cloned().collect();
    assert_eq!((&calls[0].input, &*calls[1].tool_use_id), (&json!({"x": 1}), "b"));
    assert!(calls[2].tool_use_id.starts_with("call_"));
    let whole = response("completed", json!({"output": [message("Grüezi"), arguments]}));
    let server = Server::start([Reply::json(200, &[], &whole.to_string())]).await;
    let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
    assert!(error.is_none(), "{error:?}");
    let said = said(&chunks);
    assert_eq!(
        (said.text.as_str(), said.calls.len(), said.stop.as_str()),
        ("Grüezi", 1, "tool_use")
    );
}

#[tokio::test]
async fn refusals_are_texts_and_sources_on_the_web_citations() {
    let refused = turn(&[
        added(0, json!({"type": "message", "content": []})),
        about("refusal.delta", 0, json!({"content_index": 0, "delta": "I can't"})),
        done(
            0,
            json!({"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}),
        ),
        completed(),
    ])
    .await;
    assert_eq!(
        (refused.message.text().as_str(), refused.stop_reason),
        ("I can't.", StopReason::EndTurn)
    );

    let web = json!({"type": "url_citation", "url": "https://example.org/a?b", "title": "Säntis",
        "start_index": 0, "end_index": 4});
    let file =
        json!({"type": "file_citation", "file_id": "file_1", "filename": "plan.pdf", "index": 2});
    let part = json!([{"type": "output_text", "text": "High.", "annotations": [web, file]}]);
    let whole = json!({"type": "message", "content": part});
    let expected = json!([{"citationsContent": {
        "citations": [
            {"location": {"web": {"url": "https://example.org/a?b", "domain": "example.org"}},
                "title": "Säntis", "start_index": 0, "end_index": 4},
            {"title": "plan.pdf", "type": "file_citation", "file_id": "file_1", "filename": "plan.pdf", "index": 2},
        ],
        "content": [{"text": "High."}]}}]);
    let added_late = [
        about("output_text.delta", 0, json!({"content_index": 0, "delta": "High."})),
        about("output_text.annotation.added", 0, json!({"content_index": 0, "annotation": web})),
        done(0, whole.clone()),
        completed(),
    ];
    let only_whole = [done(0, whole), completed()];
    for events in [&added_late[..], &only_whole] {
        assert_eq!(json_of(&turn(events).await), expected);
    }
}

#[tokio::test]
async fn reasons_to_stop_are_translated_and_cut_off_calls_are_not_made() {
    let details = |reason: &str| json!({"incomplete_details": {"reason": reason}});
    for (reason, expected) in [
        ("max_output_tokens", StopReason::MaxTokens),
        ("content_filter", StopReason::ContentFiltered),
        ("boredom", StopReason::Other("boredom".into())),
    ] {
        let cut = added(1, json!({"type": "function_call", "call_id": "a", "name": "look"}))
            + &about("function_call_arguments.delta", 1, json!({"delta": "{\"x\": 1"}));
        let turn = turn(&[text(0, &["a"]), cut, ended("incomplete", details(reason))]).await;
        assert_eq!(turn.stop_reason, expected);
        assert_eq!(turn.message.tool_uses().count(), 0, "{turn:?}");
    }
}

/// What the server did by itself stays in the history in its place, and each text with its phase.
#[tokio::test]
async fn items_of_the_server_are_kept_as_they_came() {
    let searched = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "q"}});
    let phased = |phase: &str, words: &str| {
        let mut item = message(words);
        item["phase"] = phase.into();
        item
    };
    let turn = turn(&[
        done(0, phased("commentary", "Let me see.")),
        added(1, json!({"type": "web_search_call", "id": "ws_1", "status": "in_progress"})),
        event(json!({"type": "response.web_search_call.searching", "output_index": 1})),
        done(1, searched.clone()),
        done(2, json!({"type": "hologram", "angle": 7})),
        done(3, phased("final_answer", "High.")),
        event(json!({"type": "response.of_a_later_version", "delta": {"x": 1}})),
        completed(),
    ])
    .await;
    let own = |item: Value| json!({"openaiResponses": {"server": "127.0.0.1", "item": item}});
    let expected = json!([{"text": "Let me see."}, own(searched), own(json!({"type": "hologram", "angle": 7})), {"text": "High."}]);
    assert_eq!(json_of(&turn), expected);
    let kept = turn.message.metadata.unwrap().provider_fields().unwrap().clone();
    let phases = json!([{"at": 0, "phase": "commentary"}, {"at": 3, "phase": "final_answer"}]);
    assert_eq!(kept["openaiResponses"]["phases"], phases);
}

#[tokio::test]
async fn thoughts_of_open_models_are_read() {
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}]});
    let plain = [
        about("reasoning_text.delta", 0, json!({"content_index": 0, "delta": "Hm."})),
        // Of those who send both, one is taken.
        about("reasoning_summary_text.delta", 0, json!({"summary_index": 0, "delta": "H."})),
        done(0, item),
        text(1, &["a"]),
        completed(),
    ];
    let (chunks, _) = answer(&plain).await;
    assert_eq!((said(&chunks).reasoning.as_str(), said(&chunks).text.as_str()), ("Hm.", "a"));
}

#[tokio::test]
async fn signs_of_life_are_no_answer() {
    let pings = [
        event(json!({"type": "response.in_progress", "response": {}})),
        event(json!({"type": "keepalive"})),
        ": ping\n\n".to_owned(),
    ];
    for ping in pings {
        let reply =
            Reply::open("text/event-stream").chunk((created() + &text(0, &["a"])).as_bytes());
        let ping = Step::Drip(chunked(ping.as_bytes()), Duration::from_millis(20));
        let mut server = Server::start([reply.step(ping)]).await;
        let model = builder(&server).data_timeout(Duration::from_millis(200)).build().unwrap();
        let error = collect(&model, ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ropewalk_core::ErrorKind::Timeout, "{error}");
        server.client_closed().await;
    }
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let reply = Reply::open("text/event-stream").chunk((created() + &text(0, &["a"])).as_bytes());
    let ping = Step::Drip(chunked(b": ping\n\n"), Duration::from_millis(20));
    let mut server = Server::start([reply.step(ping)]).await;
    let model = builder(&server).build().unwrap();
    let mut stream = model.stream(ask("?"));
    stream.next().await.unwrap().unwrap();
    drop(stream);
    server.client_closed().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the events of several items come mixed, blocks never overlap and nothing is lost.
    #[test]
    fn mixed_items_lose_nothing(order in prop::collection::vec(0..4_usize, 0..40), kinds in prop::collection::vec(any::<bool>(), 4)) {
        let arguments = "{\"place\": \"Säntis\", \"times\": 3}";
        let mut queues: Vec<VecDeque<String>> = kinds
            .iter()
            .zip(0..)
            .map(|(is_call, at)| {
                let events = match is_call {
                    true => call(at, &format!("id{at}"), &[&arguments[..12], &arguments[12..]]),
                    false => text(at, &["High", "er."]),
                };
                events.split_inclusive("\n\n").map(str::to_owned).collect()
            })
            .collect();
        // What the random order leaves over comes at the end, item by item.
        let rest = (0..4).flat_map(|at| std::iter::repeat_n(at, 9));
        let mut events = vec![created()];
        events.extend(order.into_iter().chain(rest).filter_map(|at| queues[at].pop_front()));
        events.push(completed());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            let (chunks, error) = answer(&events).await;
            assert!(error.is_none(), "{error:?}");
            said(&chunks)
        });
        let calls = kinds.iter().filter(|is_call| **is_call).count();
        prop_assert_eq!(said.calls.len(), calls);
        prop_assert!(said.calls.iter().all(|call| call.2 == arguments));
        prop_assert_eq!(said.text, "Higher.".repeat(4 - calls));
    }
}
