//! Tool calls: how they are told apart and put together, however mixed their fragments come.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ropewalk_core::ErrorKind;
use serde_json::{Value, json};

use super::{answer, call, more, words};
use crate::support::{DONE, Reply, Server, ask, collect, delta, finish, said};

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
