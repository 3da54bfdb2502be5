//! Answers that are whole.

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use ropewalk_core::{
    ContentBlock, Message, Model, ReasoningContent, StopReason, ToolChoice, ToolSpec, ToolUse,
};
use serde_json::{Value, json};

use super::heard::{answer, heard, question};
use super::{Case, Models, conversations};

pub(super) async fn text(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::Text).await else { return Ok(()) };
    if model.id().is_empty() {
        return Err("a model without an id".to_owned());
    }
    let turn = answer(&model, question()).await?;
    same("the text", &turn.message.text(), &Case::TEXT.to_owned())?;
    same("the reason to stop", &turn.stop_reason, &StopReason::EndTurn)
}

pub(super) async fn reasoning(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::Reasoning).await else { return Ok(()) };
    let turn = answer(&model, question()).await?;
    let (first, rest) = turn.message.content.split_first().ok_or("an empty message")?;
    let ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thought)) = first else {
        return Err(format!("{first:?} first"));
    };
    same("the thought", &thought.text.as_str(), &Case::THOUGHT)?;
    same("the text", &texts(rest), &Case::TEXT.to_owned())
}

pub(super) async fn usage(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::Text).await else { return Ok(()) };
    let usage = answer(&model, question()).await?.usage;
    let counted = (usage.input_tokens, usage.output_tokens);
    same("the tokens in and out", &counted, &(Case::INPUT_TOKENS, Case::OUTPUT_TOKENS))
}

pub(super) async fn call(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::ToolCall).await else { return Ok(()) };
    let turn = answer(&model, question().with_tools([look()])).await?;
    same("the reason to stop", &turn.stop_reason, &StopReason::ToolUse)?;
    same("the text", &turn.message.text(), &Case::TEXT.to_owned())?;
    same("the calls", &calls_of(&turn.message), &vec![json!({"place": "Säntis", "times": 3})])
}

pub(super) async fn calls(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::ToolCalls).await else { return Ok(()) };
    let turn = answer(&model, question().with_tools([look()])).await?;
    same("the reason to stop", &turn.stop_reason, &StopReason::ToolUse)?;
    let expected = [json!({"place": "Säntis", "times": 1}), json!({"place": "Eiger", "times": 2})];
    same("the calls", &calls_of(&turn.message), &expected.to_vec())?;
    let ids: Vec<&str> = turn.message.tool_uses().map(|call| &*call.tool_use_id).collect();
    if ids.iter().any(|id| id.is_empty()) || ids.first() == ids.last() {
        return Err(format!("the ids {ids:?}"));
    }
    Ok(())
}

pub(super) async fn malformed(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::MalformedArguments).await else { return Ok(()) };
    let (chunks, error) = heard(&model, question().with_tools([look()])).await;
    if error.is_some() {
        // A model may refuse such an answer as a whole.
        return Ok(());
    }
    let mut assembler = ropewalk_core::MessageAssembler::new();
    chunks.iter().for_each(|chunk| assembler.push(chunk));
    let turn = assembler.finish().map_err(|error| error.to_string())?;
    match &turn.malformed[..] {
        [bad] if bad.raw.contains("S") => Ok(()),
        _ => Err(format!("{:?}, and none of it marked as malformed", turn.message)),
    }
}

pub(super) async fn cut_short(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::MaxTokens).await else { return Ok(()) };
    let turn = answer(&model, question()).await?;
    same("the reason to stop", &turn.stop_reason, &StopReason::MaxTokens)
}

pub(super) async fn at_once(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::Text).await else { return Ok(()) };
    for turn in join_all((0..8).map(|_| answer(&model, question()))).await {
        same("the text", &turn?.message.text(), &Case::TEXT.to_owned())?;
    }
    Ok(())
}

pub(super) async fn dropped(models: &impl Models) -> Result<(), String> {
    if let Some(model) = models.answering(Case::Hangs).await {
        let mut stream = model.stream(question());
        let first = stream.next().await;
        if !matches!(first, Some(Ok(_))) {
            return Err(format!("{first:?} first"));
        }
    }
    let Some(model) = models.answering(Case::Text).await else { return Ok(()) };
    // One that nobody polls asks nothing.
    drop(model.stream(question()));
    for pieces in 1..4 {
        let mut stream = model.stream(question());
        for _ in 0..pieces {
            stream.next().await;
        }
    }
    let turn = answer(&model, question()).await?;
    same("the text", &turn.message.text(), &Case::TEXT.to_owned())
}

pub(super) async fn fused(models: &impl Models) -> Result<(), String> {
    for case in [Case::Text, Case::Rejected, Case::BreaksOff] {
        let Some(model) = models.answering(case).await else { continue };
        let mut stream = model.stream(question());
        while let Some(Ok(_)) = stream.next().await {}
        if let Some(more) = stream.next().await {
            return Err(format!("{more:?} after the end, at {case:?}"));
        }
    }
    Ok(())
}

pub(super) async fn any_conversation(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::Text).await else { return Ok(()) };
    for (name, request) in conversations() {
        let turn = answer(&model, request).await.map_err(|seen| format!("{seen}, at {name}"))?;
        same(name, &turn.message.text(), &Case::TEXT.to_owned())?;
    }
    Ok(())
}

pub(super) async fn wishes(models: &impl Models) -> Result<(), String> {
    let Some(model) = models.answering(Case::Text).await else { return Ok(()) };
    let base = || question().with_system("Be brief.").with_tools([look()]);
    let name = "look".to_owned();
    let choices = [ToolChoice::Auto {}, ToolChoice::Any {}, ToolChoice::Tool { name }];
    for choice in choices {
        let mut request = base();
        request.tool_choice = Some(choice.clone());
        answer(&model, request).await.map_err(|seen| format!("{seen}, at {choice:?}"))?;
    }
    let mut request = base();
    request.max_output_tokens = Some(20);
    answer(&model, request).await.map_err(|seen| format!("{seen}, at a limit of tokens"))?;
    let mut request = question();
    let schema = json!({
        "type": "object", "title": "Height", "properties": {"metres": {"type": "integer"}},
        "required": ["metres"], "additionalProperties": false,
    });
    request.output_schema = Some(schema.into());
    answer(&model, request).await.map_err(|seen| format!("{seen}, at a schema"))?;
    Ok(())
}

/// The tool that the model may call.
fn look() -> ToolSpec {
    let schema = json!({
        "type": "object",
        "properties": {"place": {"type": "string"}, "times": {"type": "integer"}},
        "required": ["place"],
    });
    ToolSpec::new("look", "Looks at a place.", schema)
}

/// The arguments of all calls of `look`.
fn calls_of(message: &Message) -> Vec<Value> {
    let looks = message.tool_uses().filter(|call| call.name == "look");
    looks.map(|ToolUse { input, .. }| input.clone()).collect()
}

fn texts(blocks: &[ContentBlock]) -> String {
    let texts = blocks.iter().filter_map(|block| match block {
        ContentBlock::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, expected: &T) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{what}: {seen:?} and not {expected:?}")) }
}
