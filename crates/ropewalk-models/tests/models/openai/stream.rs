//! How answers are read: orders, gaps, breaks and silence that servers are known for.

use std::time::{Duration, Instant};

use crate::support::{DONE, Reply, Server, Step, ask, collect, delta, event, finish, said};
use futures_util::StreamExt;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ropewalk_core::{ErrorKind, Model, ModelChunk};
use serde_json::{Value, json};

async fn answer(events: &[String]) -> (Vec<ModelChunk>, Option<ropewalk_core::Error>) {
    let server = Server::start([Reply::sse(&events.concat())]).await;
    collect(&server.model(), ask("?")).await
}

/// What chunks say, each in a word or two.
fn words(chunks: &[ModelChunk]) -> Vec<String> {
    let words = chunks.iter().map(|chunk| match serde_json::to_value(chunk).unwrap() {
        Value::Object(map) => match map.into_iter().next().unwrap() {
            (key, value) if key == "contentBlockDelta" => {
                let delta = &value["delta"];
                let text = [
                    &delta["text"],
                    &delta["toolUse"]["input"],
                    &delta["reasoningContent"]["text"],
                ];
                text.into_iter().find_map(|text| text.as_str()).unwrap().to_owned()
            }
            (key, value) if key == "contentBlockStart" => {
                match &value["start"]["toolUse"]["name"] {
                    Value::String(name) => format!("<{name}>"),
                    _ => "<>".to_owned(),
                }
            }
            (key, _) if key == "contentBlockStop" => "</>".to_owned(),
            (key, _) => key,
        },
        _ => unreachable!(),
    });
    words.collect()
}

fn call(index: u64, id: &str, name: &str, arguments: &str) -> String {
    delta(json!({"tool_calls": [{"index": index, "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}}]}))
}

fn more(index: u64, arguments: &str) -> String {
    delta(json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}))
}

#[tokio::test]
async fn text_thoughts_and_calls_become_blocks_in_order() {
    let (chunks, error) = answer(&[
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"reasoning_content": "Hm", "reasoning": "Hm"})),
        delta(json!({"reasoning": "."})),
        delta(json!({"content": "Let me "})),
        delta(json!({"content": "see."})),
        call(0, "a", "look", ""),
        more(0, "{\"x\""),
        more(0, ": 1}"),
        finish("tool_calls"),
        event(json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4,
            "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 5}}})),
        DONE.into(),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    let expected = [
        "messageStart",
        "<>",
        "Hm",
        ".",
        "</>",
        "<>",
        "Let me ",
        "see.",
        "</>",
        "<look>",
        "{\"x\"",
        ": 1}",
        "</>",
        "messageStop",
        "metadata",
    ];
    assert_eq!(words(&chunks), expected);
    let said = said(&chunks);
    assert_eq!(said.stop, "tool_use");
    assert_eq!((said.usage.input_tokens, said.usage.output_tokens), (9, 4));
    assert_eq!((said.usage.total_tokens, said.usage.cache_read_input_tokens), (13, Some(5)));
    let Some(ModelChunk::Metadata(metadata)) = chunks.last() else { panic!("{chunks:?}") };
    let first = metadata.metrics.time_to_first_byte_ms.unwrap();
    assert!(first <= metadata.metrics.latency_ms);
}

#[tokio::test]
async fn calls_that_come_mixed_become_blocks_one_after_the_other() {
    let (chunks, error) = answer(&[
        call(0, "a", "one", "{\"x\""),
        call(1, "b", "two", "{\"y\""),
        call(2, "c", "three", ""),
        more(0, ": [1"),
        more(1, ": 2}"),
        delta(json!({"content": "Meanwhile"})),
        more(0, "]}"),
        more(2, "{}"),
        finish("tool_calls"),
        DONE.into(),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    let expected = [
        "messageStart",
        "<one>",
        "{\"x\"",
        ": [1",
        "]}",
        "</>",
        "<two>",
        "{\"y\": 2}",
        "</>",
        "<three>",
        "{}",
        "</>",
        "<>",
        "Meanwhile",
        "</>",
        "messageStop",
        "metadata",
    ];
    assert_eq!(words(&chunks), expected);
}

#[tokio::test]
async fn calls_are_told_apart_on_servers_that_number_them_badly() {
    let same = answer(&[
        call(0, "a", "one", "{}"),
        call(0, "b", "two", "{\"y\": "),
        more(0, "2}"),
        finish("stop"),
        DONE.into(),
    ])
    .await;
    let unnumbered = |id: &str, name: &str, arguments: Value| {
        delta(
            json!({"tool_calls": [{"id": id, "function": {"name": name, "arguments": arguments}}]}),
        )
    };
    let none = answer(&[
        unnumbered("a", "one", json!({})),
        unnumbered("b", "two", json!("{\"y\": ")),
        unnumbered("", "", json!("2}")),
        finish("tool_calls"),
        DONE.into(),
    ])
    .await;
    for (chunks, error) in [same, none] {
        assert!(error.is_none(), "{error:?}");
        let said = said(&chunks);
        let call =
            |id: &str, name: &str, input: &str| (id.to_owned(), name.to_owned(), input.to_owned());
        assert_eq!(said.calls, [call("a", "one", "{}"), call("b", "two", "{\"y\": 2}")]);
        assert_eq!(said.stop, "tool_use");
    }
}

#[tokio::test]
async fn calls_without_an_id_get_one_of_their_own() {
    for missing in [json!(null), json!(""), json!("null")] {
        let both = json!({"tool_calls": [
            {"index": 0, "id": missing, "function": {"name": "one", "arguments": "{}"}},
            {"index": 1, "id": missing, "function": {"name": "one", "arguments": null}},
        ]});
        let (chunks, error) = answer(&[delta(both), finish("tool_calls"), DONE.into()]).await;
        assert!(error.is_none(), "{error:?}");
        let calls = said(&chunks).calls;
        assert_eq!(calls.len(), 2);
        assert!(calls.iter().all(|call| call.0.starts_with("call_")), "{calls:?}");
        assert_ne!(calls[0].0, calls[1].0);
    }
}

#[tokio::test]
async fn arguments_after_the_end_of_a_call_are_an_error() {
    let (_, error) = answer(&[
        call(0, "a", "one", "{}"),
        call(1, "b", "two", "{}"),
        more(0, "{\"again\": 1}"),
        finish("tool_calls"),
        DONE.into(),
    ])
    .await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("`one`"), "{error}");
}

#[tokio::test]
async fn reasons_to_stop_are_translated_and_strange_ones_kept() {
    for (reason, expected) in [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("model_length", "max_tokens"),
        ("content_filter", "content_filtered"),
        ("stop_sequence", "stop_sequence"),
        ("boredom", "boredom"),
    ] {
        let (chunks, error) =
            answer(&[delta(json!({"content": "a"})), finish(reason), DONE.into()]).await;
        assert!(error.is_none());
        assert_eq!(said(&chunks).stop, expected);
    }
    for reason in ["error", "insufficient_system_resource"] {
        let (_, error) =
            answer(&[delta(json!({"content": "a"})), finish(reason), DONE.into()]).await;
        assert_eq!(error.unwrap().kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_and_parts_in_lists_are_understood() {
    let whole = json!({"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": "Grüezi"}]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    for reply in [
        Reply::json(200, &[], &whole.to_string()),
        Reply::pieces("text/event-stream", [b"\n \r\n" as &[u8], whole.to_string().as_bytes()]),
        Reply::sse(&event(whole.clone())),
    ] {
        let server = Server::start([reply]).await;
        let (chunks, error) = collect(&server.model(), ask("?")).await;
        assert!(error.is_none(), "{error:?}");
        let said = said(&chunks);
        assert_eq!((said.reasoning.as_str(), said.text.as_str()), ("Hm.", "Grüezi"));
        assert_eq!(said.usage.total_tokens, 3);
    }
}

#[tokio::test]
async fn a_refusal_is_text_and_an_old_function_call_a_call() {
    let (chunks, _) =
        answer(&[delta(json!({"refusal": "I can't"})), finish("stop"), DONE.into()]).await;
    assert_eq!(said(&chunks).text, "I can't");
    let old = |name: Value, arguments: &str| {
        delta(json!({"function_call": {"name": name, "arguments": arguments}}))
    };
    let (chunks, error) = answer(&[
        old(json!("one"), ""),
        old(json!(null), "{}"),
        finish("function_call"),
        DONE.into(),
    ])
    .await;
    assert!(error.is_none(), "{error:?}");
    let said = said(&chunks);
    assert_eq!((said.calls[0].1.as_str(), said.calls[0].2.as_str()), ("one", "{}"));
    assert_eq!(said.stop, "tool_use");
}

#[tokio::test]
async fn an_end_without_the_mark_is_taken_if_there_was_a_reason_to_stop() {
    let text = delta(json!({"content": "a"}));
    let (chunks, error) = answer(&[text.clone(), finish("stop")]).await;
    assert!(error.is_none() && said(&chunks).stop == "end_turn");
    let (chunks, error) = answer(&[text, DONE.into()]).await;
    assert!(error.is_none() && said(&chunks).stop == "end_turn");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let text = delta(json!({"content": "a"}));
    let cases = [
        // Closed properly, but not the whole of it.
        Reply::sse(&text),
        Reply::sse(&format!("{text}data: {{\"choices\": [{{\"index\": 0, \"fin")),
        Reply::sse(""),
        Reply::sse(DONE),
        Reply::sse(": keep-alive\n\n"),
        // The connection is gone in the middle of the answer, even behind a reason to stop.
        Reply::open("text/event-stream").chunk(text.as_bytes()),
        Reply::open("text/event-stream").chunk(finish("stop").as_bytes()),
        Reply::json(200, &[("content-length", "900")], "{\"choices\": ["),
        // Gone before it began.
        Reply(vec![]),
    ];
    for reply in cases {
        let server = Server::start([reply.clone()]).await;
        let (chunks, error) = collect(&server.model(), ask("?")).await;
        let error = error.unwrap_or_else(|| panic!("{reply:?} gave {chunks:?}"));
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{reply:?}: {error}");
        assert!(!chunks.iter().any(|chunk| matches!(chunk, ModelChunk::MessageStop(_))));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    let cases = [
        (Reply::sse("data: {oops\n\n"), "oops"),
        (Reply::sse("data: {\"choices\": 7}\n\n"), "choices"),
        (Reply::json(200, &[], "{\"choices\": ["), "choices"),
        (Reply::json(200, &[], "[1, 2]"), "[1, 2]"),
        (Reply::json(200, &[], "{\"status\": \"ok\"}"), "check the base URL: `{\"status\""),
        (Reply::pieces("text/html", [b"<html>log in</html>" as &[u8]]), "check the base URL"),
    ];
    for (reply, words) in cases {
        let server = Server::start([reply]).await;
        let error = collect(&server.model(), ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it_after_what_came_before() {
    let text = delta(json!({"content": "a"}));
    for (report, kind, words) in [
        (
            json!({"error": {"message": "it broke", "type": "server_error"}}),
            ErrorKind::Unavailable,
            "it broke",
        ),
        (
            json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
            ErrorKind::Throttled,
            "slow down",
        ),
        (
            json!({"error": {"message": "upstream", "code": 429}, "choices": []}),
            ErrorKind::Throttled,
            "upstream",
        ),
        (
            json!({"error": {"message": "This model's maximum context length is 8192 tokens"}}),
            ErrorKind::ContextOverflow,
            "8192",
        ),
        (
            json!({"object": "error", "message": "bad", "type": "BadRequestError", "code": 400}),
            ErrorKind::InvalidRequest,
            "bad",
        ),
        (
            json!({"object": "error", "message": "bad", "code": 400, "usage": {"prompt_tokens": 1}}),
            ErrorKind::InvalidRequest,
            "bad",
        ),
        (json!({"error": "plain words"}), ErrorKind::Unavailable, "plain words"),
        (
            json!({"choices": [{"index": 0, "delta": {}, "error": {"code": 502, "message": "gone"}}]}),
            ErrorKind::Unavailable,
            "gone",
        ),
    ] {
        let (chunks, error) = answer(&[text.clone(), event(report.clone()), DONE.into()]).await;
        let error = error.unwrap_or_else(|| panic!("{report} went by"));
        assert_eq!(error.kind(), kind, "{report}: {error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(said(&chunks[..]).text, "a");
    }
}

#[tokio::test]
async fn silence_ends_the_call_though_comments_keep_coming() {
    let before = Reply(vec![Step::Hang]);
    let middle = Reply::open("text/event-stream").chunk(delta(json!({"content": "a"})).as_bytes());
    let silent = middle.clone().step(Step::Hang);
    let alive =
        middle.step(Step::Drip(crate::support::chunked(b": ping\n\n"), Duration::from_millis(20)));
    for reply in [before, silent, alive] {
        let mut server = Server::start([reply]).await;
        let model = server.builder().data_timeout(Duration::from_millis(200)).build().unwrap();
        let began = Instant::now();
        let error = collect(&model, ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("200ms"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(10));
        server.client_closed().await;
    }
}

#[tokio::test]
async fn a_slow_server_and_a_slow_caller_are_no_silence() {
    let mut reply = Reply::open("text/event-stream");
    for _ in 0..6 {
        reply = reply.chunk(delta(json!({"content": "a"})).as_bytes());
        reply = reply.step(Step::Wait(Duration::from_millis(900)));
    }
    let reply = reply.chunk(finish("stop").as_bytes()).chunk(DONE.as_bytes()).end();
    let server = Server::start([reply]).await;
    let model = server.builder().data_timeout(Duration::from_secs(4)).build().unwrap();
    let mut stream = model.stream(ask("?"));
    let mut texts = 0;
    while let Some(chunk) = stream.next().await {
        texts += usize::from(matches!(chunk.unwrap(), ModelChunk::ContentBlockDelta(_)));
        if texts == 2 {
            texts += 100;
            tokio::time::sleep(Duration::from_millis(4500)).await;
        }
    }
    assert_eq!(texts, 106);
}

#[tokio::test]
async fn cancelling_and_dropping_close_the_connection() {
    let reply = Reply::open("text/event-stream")
        .chunk(delta(json!({"content": "a"})).as_bytes())
        .step(Step::Drip(crate::support::chunked(b": ping\n\n"), Duration::from_millis(20)));
    let mut server = Server::start([reply.clone()]).await;
    let request = ask("?");
    let cancel = request.cancel.clone();
    let model = server.model();
    let mut stream = model.stream(request);
    while !matches!(stream.next().await.unwrap().unwrap(), ModelChunk::ContentBlockDelta(_)) {}
    // It waits for the server now, which sends nothing but comments.
    let later = tokio::time::sleep(Duration::from_millis(100));
    let (last, ()) = tokio::join!(stream.next(), async {
        later.await;
        cancel.cancel();
    });
    assert!(last.unwrap().unwrap_err().is_cancelled());
    assert!(stream.next().await.is_none());
    server.client_closed().await;

    let mut server = Server::start([reply]).await;
    let model = server.model();
    let mut stream = model.stream(ask("?"));
    stream.next().await.unwrap().unwrap();
    drop(stream);
    server.client_closed().await;

    // Cancelled before it began: nothing is sent.
    let server = Server::start([Reply::sse(DONE)]).await;
    let request = ask("?");
    request.cancel.cancel();
    assert!(collect(&server.model(), request).await.1.unwrap().is_cancelled());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let long = delta(json!({"content": "x".repeat(10_000)}));
    for reply in [
        Reply::sse(&long),
        Reply::pieces("text/event-stream", long.as_bytes().chunks(100)),
        Reply::json(200, &[], &json!({"x": "x".repeat(10_000)}).to_string()),
        Reply::sse(&" ".repeat(10_000)),
    ] {
        let server = Server::start([reply]).await;
        let model = server.builder().max_event_bytes(5_000).build().unwrap();
        let error = collect(&model, ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("5000 bytes"), "{error}");
    }
}

#[tokio::test]
async fn text_comes_while_the_server_still_writes() {
    let reply = Reply::open("text/event-stream")
        .chunk(delta(json!({"content": "first"})).as_bytes())
        .step(Step::Hang);
    let server = Server::start([reply]).await;
    let model = server.model();
    let first = model.stream(ask("?")).take(3).map(Result::unwrap).collect::<Vec<_>>();
    let chunks = tokio::time::timeout(Duration::from_secs(5), first).await.unwrap();
    assert_eq!(chunks[2], ModelChunk::text_delta("first"));
}

#[tokio::test]
async fn calls_of_an_answer_in_one_piece_need_neither_number_nor_id() {
    let call = |arguments: Value| json!({"function": {"name": "look", "arguments": arguments}});
    let whole = json!({"choices": [{"finish_reason": "stop", "message": {"content": null,
        "tool_calls": [call(json!("")), call(json!({"x": 1})), call(json!("{}"))]}}]});
    let server = Server::start([Reply::json(200, &[], &whole.to_string())]).await;
    let (chunks, error) = collect(&server.model(), ask("?")).await;
    assert!(error.is_none(), "{error:?}");
    let inputs: Vec<String> = said(&chunks).calls.into_iter().map(|call| call.2).collect();
    assert_eq!(inputs, ["", "{\"x\":1}", "{}"]);
}

#[tokio::test]
async fn a_message_beside_the_new_piece_and_odd_counts_do_no_harm() {
    let piece = |new: &str, all: &str| {
        event(
            json!({"choices": [{"index": 0, "delta": {"content": new}, "message": {"content": all}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": "many", "total_tokens": 4.5}}),
        )
    };
    let events = [piece("a", "a"), piece("b", "ab"), finish("stop"), DONE.into()];
    let (chunks, error) = answer(&events).await;
    assert!(error.is_none(), "{error:?}");
    let said = said(&chunks);
    assert_eq!((said.text.as_str(), said.usage.input_tokens), ("ab", 3));
}

/// OpenAI counts thoughts as a part of the completion, xAI beside it: only the total tells.
#[tokio::test]
async fn thoughts_are_a_part_of_the_output_however_a_server_counts_them() {
    for (completion, total) in [(9, 12), (4, 12)] {
        let usage = json!({"prompt_tokens": 3, "completion_tokens": completion, "total_tokens": total,
            "completion_tokens_details": {"reasoning_tokens": 5}});
        let events = [finish("stop"), event(json!({"choices": [], "usage": usage})), DONE.into()];
        let usage = said(&answer(&events).await.0).usage;
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (3, 9, 12));
        assert_eq!(usage.reasoning_output_tokens, Some(5));
    }
}

#[tokio::test]
async fn odd_json_is_read_as_far_as_it_means_something() {
    let answers = [
        // Names that stand twice: the last one counts.
        r#"{"choices": [], "choices": [{"delta": {"content": "no", "content": "yes\n\u00fc"}}]}"#,
        r#"{"choices": [{"index": 1, "delta": {"content": "no"}}, {"delta": {"content": "yes\n\u00fc"}}]}"#,
        r#"{"object": 7, "choices": [{"delta": {"content": "yes\n\u00fc", "reasoning": {"a": [1, 2.5, true, null]}}}]}"#,
        r#"{"choices": [{"delta": {"content": "yes\n\u00fc", "reasoning": 1}, "message": {"content": "no"}}], "usage": -1}"#,
    ];
    for text in answers {
        let events = [format!("data: {text}\n\n"), finish("stop"), DONE.into()];
        let (chunks, error) = answer(&events).await;
        assert!(error.is_none(), "{text}: {error:?}");
        assert_eq!(said(&chunks).text, "yes\nü", "{text}");
    }
    let empty = r#"{"object": "chunk", "choices": null, "error": null, "usage": null}"#;
    let events = [format!("data: {empty}\n\n"), delta(json!({"content": "a"})), DONE.into()];
    let (chunks, error) = answer(&events).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(said(&chunks).text, "a");
}

/// One piece of an answer: which call it belongs to (the last number stands for text), and what.
fn pieces() -> impl Strategy<Value = (Vec<String>, Vec<(usize, usize)>)> {
    let value = "[a-zü\"{}\\\\ ]{0,12}";
    let arguments = proptest::collection::vec(value, 1..4);
    (arguments, proptest::collection::vec((any::<usize>(), 1..6_usize), 0..60))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the fragments of several calls and the text between them come mixed, each call is
    /// whole in the end, and blocks never overlap.
    #[test]
    fn mixed_fragments_lose_nothing((values, order) in pieces()) {
        let whole: Vec<String> =
            values.iter().map(|value| json!({"value": value}).to_string()).collect();
        let mut rest: Vec<Vec<char>> = whole.iter().map(|text| text.chars().collect()).collect();
        let mut seen: Vec<usize> = Vec::new();
        let (mut events, mut text) = (Vec::new(), String::new());
        // What the random order leaves over comes at the end, call by call.
        let left = (0..whole.len()).map(|at| (at, usize::MAX));
        for (which, length) in order.into_iter().map(|(which, n)| (which % (whole.len() + 1), n)).chain(left) {
            let Some(chars) = rest.get_mut(which) else {
                text.push('t');
                events.push(delta(json!({"content": "t"})));
                continue;
            };
            let piece: String = chars.drain(..length.min(chars.len())).collect();
            if !seen.contains(&which) {
                seen.push(which);
                events.push(call(which as u64, &format!("id{which}"), "look", &piece));
            } else if !piece.is_empty() {
                events.push(more(which as u64, &piece));
            }
        }
        events.extend([finish("tool_calls"), DONE.to_owned()]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (chunks, error) = runtime.block_on(answer(&events));
        prop_assert!(error.is_none(), "{error:?}");
        let said = said(&chunks);
        let expected: Vec<_> =
            seen.iter().map(|at| (format!("id{at}"), "look".to_owned(), whole[*at].clone())).collect();
        prop_assert_eq!(said.calls, expected);
        prop_assert_eq!(said.text, text);
    }
}
