//! What happens while it waits: silence, slow servers and callers, cancelling and dropping.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use pretty_assertions::assert_eq;
use ropewalk_core::{ErrorKind, Model, ModelChunk};
use serde_json::json;

use crate::support::{DONE, Reply, Server, Step, ask, collect, delta, finish};

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
