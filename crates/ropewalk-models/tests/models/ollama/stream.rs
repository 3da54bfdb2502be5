//! How answers are read.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use pretty_assertions::assert_eq;
use ropewalk_core::{Error, ErrorKind, MessageAssembler, Model as _, ModelChunk};
use serde_json::{Value, json};

use super::{builder, done, line, lines, text};
use crate::support::{Reply, Server, Step, ask, chunked, collect, said};

async fn answer(reply: Reply) -> (Vec<ModelChunk>, Option<Error>) {
    let server = Server::start([reply]).await;
    collect(&builder(&server).build().unwrap(), ask("?")).await
}

async fn whole(all: &[String]) -> Vec<ModelChunk> {
    let (chunks, error) = answer(lines(all)).await;
    assert!(error.is_none(), "{error:?}");
    chunks
}

fn calls(calls: Value) -> String {
    line(json!({"role": "assistant", "content": "", "tool_calls": calls}))
}

#[tokio::test]
async fn thoughts_texts_and_calls_become_blocks() {
    let thought =
        |piece: &str| line(json!({"role": "assistant", "content": "", "thinking": piece}));
    let chunks = whole(&[
        thought("Hm"),
        thought("."),
        text("Let me "),
        text("see."),
        calls(json!([{"id": "a", "function": {"index": 0, "name": "look", "arguments": {"x": 1}}}])),
        calls(json!([{"function": {"index": 0, "name": "look", "arguments": {"x": 2}}}, {"function": {"name": "wait"}}])),
        done("stop"),
    ])
    .await;
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    let turn = assembler.finish().unwrap();
    let mut content = serde_json::to_value(&turn.message.content).unwrap();
    let made_up: Vec<Value> =
        [3, 4].iter().map(|at| content[at]["toolUse"]["toolUseId"].take()).collect();
    assert!(made_up.iter().all(|id| id.as_str().unwrap().starts_with("call_")), "{made_up:?}");
    assert!(made_up[0] != made_up[1]);
    let expected = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
        {"text": "Let me see."},
        {"toolUse": {"toolUseId": "a", "name": "look", "input": {"x": 1}}},
        {"toolUse": {"toolUseId": null, "name": "look", "input": {"x": 2}}},
        {"toolUse": {"toolUseId": null, "name": "wait", "input": {}}},
    ]);
    assert_eq!(content, expected);
    let said = said(&chunks);
    assert_eq!(said.stop, "tool_use");
    assert_eq!(
        (said.usage.input_tokens, said.usage.output_tokens, said.usage.total_tokens),
        (11, 7, 18)
    );
    let Some(ModelChunk::Metadata(metadata)) = chunks.last() else { panic!("{chunks:?}") };
    assert_eq!(metadata.extra["total_duration"], 5);
    assert!(metadata.metrics.time_to_first_byte_ms.is_some());
}

#[tokio::test]
async fn reasons_to_stop_are_translated_and_strange_ones_kept() {
    for (reason, stop) in
        [("stop", "end_turn"), ("length", "max_tokens"), ("", "end_turn"), ("odd", "odd")]
    {
        let said = said(&whole(&[text("a"), done(reason)]).await);
        assert_eq!(said.stop, stop, "{reason}");
    }
    let bare = "{\"message\":{\"content\":\"a\"},\"done\":true}".to_owned();
    let said = said(&whole(&[bare]).await);
    assert_eq!(
        (said.text.as_str(), said.stop.as_str(), said.usage.total_tokens),
        ("a", "end_turn", 0)
    );
}

#[tokio::test]
async fn arguments_that_are_no_json_are_never_made_to_some() {
    let call = json!([{"id": "a", "function": {"name": "look", "arguments": "{\"x\": "}}]);
    let chunks = whole(&[calls(call), done("stop")]).await;
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    let turn = assembler.finish().unwrap();
    assert_eq!(turn.malformed[0].raw, "{\"x\": ");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    for all in
        [vec![], vec![text("a")], vec![text("a"), calls(json!([{"function": {"name": "look"}}]))]]
    {
        let error = answer(lines(&all)).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    // The end, but of nothing.
    let error = answer(lines(&["{\"done\":true}\n".into()])).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    for body in ["7\n", "{\"message\": 7}\n", "{\"message\": {\n", "<html>no</html>"] {
        let error = answer(Reply::json(200, &[], body)).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}: {error}");
    }
}

#[tokio::test]
async fn silence_ends_the_call_though_empty_lines_keep_coming() {
    for beat in ["\n".to_owned(), text("")] {
        let reply = Reply::open("application/x-ndjson")
            .chunk(text("a").as_bytes())
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
    let reply = Reply::open("application/x-ndjson").chunk(text("a").as_bytes()).step(Step::Hang);
    let mut server = Server::start([reply]).await;
    let model = builder(&server).build().unwrap();
    let mut stream = model.stream(ask("?"));
    assert!(matches!(stream.next().await, Some(Ok(ModelChunk::MessageStart(_)))));
    drop(stream);
    server.client_closed().await;
}
