//! Mistral's chat: what it does otherwise than OpenAI's.

mod aimock;
mod kit;

use pretty_assertions::assert_eq;
use ropewalk_core::{
    Blob, ErrorKind, Message, Model as _, ModelRequest, NativeOutput, ToolChoice, ToolSpec,
    Transcript,
};
use ropewalk_models::{MistralModel, MistralModelBuilder};
use serde_json::{Value, json};

use crate::support::{DONE, Reply, Seen, Server, ask, collect, delta, event, finish, said};

fn builder(server: &Server, model: &str) -> MistralModelBuilder {
    MistralModel::builder(model).base_url(&server.url).api_key("a-very-secret-key")
}

async fn sent_by(
    model: &str,
    request: ModelRequest,
    set: impl FnOnce(MistralModelBuilder) -> MistralModelBuilder,
) -> Seen {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    collect(&set(builder(&server, model)).build().unwrap(), request).await;
    server.seen().remove(0)
}

fn request(messages: Value) -> ModelRequest {
    let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
    ModelRequest::new(Transcript::from_messages(messages).unwrap())
}

#[tokio::test]
async fn a_request_holds_what_mistral_knows_and_no_more() {
    let mut asked =
        ask("?").with_system("Be brief.").with_tools([ToolSpec::new("look", "Looks.", json!({}))]);
    asked.tool_choice = Some(ToolChoice::Any {});
    asked.max_output_tokens = Some(7);
    let seen = sent_by("mistral-small-latest", asked, |b| {
        b.safe_prompt(true).prompt_mode("reasoning").temperature(0.5).max_tokens(9)
    })
    .await;
    assert_eq!(seen.path, "/v1/chat/completions");
    let expected = json!({
        "model": "mistral-small-latest",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "?"}],
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {}}}],
        "tool_choice": "any",
        "stream": true,
        "safe_prompt": true,
        "prompt_mode": "reasoning",
        "temperature": 0.5,
        "max_tokens": 7,
    });
    assert_eq!(seen.body, expected);
}

#[tokio::test]
async fn ids_are_nine_letters_and_digits_and_results_say_the_tool() {
    let use_of = |id: &str| json!({"toolUse": {"toolUseId": id, "name": "look", "input": {}}});
    let result = |id: &str| json!({"toolResult": {"toolUseId": id, "status": "success", "content": [{"text": "seen"}]}});
    let seen = sent_by("m", request(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [use_of("abcDEF123"), use_of("call_1"), use_of("short")]},
        {"role": "user", "content": [result("abcDEF123"), result("call_1"), result("short")]},
    ])), |b| b)
    .await;
    let messages = seen.body["messages"].as_array().unwrap();
    let calls = messages[1]["tool_calls"].as_array().unwrap();
    let asked: Vec<&str> = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
    let answered: Vec<&str> =
        messages[2..].iter().map(|said| said["tool_call_id"].as_str().unwrap()).collect();
    assert_eq!((asked[0], &asked), ("abcDEF123", &answered));
    for id in asked {
        assert!(id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
    }
    assert!(messages[2..].iter().all(|said| said["name"] == "look"), "{messages:?}");
}

#[tokio::test]
async fn thoughts_go_back_as_parts_to_models_that_think() {
    let conversation = || {
        request(json!([
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
                {"reasoningContent": {"reasoningText": {"text": "Ah.", "signature": "c2lnbmVk"}}},
                {"text": "b"}]},
            {"role": "user", "content": [{"text": "c"}]},
        ]))
    };
    let thinking =
        json!({"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": true});
    let parts = json!([thinking, {"type": "text", "text": "b"}]);
    for (model, replay, expected) in [
        ("magistral-medium-latest", None, &parts),
        ("ministral-8b-latest", None, &json!("b")),
        ("ministral-8b-latest", Some(true), &parts),
        ("mistral-medium-latest", Some(false), &json!("b")),
    ] {
        let seen = sent_by(model, conversation(), |b| match replay {
            Some(replay) => b.replay_reasoning(replay),
            None => b,
        })
        .await;
        assert_eq!(seen.body["messages"][1], json!({"role": "assistant", "content": expected}));
    }
}

#[tokio::test]
async fn media_are_sent_as_mistral_takes_them() {
    let bytes = |bytes: &[u8]| json!({"bytes": Blob::from(bytes.to_vec())});
    let web = |uri: &str| json!({"location": {"type": "url", "uri": uri}});
    let seen = sent_by("m", request(json!([{"role": "user", "content": [
        {"image": {"format": "png", "source": bytes(&[1])}},
        {"document": {"format": "pdf", "name": "plan", "source": bytes(b"%PDF")}},
        {"document": {"format": "pdf", "name": "plan", "source": web("https://example.org/a.pdf")}},
        {"document": {"format": "txt", "name": "notes", "source": bytes(b"high")}},
        {"audio": {"format": "mp3", "source": bytes(&[1])}},
    ]}])), |b| b)
    .await;
    let expected = json!([
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQ=="}},
        {"type": "document_url", "document_name": "plan.pdf", "document_url": "data:application/pdf;base64,JVBERg=="},
        {"type": "document_url", "document_name": "plan.pdf", "document_url": "https://example.org/a.pdf"},
        {"type": "text", "text": "Document `notes` (txt):\n\nhigh"},
        {"type": "input_audio", "input_audio": "AQ=="},
    ]);
    assert_eq!(seen.body["messages"][0]["content"], expected);
}

#[tokio::test]
async fn a_last_message_of_the_model_is_gone_on_with() {
    let conversation = request(json!([
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "assistant", "content": [{"text": "b"}]},
    ]));
    let seen = sent_by("m", conversation, |b| b).await;
    let expected = json!({"role": "assistant", "content": "b", "prefix": true});
    assert_eq!(seen.body["messages"][1], expected);
}

#[tokio::test]
async fn thoughts_and_usage_of_a_stream_are_read() {
    let thinking = |text: &str| {
        delta(
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}),
        )
    };
    let last = json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "model_length"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 5}}});
    let events = [
        thinking("H"),
        thinking("m."),
        delta(
            json!({"content": [{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]}]}),
        ),
        event(last),
        DONE.into(),
    ];
    let server = Server::start([Reply::sse(&events.concat())]).await;
    let (chunks, error) = collect(&builder(&server, "m").build().unwrap(), ask("?")).await;
    assert!(error.is_none(), "{error:?}");
    let said = said(&chunks);
    assert_eq!(
        (said.reasoning.as_str(), said.text.as_str(), said.stop.as_str()),
        ("Hm.", "a", "max_tokens")
    );
    assert_eq!((said.usage.input_tokens, said.usage.cache_read_input_tokens), (9, Some(5)));
    assert_eq!(said.usage.total_tokens, 13);
}

/// Words such as "generate" and "iterate" hold a "rate", and say nothing of one.
#[tokio::test]
async fn refusals_are_told_apart_by_status_and_type() {
    use ErrorKind::*;
    let report = |code: &str, kind: &str, words: &str| json!({"object": "error", "message": words, "type": kind, "param": null, "code": code, "raw_status_code": 400});
    for (status, body, kind) in [
        (
            400,
            report("3051", "invalid_request_invalid_args", "can't generate nor iterate"),
            InvalidRequest,
        ),
        (400, report("1500", "invalid_model", "Invalid model: m"), InvalidRequest),
        (400, report("3230", "invalid_request_message_order", "Unexpected role"), InvalidRequest),
        (
            400,
            report(
                "3051",
                "invalid_request_prompt",
                "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            ),
            ContextOverflow,
        ),
        (401, json!({"detail": "Invalid API Key"}), Authentication),
        (401, json!({"message": "Unauthorized", "request_id": "x"}), Authentication),
        (422, json!({"detail": [{"loc": ["body", "x"], "msg": "extra fields"}]}), InvalidRequest),
        (422, json!({"message": {"detail": [{"msg": "extra fields"}]}}), InvalidRequest),
        (429, report("1300", "rate_limited", "Rate limit exceeded"), Throttled),
        (
            429,
            report("3505", "service_tier_capacity_exceeded", "Service tier capacity exceeded"),
            Throttled,
        ),
        (503, json!({"message": "upstream connect error"}), Unavailable),
    ] {
        let server = Server::start([Reply::json(status, &[], &body.to_string())]).await;
        let error = collect(&builder(&server, "m").build().unwrap(), ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), kind, "{body}: {error}");
        let text = error.to_string();
        assert!(text.contains("mistral:m") && !text.contains("a-very-secret-key"), "{text}");
    }
}

#[test]
fn a_model_is_set_up_with_its_own_names() {
    let error =
        MistralModel::builder("m").base_url("https://api.mistral.ai/v1").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.to_string().contains("MISTRAL_API_KEY"), "{error}");
    let model = MistralModel::builder("m")
        .api_key("key")
        .base_url("https://api.mistral.ai/v1/chat/completions");
    let model = model.context_limit(4096).build().unwrap();
    assert_eq!((model.id(), model.context_limit()), ("mistral:m", Some(4096)));
    assert_eq!(model.native_output(), NativeOutput::WithoutTools);
    assert!(format!("{model:?}").contains("https://api.mistral.ai/v1/chat/completions"));
    assert!(MistralModel::builder("m").api_key("k").param("messages", "x").build().is_err());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let text = delta(json!({"content": "a"}));
    for body in [text.clone(), String::new()] {
        let server = Server::start([Reply::sse(&body)]).await;
        let error = collect(&builder(&server, "m").build().unwrap(), ask("?")).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let whole = text + &finish("stop") + DONE;
    let server = Server::start([Reply::sse(&whole)]).await;
    let (chunks, error) = collect(&builder(&server, "m").build().unwrap(), ask("?")).await;
    assert!(error.is_none() && said(&chunks).stop == "end_turn");
}
