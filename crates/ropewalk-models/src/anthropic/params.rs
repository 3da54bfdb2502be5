//! What else is in the body: what was set, and what this request wants.

use ropewalk_core::{ContentBlock, Message, ModelRequest, ReasoningContent, Role, ToolChoice};
use serde_json::{Map, Value, json};

use super::dialect::Anthropic;
use super::schema::held;
use super::service::most_tokens;
use crate::render::plain_signature;

/// The interface takes no smaller budget.
const SMALLEST_BUDGET: u64 = 1024;

/// The parameters of a request.
pub(super) fn params(request: &ModelRequest, model: &Anthropic) -> Map<String, Value> {
    let mut params = Map::new();
    params.insert("stream".into(), true.into());
    params.extend(model.endpoint.params.clone());
    if let Some(schema) = &request.output_schema {
        let output = params.entry("output_config").or_insert_with(|| json!({}));
        if let Some(output) = output.as_object_mut() {
            output.insert("format".into(), json!({"type": "json_schema", "schema": held(schema)}));
        }
    }
    let set = params.get("max_tokens").and_then(Value::as_u64);
    let budget = budget(&params);
    // The budget is a part of what the answer may have.
    let mut most = set
        .unwrap_or_else(|| most_tokens(&model.endpoint.model).saturating_add(budget.unwrap_or(0)));
    if let Some(left) = request.max_output_tokens {
        most = most.min(left.max(1));
    }
    params.insert("max_tokens".into(), most.into());
    if let Some(why) = no_thinking(request, &params, model) {
        tracing::warn!("the model is asked without thinking: {why}");
        params.remove("thinking");
    } else if budget.is_some_and(|budget| budget >= most)
        && request.max_output_tokens.is_some()
        && let Some(thinking) = params.get_mut("thinking").and_then(Value::as_object_mut)
    {
        thinking.insert("budget_tokens".into(), (most / 2).max(SMALLEST_BUDGET).into());
    }
    params
}

/// How many tokens the model may think with, where that is set.
fn budget(params: &Map<String, Value>) -> Option<u64> {
    let thinking = params.get("thinking")?;
    let is_on = thinking.get("type").and_then(Value::as_str) == Some("enabled");
    thinking.get("budget_tokens").and_then(Value::as_u64).filter(|_| is_on)
}

/// Why a request must go without the thinking that is set: the interface would refuse it.
fn no_thinking(
    request: &ModelRequest,
    params: &Map<String, Value>,
    model: &Anthropic,
) -> Option<&'static str> {
    let kind = params.get("thinking")?.get("type").and_then(Value::as_str)?;
    let is_forced = model.offers_tools(request)
        && matches!(request.tool_choice, Some(ToolChoice::Any {} | ToolChoice::Tool { .. }));
    if kind != "disabled" && is_forced {
        return Some("a tool is forced");
    }
    if kind != "enabled" {
        return None;
    }
    let most = params.get("max_tokens").and_then(Value::as_u64).unwrap_or(0);
    if request.max_output_tokens.is_some() && most <= SMALLEST_BUDGET {
        return Some("the limit of output tokens leaves no room for it");
    }
    goes_on_without_thoughts(&request.messages)
        .then_some("the turn that goes on began without thoughts that the provider knows")
}

/// Whether tool results wait for the model to go on, and its turn began without thoughts of this provider.
fn goes_on_without_thoughts(messages: &[std::sync::Arc<Message>]) -> bool {
    let mut goes_on = false;
    for message in messages.iter().rev() {
        match message.role {
            Role::User if message.results().next().is_some() => goes_on = true,
            Role::Assistant if goes_on => {
                if message.content.iter().any(is_known_thought) {
                    return false;
                }
            }
            _ => break,
        }
    }
    goes_on
}

fn is_known_thought(block: &ContentBlock) -> bool {
    match block {
        ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thoughts)) => {
            plain_signature(thoughts).is_some()
        }
        ContentBlock::ReasoningContent(ReasoningContent::RedactedContent(_)) => true,
        _ => false,
    }
}
