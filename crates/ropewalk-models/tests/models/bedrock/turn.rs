//! Whole tool turns: an agent over the server of frames.

use ropewalk_core::{
    Message, MessageAssembler, ModelRequest, StopReason, ToolResult, ToolSpec, Transcript,
};
use ropewalk_models::BedrockModel;
use serde_json::json;

use super::{builder, call, delta, end, reply, start, stop, usage};
use crate::support::{Server, collect};

#[tokio::test]
async fn a_tool_turn_goes_to_its_end() {
    let asks = [
        start(),
        delta(0, json!({"reasoningContent": {"text": "I must look."}})),
        delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        stop(0),
        call(1, "t1", "look"),
        delta(1, json!({"toolUse": {"input": "{\"at\":\"x\"}"}})),
        stop(1),
        end("tool_use"),
        usage(),
    ];
    let answers =
        [start(), delta(0, json!({"text": "7 degrees."})), stop(0), end("end_turn"), usage()];
    let server = Server::start([reply(&asks), reply(&answers)]).await;
    let model = builder(&server).build().unwrap();
    let mut messages = Transcript::from_messages([Message::user("How warm?")]).unwrap();
    let tools = || [ToolSpec::new("look", "Looks.", json!({"type": "object"}))];
    let mut turns = Vec::new();
    for _ in 0..2 {
        let request = ModelRequest::new(messages.clone()).with_tools(tools());
        let (chunks, error) = collect(&model, request).await;
        assert!(error.is_none(), "{error:?}");
        let mut assembler = MessageAssembler::new();
        chunks.iter().for_each(|chunk| assembler.push(chunk));
        let turn = assembler.finish().unwrap();
        if turn.stop_reason == StopReason::ToolUse {
            let results =
                turn.message.tool_uses().map(|call| ToolResult::success(&call.tool_use_id, "7"));
            let results = results.collect();
            messages.push_tool_turn(turn.message.clone(), results).unwrap();
        }
        turns.push(turn);
    }
    assert_eq!(turns[1].message.text(), "7 degrees.");
    let said = &server.seen()[1].body["messages"];
    let expected = json!([
        {"role": "user", "content": [{"text": "How warm?"}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "I must look.", "signature": "c2ln"}}},
            {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "x"}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "t1", "status": "success", "content": [{"text": "7"}]}}]},
    ]);
    assert_eq!(*said, expected);
}

#[tokio::test]
async fn a_tool_turn_with_aimock() {
    crate::aimock::tool_turn(|origin| {
        let builder = BedrockModel::builder("anthropic.claude-test-v1:0").endpoint_url(origin);
        builder.region("eu-north-1").credentials("AKIDEXAMPLE", "very-secret-key").build().unwrap()
    })
    .await;
}
