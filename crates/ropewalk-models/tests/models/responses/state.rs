//! Conversations that the server keeps.

use pretty_assertions::assert_eq;
use ropewalk_core::{
    Agent, Message, MessageAssembler, Model, ModelRequest, ToolResult, Transcript,
};
use serde_json::{Value, json};

use super::{builder, call, completed, created, ended, text};
use crate::support::{Reply, Seen, Server, collect};

/// An answer under this id.
fn answer(id: &str, items: &[String]) -> Reply {
    Reply::sse(&(created() + &items.concat() + &ended("completed", json!({"id": id}))))
}

fn ask(text: &str) -> Message {
    Message::user(text)
}

async fn turn(model: &impl Model, messages: &Transcript) -> Message {
    let request = ModelRequest::new(messages.clone()).with_system("Be brief.");
    let (chunks, error) = collect(model, request).await;
    assert!(error.is_none(), "{error:?}");
    let mut assembler = MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    let message = assembler.finish().unwrap().message;
    // As if it had been stored.
    serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap()
}

/// From which answer a request goes on, and of what types the items are that it sends.
fn sent(seen: &Seen) -> (Option<&str>, Vec<&str>) {
    let items = seen.body["input"].as_array().unwrap();
    let kinds = items.iter().map(|item| item["role"].as_str().or(item["type"].as_str()).unwrap());
    (seen.body["previous_response_id"].as_str(), kinds.collect())
}

#[tokio::test]
async fn only_what_the_server_does_not_know_is_sent() {
    let server = Server::start([
        answer("resp_1", &[text(0, &["I look."]), call(1, "a", &["{}"])]),
        answer("resp_2", &[text(0, &["High."])]),
        answer("resp_3", &[text(0, &["Low."])]),
    ])
    .await;
    let model = builder(&server).stateful(true).build().unwrap();
    let mut messages = Transcript::from_messages([ask("How high?")]).unwrap();
    let asked = turn(&model, &messages).await;
    messages.push_tool_turn(asked, vec![ToolResult::success("a", "2502")]).unwrap();
    messages.push(turn(&model, &messages).await).unwrap();
    messages.push(ask("And how low?")).unwrap();
    turn(&model, &messages).await;
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().map(sent).collect();
    let expected = [
        (None, vec!["user"]),
        (Some("resp_1"), vec!["function_call_output"]),
        (Some("resp_2"), vec!["user"]),
    ];
    assert_eq!(sent, expected);
    for request in &seen {
        assert_eq!(
            (&request.body["store"], &request.body["instructions"]),
            (&json!(true), &json!("Be brief."))
        );
    }
}

/// An agent keeps the id with the message, in its history and in what is stored of it.
#[tokio::test]
async fn an_agent_goes_on_where_the_server_is() {
    let server = Server::start([
        answer("resp_1", &[text(0, &["High."])]),
        answer("resp_2", &[text(0, &["Low."])]),
        answer("resp_3", &[text(0, &["Both."])]),
    ])
    .await;
    let model = builder(&server).stateful(true).build().unwrap();
    let agent = || Agent::builder().model(model.clone()).no_callback_handler();
    let mut first = agent().build().await.unwrap();
    first.invoke("How high?").await.unwrap();
    first.invoke("How low?").await.unwrap();
    let stored = serde_json::to_string(&first.messages()).unwrap();
    let messages: Vec<Message> = serde_json::from_str(&stored).unwrap();
    let metadata = messages[1].metadata.as_ref().unwrap();
    assert_eq!(metadata.usage.unwrap().input_tokens, 11);
    let mut second = agent().messages(messages).build().await.unwrap();
    second.invoke("Both?").await.unwrap();
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().map(sent).collect();
    let expected =
        [(None, vec!["user"]), (Some("resp_1"), vec!["user"]), (Some("resp_2"), vec!["user"])];
    assert_eq!(sent, expected);
}

/// The conversation of two answers that the server keeps, and a question.
async fn kept() -> Vec<Message> {
    let server = Server::start([
        answer("resp_1", &[text(0, &["High."])]),
        answer("resp_2", &[text(0, &["Low."])]),
    ])
    .await;
    let model = builder(&server).stateful(true).build().unwrap();
    let mut messages = Transcript::new();
    for question in ["How high?", "How low?"] {
        messages.push(ask(question)).unwrap();
        messages.push(turn(&model, &messages).await).unwrap();
    }
    messages.push(ask("Both?")).unwrap();
    messages.iter().map(|message| (**message).clone()).collect()
}

/// What is sent of these messages.
async fn sent_of(messages: Vec<Message>) -> (Option<String>, usize) {
    let server = Server::start([answer("resp_3", &[text(0, &["Both."])])]).await;
    let model = builder(&server).stateful(true).build().unwrap();
    turn(&model, &Transcript::from_messages(messages).unwrap()).await;
    let seen = server.seen();
    let (previous, items) = sent(&seen[0]);
    (previous.map(str::to_owned), items.len())
}

#[tokio::test]
async fn what_was_changed_is_sent_anew() {
    let messages = kept().await;
    let go_on = |id: &str, items| (Some(id.to_owned()), items);
    assert_eq!(sent_of(messages.clone()).await, go_on("resp_2", 1));

    // The oldest turn was let go.
    assert_eq!(sent_of(messages[2..].to_vec()).await, (None, 3));
    // An old question was edited.
    let mut edited = messages.clone();
    edited[0] = ask("How wide?");
    assert_eq!(sent_of(edited).await, (None, 5));
    // A later one: the answer before it is still good to go on from.
    let mut edited = messages.clone();
    edited[2] = ask("How wide?");
    assert_eq!(sent_of(edited).await, go_on("resp_1", 3));
    // An answer was redacted.
    let mut redacted = messages.clone();
    redacted[3].content = Message::assistant("[redacted]").content;
    assert_eq!(sent_of(redacted).await, go_on("resp_1", 3));
    // Another model answered in between.
    let mut switched = messages.clone();
    switched[3] = Message::assistant("Low.");
    assert_eq!(sent_of(switched).await, go_on("resp_1", 3));
    // The conversation was forked after its first turn.
    let fork = [&messages[..2], &[ask("Why?")]].concat();
    assert_eq!(sent_of(fork).await, go_on("resp_1", 1));
    // Nothing came after the last answer.
    assert_eq!(sent_of(messages[..4].to_vec()).await, (None, 4));
}

#[tokio::test]
async fn a_server_that_forgot_is_sent_everything() {
    let messages = Transcript::from_messages(kept().await).unwrap();
    let words = "Previous response with id 'resp_2' not found.";
    let forgot = json!({"error": {"message": words, "type": "invalid_request_error",
        "param": "previous_response_id", "code": "previous_response_not_found"}});
    let forgot = || Reply::json(400, &[], &forgot.to_string());
    let server = Server::start([forgot(), answer("resp_3", &[text(0, &["Both."])])]).await;
    let model = builder(&server).stateful(true).build().unwrap();
    assert_eq!(turn(&model, &messages).await.text(), "Both.");
    let seen = server.seen();
    assert_eq!(sent(&seen[0]), (Some("resp_2"), vec!["user"]));
    assert_eq!(sent(&seen[1]), (None, vec!["user", "assistant", "user", "assistant", "user"]));

    // Once only.
    let server = Server::start([forgot(), forgot(), forgot()]).await;
    let model = builder(&server).stateful(true).build().unwrap();
    let error = collect(&model, ModelRequest::new(messages)).await.1.unwrap();
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_not_gone_on_from() {
    let reason = json!({"id": "resp_1", "incomplete_details": {"reason": "max_output_tokens"}});
    let cut = created() + &text(0, &["Hi"]) + &ended("incomplete", reason);
    let server = Server::start([Reply::sse(&cut), answer("resp_2", &[text(0, &["High."])])]).await;
    let model = builder(&server).stateful(true).build().unwrap();
    let mut messages = Transcript::from_messages([ask("How high?")]).unwrap();
    messages.push(turn(&model, &messages).await).unwrap();
    messages.push(ask("Go on.")).unwrap();
    turn(&model, &messages).await;
    assert_eq!(sent(&server.seen()[1]), (None, vec!["user", "assistant", "user"]));
}

#[tokio::test]
async fn a_server_that_takes_no_encrypted_thoughts_is_asked_without() {
    let refusal = json!({"error": {"message": "Encrypted content is not supported with this model.",
        "type": "invalid_request_error", "param": "include", "code": null}});
    let refusal = Reply::json(400, &[], &refusal.to_string());
    let good = Reply::sse(&(created() + &text(0, &["High."]) + &completed()));
    let server = Server::start([refusal, good]).await;
    let model = builder(&server).encrypted_reasoning(true).build().unwrap();
    let signature =
        json!({"openaiResponses": {"server": "127.0.0.1", "id": "rs_1", "encrypted_content": "x"}});
    let thoughts = json!({"text": "Hm.", "signature": signature.to_string()});
    let said: Message = serde_json::from_value(json!({"role": "assistant", "content": [
        {"reasoningContent": {"reasoningText": thoughts}}, {"text": "Higher."}]}))
    .unwrap();
    let messages = Transcript::from_messages([ask("How high?"), said, ask("Sure?")]).unwrap();
    assert_eq!(turn(&model, &messages).await.text(), "High.");
    let seen = server.seen();
    assert_eq!(sent(&seen[0]).1, ["user", "reasoning", "assistant", "user"]);
    assert_eq!(sent(&seen[1]).1, ["user", "assistant", "user"]);
    assert_eq!(
        (&seen[0].body["include"][0], &seen[1].body["include"]),
        (&json!("reasoning.encrypted_content"), &Value::Null)
    );
}
