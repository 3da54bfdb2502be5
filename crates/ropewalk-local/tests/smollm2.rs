//! The default model itself. Left out, with a note, where it can't be had; `ROPEWALK_REQUIRE_WEIGHTS=1` makes that
//! a failure.
#![allow(clippy::unwrap_used)]

use std::sync::OnceLock;

use futures_util::StreamExt;
use ropewalk_core::{
    ContentBlock, Message, MessageAssembler, Model, ModelRequest, ModelTurn, Role, StopReason,
    ToolExample, ToolResult, ToolSpec, ToolUse, Transcript,
};
use ropewalk_local::{LocalModel, LocalOptions, ModelSource, Strategy};
use serde_json::{Value, json};

fn model() -> Option<&'static LocalModel> {
    static MODEL: OnceLock<Option<LocalModel>> = OnceLock::new();
    MODEL
        .get_or_init(|| {
            match LocalModel::load_blocking(&ModelSource::Default, LocalOptions::new()) {
                Ok(model) => Some(model),
                Err(error) if std::env::var("ROPEWALK_REQUIRE_WEIGHTS").is_ok_and(|v| v == "1") => {
                    panic!("the weights are required: {error}")
                }
                Err(error) => {
                    eprintln!("left out: the default weights can't be had: {error}");
                    None
                }
            }
        })
        .as_ref()
}

async fn ask(model: &LocalModel, request: ModelRequest) -> ModelTurn {
    let mut assembler = MessageAssembler::new();
    let mut stream = model.stream(request);
    while let Some(chunk) = stream.next().await {
        assembler.push(&chunk.unwrap());
    }
    assembler.finish().unwrap()
}

fn said(text: &str) -> Transcript {
    Transcript::from_messages([Message::user(text)]).unwrap()
}

fn calculator() -> ToolSpec {
    let schema = json!({"type": "object", "properties": {"expression": {"type": "string"}},
        "required": ["expression"]});
    ToolSpec::new("calculator", "Evaluates an arithmetic expression.", schema)
        .with_example(
            ToolExample::new("What is 12 times 7?", json!({"expression": "12 * 7"}))
                .with_answer("84", "12 times 7 is 84."),
        )
        .with_example(
            ToolExample::new("How much is 100 - 58?", json!({"expression": "100 - 58"}))
                .with_answer("42", "100 - 58 is 42."),
        )
}

#[tokio::test]
async fn a_question_of_arithmetic_goes_through_the_tool() {
    let Some(model) = model() else { return };
    assert_eq!(model.strategy(), Strategy::Guided);
    let request = ModelRequest::new(said("What is 1234 * 5678?")).with_tools([calculator()]);
    let turn = ask(model, request).await;
    assert_eq!(turn.stop_reason, StopReason::ToolUse);
    let call = turn.message.tool_uses().next().unwrap().clone();
    assert!(turn.usage.output_tokens > 0, "{:?}", turn.usage);
    assert_eq!(
        (call.name.as_str(), &call.input),
        ("calculator", &json!({"expression": "1234 * 5678"}))
    );

    let mut messages = said("What is 1234 * 5678?");
    let result = ToolResult::success(&call.tool_use_id, "7006652");
    messages.push_tool_turn(turn.message, vec![result]).unwrap();
    let turn = ask(model, ModelRequest::new(messages).with_tools([calculator()])).await;
    assert_eq!(turn.stop_reason, StopReason::EndTurn);
    assert!(turn.message.text().contains("7006652"), "{}", turn.message.text());
    assert!(turn.usage.output_tokens > 0, "{:?}", turn.usage);
}

#[tokio::test]
async fn small_talk_needs_no_tool() {
    let Some(model) = model() else { return };
    let turn = ask(model, ModelRequest::new(said("Hello there!")).with_tools([calculator()])).await;
    assert_eq!(turn.stop_reason, StopReason::EndTurn);
    assert!(!turn.message.text().is_empty());
    assert!(turn.usage.output_tokens > 0);
}

#[tokio::test]
async fn what_went_wrong_is_said_plainly() {
    let Some(model) = model() else { return };
    let request = ModelRequest::new(said("What is 1 / 0?")).with_tools([calculator()]);
    let turn = ask(model, request).await;
    let id = turn.message.tool_uses().next().unwrap().tool_use_id.clone();
    let mut messages = said("What is 1 / 0?");
    let result = ToolResult::error(&id, "Error: division by zero");
    messages.push_tool_turn(turn.message, vec![result]).unwrap();
    let turn = ask(model, ModelRequest::new(messages).with_tools([calculator()])).await;
    assert!(turn.message.text().contains("division by zero"), "{}", turn.message.text());
}

/// What the model says when `tool` gave `result` for `request`.
async fn after(model: &LocalModel, request: &str, input: Value, result: ToolResult) -> String {
    let mut messages = said(request);
    let call = Message::new(
        Role::Assistant,
        vec![ContentBlock::from(ToolUse::new("call_1", "calculator", input))],
    );
    messages.push_tool_turn(call, vec![result]).unwrap();
    let turn = ask(model, ModelRequest::new(messages).with_tools([calculator()])).await;
    assert_eq!(turn.stop_reason, StopReason::EndTurn);
    turn.message.text()
}

#[tokio::test]
async fn the_facts_of_a_result_are_in_the_answer_and_the_request_is_not_misquoted() {
    let Some(model) = model() else { return };
    for (request, expression, result) in [
        ("What is (12 + 7) * 3?", "(12 + 7) * 3", "57"),
        ("Please compute (8 - 3) * 12", "(8 - 3) * 12", "60"),
        ("What is 81 divided by 9?", "81 / 9", "9"),
    ] {
        let input = json!({"expression": expression});
        let given = ToolResult::success("call_1", result);
        let answer = after(model, request, input, given).await;
        assert!(answer.contains(result), "{request}: {answer}");
        let numbers = answer.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
        let quoted = numbers.clone().any(|number| number != result);
        let whole = answer.contains(expression) || answer.contains("81 divided by 9");
        assert!(!quoted || whole, "{request}: {answer}");
    }
}

#[tokio::test]
async fn a_long_result_is_shown_whole() {
    let Some(model) = model() else { return };
    let listing: String = (1..20)
        .map(|n| format!("-rw-r--r--  1 me me  {n} Nov 20 10:{n:02} part{n}.txt\n"))
        .collect();
    for (result, shown) in
        [(listing.clone(), listing.trim()), (listing[..40].into(), &listing[..40])]
    {
        let given = ToolResult::success("call_1", result.as_str());
        let answer = after(model, "List the parts", json!({"expression": "ls"}), given).await;
        assert_eq!(answer.trim(), shown.trim());
    }
    let error = ToolResult::error("call_1", "Error: line 1\nno such folder: parts");
    let answer = after(model, "List the parts", json!({"expression": "ls"}), error).await;
    assert!(answer.contains("no such folder: parts"), "{answer}");
}

#[tokio::test]
async fn a_chat_is_kept_short() {
    let Some(model) = model() else { return };
    let turn = ask(model, ModelRequest::new(said("Tell me a very long story about ropes."))).await;
    assert_eq!(turn.stop_reason, StopReason::EndTurn);
    assert!(turn.usage.output_tokens <= 256, "{:?}", turn.usage);
}

#[tokio::test]
async fn structured_output_follows_its_schema() {
    let Some(model) = model() else { return };
    let schema = json!({"type": "object", "properties": {"city": {"type": "string", "maxLength": 40},
        "country": {"type": "string", "maxLength": 40}}, "required": ["city", "country"],
        "additionalProperties": false});
    let mut request = ModelRequest::new(said("What is the capital of France?"));
    request.output_schema = Some(std::sync::Arc::new(schema.clone()));
    let turn = ask(model, request).await;
    let value: Value = serde_json::from_str(&turn.message.text()).unwrap();
    assert!(jsonschema::is_valid(&schema, &value), "{value}");
}

#[tokio::test]
async fn the_second_turn_evaluates_only_what_is_new() {
    let Some(_) = model() else { return };
    let model = LocalModel::load(&ModelSource::Default, LocalOptions::new()).await.unwrap();
    let first = ask(&model, ModelRequest::new(said("What is the capital of France?"))).await;
    let before = model.evaluated_tokens();
    let messages = Transcript::from_messages([
        Message::user("What is the capital of France?"),
        first.message,
        Message::user("And of Italy?"),
    ]);
    let turn = ask(&model, ModelRequest::new(messages.unwrap())).await;
    let evaluated = model.evaluated_tokens() - before;
    assert!(turn.usage.cache_read_input_tokens.unwrap() > 30, "{:?}", turn.usage);
    assert!(evaluated < turn.usage.total_tokens, "{evaluated} of {:?}", turn.usage);
}

#[tokio::test]
async fn it_can_be_stopped_and_overflow_is_named() {
    let Some(model) = model() else { return };
    let request = ModelRequest::new(said("Tell me a very long story."));
    let cancel = request.cancel.clone();
    let mut stream = model.stream(request);
    let mut last = None;
    let mut count = 0;
    while let Some(chunk) = stream.next().await {
        count += 1;
        if count == 5 {
            cancel.cancel();
        }
        last = Some(chunk);
    }
    assert!(last.unwrap().unwrap_err().is_cancelled());

    let long = "many words ".repeat(6000);
    let mut stream = model.stream(ModelRequest::new(said(&long)));
    let mut error = None;
    while let Some(chunk) = stream.next().await {
        error = chunk.err().or(error);
    }
    assert!(error.unwrap().is_context_overflow());
}
