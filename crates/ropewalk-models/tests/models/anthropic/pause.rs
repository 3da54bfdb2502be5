//! Turns that the provider pauses.

use pretty_assertions::assert_eq;
use ropewalk_core::{MessageAssembler, Model as _};
use serde_json::{Value, json};

use super::{block, builder, done, end, ending, input, start, stream, text};
use crate::support::{Reply, Server, ask, collect, said};

fn search() -> Value {
    json!({"type": "web_search_20250305", "name": "web_search"})
}

/// A call at the provider, whose result is still to come.
fn paused(id: &str) -> String {
    let call = json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {}});
    stream(&[
        start(),
        block(0, call),
        input(0, "{\"query\": \"x\"}"),
        end(0),
        ending("pause_turn"),
        done(),
    ])
}

fn finished(id: &str) -> String {
    let result = json!({"type": "web_search_tool_result", "tool_use_id": id, "content": []});
    let words = block(1, json!({"type": "text", "text": ""}));
    stream(&[
        start(),
        block(0, result),
        end(0),
        words,
        text(1, "High."),
        end(1),
        ending("end_turn"),
        done(),
    ])
}

#[tokio::test]
async fn a_paused_turn_goes_on_and_is_one_answer() {
    let server = Server::start([Reply::sse(&paused("s1")), Reply::sse(&finished("s1"))]).await;
    let model = builder(&server).server_tool(search()).build().unwrap();
    let mut request = ask("How high is Säntis?");
    request.max_output_tokens = Some(100);
    let (chunks, error) = collect(&model, request).await;
    assert!(error.is_none(), "{error:?}");
    // In the order that an answer has.
    let said = said(&chunks);
    assert_eq!((said.text.as_str(), said.stop.as_str(), said.own.len()), ("High.", "end_turn", 2));
    assert_eq!((said.usage.input_tokens, said.usage.output_tokens), (2 * 9, 2 * 40));
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    let call = json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}});
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "How high is Säntis?"}]},
        {"role": "assistant", "content": [call]},
    ]);
    assert_eq!(seen[1].body["messages"], expected);
    assert_eq!(
        (&seen[0].body["max_tokens"], &seen[1].body["max_tokens"]),
        (&json!(100), &json!(60))
    );
    // In the history the call has its result, and goes back with it.
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    assert_eq!(assembler.finish().unwrap().message.content.len(), 3);
}

#[tokio::test]
async fn a_turn_that_is_paused_again_and_again_ends() {
    let replies = (0..20).map(|at| Reply::sse(&paused(&format!("s{at}"))));
    let server = Server::start(replies).await;
    let model = builder(&server).server_tool(search()).build().unwrap();
    let (chunks, error) = collect(&model, ask("?")).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((said(&chunks).stop.as_str(), server.seen().len()), ("pause_turn", 11));
    // Nothing runs at the provider, or a call of ours waits: it is the caller's turn.
    let server = Server::start([Reply::sse(&paused("s1"))]).await;
    let (chunks, _) = collect(&builder(&server).build().unwrap(), ask("?")).await;
    assert_eq!(said(&chunks).stop, "pause_turn");
    let call = json!({"type": "tool_use", "id": "a", "name": "look", "input": {}});
    let both = stream(&[start(), block(0, call), end(0), ending("pause_turn"), done()]);
    let server = Server::start([Reply::sse(&both)]).await;
    let model = builder(&server).server_tool(search()).build().unwrap();
    let (chunks, _) = collect(&model, ask("?")).await;
    assert_eq!((said(&chunks).stop.as_str(), server.seen().len()), ("pause_turn", 1));
}

#[tokio::test]
async fn a_failure_after_a_pause_is_the_answers() {
    let overloaded =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    let refusal = Reply::json(529, &[], &overloaded.to_string());
    let server = Server::start([Reply::sse(&paused("s1")), refusal]).await;
    let model = builder(&server).server_tool(search()).build().unwrap();
    let (chunks, error) = collect(&model, ask("?")).await;
    assert_eq!(error.unwrap().kind(), ropewalk_core::ErrorKind::Unavailable);
    assert_eq!(said(&chunks).own.len(), 1);
    // A call that was cancelled meanwhile asks no more.
    let server = Server::start([Reply::sse(&paused("s1"))]).await;
    let model = builder(&server).server_tool(search()).build().unwrap();
    let request = ask("?");
    let cancel = request.cancel.clone();
    let mut chunks = model.stream(request);
    let mut last = None;
    while let Some(chunk) = futures_util::StreamExt::next(&mut chunks).await {
        cancel.cancel();
        last = Some(chunk);
    }
    assert!(last.unwrap().unwrap_err().is_cancelled());
    assert_eq!(server.seen().len(), 1);
}
