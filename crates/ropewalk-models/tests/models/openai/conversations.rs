//! Conversations that are gone on with: what was rendered for a request stands in the next one.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join_all;
use pretty_assertions::assert_eq;
use ropewalk_core::{Message, ModelRequest, SystemPrompt, Transcript, TranscriptEdit};
use ropewalk_models::OpenAiChat;

use crate::support::{Reply, Server, collect};

/// A model that was asked before sends what one sends that never was.
async fn assert_sent_as_by_a_fresh_one(
    server: &Server,
    model: &OpenAiChat,
    request: ModelRequest,
    step: &str,
) {
    let fresh = server.builder().build().unwrap();
    collect(model, request.clone()).await;
    collect(&fresh, request).await;
    let [.., kept, fresh] = &server.seen()[..] else { panic!("nothing was sent") };
    assert_eq!(kept.body, fresh.body, "{step}");
}

/// What was sent before is not rendered again; whatever happens to a conversation, what is sent of it is the same as by a
/// model that never saw it.
#[tokio::test]
async fn a_conversation_is_gone_on_with_cut_forked_and_changed() {
    let said = |texts: &[&str]| -> Vec<Arc<Message>> {
        let message = |(at, text): (usize, &&str)| match at % 2 {
            0 => Arc::new(Message::user(*text)),
            _ => Arc::new(Message::assistant(*text)),
        };
        texts.iter().enumerate().map(message).collect()
    };
    let begun = said(&["a", "b", "c", "d", "e"]);
    let other = said(&["f", "g", "h"]);
    let joined = |parts: &[&[Arc<Message>]]| {
        let mut transcript = Transcript::new();
        parts.concat().into_iter().for_each(|message| transcript.push(message).unwrap());
        transcript
    };
    let steps = [
        joined(&[&begun[..1]]),
        joined(&[&begun[..3]]),
        // Gone on with, and its beginning cut off in the same step.
        joined(&[&begun[2..5]]),
        joined(&[&begun[4..5], &other[1..3]]),
        // A fork of what was gone on with, and that one again.
        joined(&[&begun[..3], &other[1..3]]),
        joined(&[&begun[2..5]]),
        joined(&[&begun[..5]]),
        // Another message in the place of one in the middle, with the same last one.
        joined(&[&begun[..1], &other[1..2], &begun[2..5]]),
        joined(&[&begun[..5]]),
        joined(&[&begun[..5], &other[1..2]]),
    ];
    let server = Server::always(Reply::json(200, &[], "{}")).await;
    let model = server.builder().build().unwrap();
    for (at, step) in steps.into_iter().enumerate() {
        // What stands before the messages and behind them changes as well.
        let mut request = ModelRequest::new(step);
        request.system = (at % 3 != 0).then(|| SystemPrompt::from(format!("prompt {}", at / 2)));
        request.max_output_tokens = (at % 2 == 0).then_some(at as u64);
        assert_sent_as_by_a_fresh_one(&server, &model, request, &format!("step {at}")).await;
    }
}

/// The same for a history that only grows, as an agent's does, and is edited in the middle now and then.
#[tokio::test]
async fn a_history_that_grows_is_gone_on_with_also_where_it_was_edited() {
    let server = Server::always(Reply::json(200, &[], "{}")).await;
    let model = server.builder().build().unwrap();
    let mut said = Transcript::new();
    let mut lineages = HashSet::new();
    for at in 0..12 {
        said.push(Message::user(format!("question {at}"))).unwrap();
        if at % 4 == 3 {
            let other = [Message::assistant(format!("otherwise {at}"))];
            said = said.edited(&TranscriptEdit::new().replace(at..at + 1, other)).unwrap();
        }
        lineages.insert(said.lineage());
        let request = ModelRequest::new(said.clone());
        assert_sent_as_by_a_fresh_one(&server, &model, request, &format!("question {at}")).await;
        said.push(Message::assistant(format!("answer {at}"))).unwrap();
    }
    assert_eq!(lineages.len(), 1 + 3, "one, and another with each edit");
}

/// A request is written where the last one of its conversation stands, unless that one is still on its way.
#[tokio::test]
async fn requests_of_one_conversation_at_once_are_each_whole() {
    let server = Server::always(Reply::json(200, &[], "{}")).await;
    let model = server.builder().build().unwrap();
    let mut said = Transcript::new();
    let mut requests = Vec::new();
    for at in 0..20 {
        said.push(Message::user(format!("question {at}"))).unwrap();
        requests.push(ModelRequest::new(said.clone()));
        said.push(Message::assistant(format!("answer {at}"))).unwrap();
    }
    // Each is rendered before the first of them is sent: there is no connection yet.
    join_all(requests.into_iter().map(|request| collect(&model, request))).await;
    let mut lengths: Vec<usize> = Vec::new();
    for seen in server.seen() {
        let messages = seen.body["messages"].as_array().unwrap();
        for (at, message) in messages.iter().enumerate() {
            let text = ["question", "answer"][at % 2];
            assert_eq!(message["content"], format!("{text} {}", at / 2), "{messages:?}");
        }
        lengths.push(messages.len());
    }
    lengths.sort_unstable();
    assert_eq!(lengths, (0..20).map(|at| 2 * at + 1).collect::<Vec<_>>());
}
