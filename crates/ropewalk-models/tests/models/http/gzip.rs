//! Answers that come compressed.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt as _;
use ropewalk_core::{Model as _, ModelChunk};
use serde_json::json;

use super::answer;
use crate::support::{Reply, Server, Step, ask, chunked, delta};

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\
    transfer-encoding: chunked\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(answer("smaller").as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let reply = Reply(vec![Step::Send(HEAD.to_vec()), Step::Send(chunked(&body))]).end();
    let server = Server::start([reply]).await;
    assert_eq!(super::ask(&server.model()).await.unwrap(), "smaller");
    let head = server.seen()[0].head.clone();
    assert!(head.contains("accept-encoding: gzip\r\n"), "{head}");
}

#[tokio::test]
async fn text_comes_out_while_the_server_still_compresses() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(delta(json!({"content": "first"})).as_bytes()).unwrap();
    encoder.flush().unwrap();
    let begun = encoder.get_ref().clone();
    let reply = Reply(vec![Step::Send(HEAD.to_vec()), Step::Send(chunked(&begun)), Step::Hang]);
    let server = Server::start([reply]).await;
    let model = server.model();
    let first = model.stream(ask("?")).take(3).map(Result::unwrap).collect::<Vec<_>>();
    let chunks = tokio::time::timeout(Duration::from_secs(5), first).await.unwrap();
    assert_eq!(chunks[2], ModelChunk::text_delta("first"));
}

#[tokio::test]
async fn what_swells_when_it_is_unpacked_is_bounded() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(b"data: ").unwrap();
    for _ in 0..1_000 {
        encoder.write_all(&[b'x'; 10_000]).unwrap();
    }
    let body = encoder.finish().unwrap();
    assert!(body.len() < 20_000);
    let reply = Reply(vec![Step::Send(HEAD.to_vec()), Step::Send(chunked(&body))]).end();
    let server = Server::start([reply]).await;
    let model = server.builder().max_event_bytes(100_000).build().unwrap();
    let error = super::ask(&model).await.unwrap_err();
    assert!(error.to_string().contains("100000 bytes"), "{error}");
}
