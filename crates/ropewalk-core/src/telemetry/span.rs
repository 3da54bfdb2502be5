//! The spans themselves.

use serde::Serialize;
use tracing::Span;
use tracing::field::Empty;

use super::Telemetry;
use crate::error::{Error, with_causes};
use crate::message::{Metrics, Role, ToolStatus, ToolUse, Transcript, Usage};
use crate::model::{ModelTurn, ToolSpec};
use crate::tool::ToolOutput;
use crate::view::{AgentResult, AgentView};

/// What all spans are under.
const TARGET: &str = "ropewalk";

/// The span of one invocation.
pub(crate) fn invoke_agent(telemetry: &Telemetry, agent: impl FnOnce() -> AgentView) -> Span {
    if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        return Span::none();
    }
    let agent = agent();
    let span = tracing::info_span!(
        target: TARGET,
        "invoke_agent",
        otel.name = Empty,
        otel.status_code = Empty,
        gen_ai.operation.name = "invoke_agent",
        gen_ai.provider.name = Empty,
        gen_ai.agent.id = agent.agent_id(),
        gen_ai.agent.name = agent.name(),
        gen_ai.agent.tools = Empty,
        gen_ai.conversation.id = agent.run_id(),
        gen_ai.request.model = agent.model_id(),
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.total_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_creation.input_tokens = Empty,
        gen_ai.usage.reasoning.output_tokens = Empty,
        gen_ai.input.messages = Empty,
        gen_ai.output.messages = Empty,
        "error.type" = Empty,
        exception.message = Empty,
        ropewalk.trace_attributes = Empty,
    );
    if !span.is_disabled() {
        span.record("otel.name", format!("invoke_agent {}", agent.name()));
        span.record("gen_ai.provider.name", provider(agent.model_id()));
        span.record("gen_ai.agent.tools", json(agent.tool_names()));
        attributes(telemetry, &span);
    }
    span
}

/// The span of one try to ask the model.
pub(crate) fn chat(telemetry: &Telemetry, model_id: &str, history: &Transcript) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "chat",
        otel.name = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = Empty,
        gen_ai.request.model = model_id,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.total_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_creation.input_tokens = Empty,
        gen_ai.usage.reasoning.output_tokens = Empty,
        gen_ai.server.time_to_first_token = Empty,
        gen_ai.server.request.duration = Empty,
        gen_ai.input.messages = Empty,
        gen_ai.output.messages = Empty,
        "error.type" = Empty,
        exception.message = Empty,
        ropewalk.trace_attributes = Empty,
    );
    if !span.is_disabled() {
        span.record("otel.name", format!("chat {model_id}"));
        span.record("gen_ai.provider.name", provider(model_id));
        attributes(telemetry, &span);
        if telemetry.content {
            // What is new: the earlier ones stand in the spans of earlier calls.
            let answered = history.iter().rposition(|message| message.role == Role::Assistant);
            let from = answered.map_or(0, |at| at + 1);
            span.record("gen_ai.input.messages", json(&history[from..]));
        }
    }
    span
}

/// The span of one tool call, hooks and guards not included.
pub(crate) fn execute_tool(telemetry: &Telemetry, tool_use: &ToolUse, spec: &ToolSpec) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "execute_tool",
        otel.name = Empty,
        otel.status_code = Empty,
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = tool_use.name.as_str(),
        "gen_ai.tool.type" = "function",
        gen_ai.tool.call.id = tool_use.tool_use_id.as_str(),
        gen_ai.tool.description = spec.description.as_str(),
        gen_ai.tool.status = Empty,
        gen_ai.tool.call.arguments = Empty,
        gen_ai.tool.call.result = Empty,
        "error.type" = Empty,
        exception.message = Empty,
        ropewalk.trace_attributes = Empty,
    );
    if !span.is_disabled() {
        span.record("otel.name", format!("execute_tool {}", tool_use.name));
        attributes(telemetry, &span);
        if telemetry.content {
            span.record("gen_ai.tool.call.arguments", json(&tool_use.input));
        }
    }
    span
}

/// Notes what a tool call gave.
pub(crate) fn tool_ended(telemetry: &Telemetry, span: &Span, output: &ToolOutput) {
    if span.is_disabled() {
        return;
    }
    let (status, code) = match output.status {
        ToolStatus::Success => ("success", "OK"),
        ToolStatus::Error => ("error", "ERROR"),
    };
    span.record("gen_ai.tool.status", status);
    span.record("otel.status_code", code);
    if output.status == ToolStatus::Error {
        span.record("error.type", "tool_error");
    }
    if telemetry.content {
        span.record("gen_ai.tool.call.result", json(&output.content));
    }
}

/// Notes that a tool failed.
pub(crate) fn tool_failed(
    telemetry: &Telemetry,
    span: &Span,
    error: &(dyn std::error::Error + 'static),
) {
    if span.is_disabled() {
        return;
    }
    span.record("gen_ai.tool.status", "error");
    span.record("otel.status_code", "ERROR");
    span.record("error.type", "tool_error");
    if telemetry.content {
        span.record("exception.message", with_causes(error));
    }
}

/// Notes what the model answered.
pub(crate) fn answered(telemetry: &Telemetry, span: &Span, turn: &ModelTurn) {
    if span.is_disabled() {
        return;
    }
    let Metrics { latency_ms, time_to_first_byte_ms } = turn.metrics;
    used(span, turn.usage);
    span.record("otel.status_code", "OK");
    span.record("gen_ai.response.finish_reasons", json(&[turn.stop_reason.as_str()]));
    span.record("gen_ai.server.request.duration", latency_ms);
    if let Some(first) = time_to_first_byte_ms {
        span.record("gen_ai.server.time_to_first_token", first);
    }
    if telemetry.content {
        span.record("gen_ai.output.messages", json(&[&turn.message]));
    }
}

/// Notes the tokens that a step took.
pub(crate) fn used(span: &Span, usage: Usage) {
    span.record("gen_ai.usage.input_tokens", usage.input_tokens);
    span.record("gen_ai.usage.output_tokens", usage.output_tokens);
    span.record("gen_ai.usage.total_tokens", usage.total_tokens);
    if let Some(read) = usage.cache_read_input_tokens {
        span.record("gen_ai.usage.cache_read.input_tokens", read);
    }
    if let Some(written) = usage.cache_write_input_tokens {
        span.record("gen_ai.usage.cache_creation.input_tokens", written);
    }
    if let Some(thoughts) = usage.reasoning_output_tokens {
        span.record("gen_ai.usage.reasoning.output_tokens", thoughts);
    }
}

/// Notes what an invocation came to.
pub(crate) fn ended(telemetry: &Telemetry, span: &Span, result: &Result<AgentResult, Error>) {
    if span.is_disabled() {
        return;
    }
    match result {
        Err(error) => failed(telemetry, span, error),
        Ok(result) => {
            used(span, result.usage);
            span.record("otel.status_code", "OK");
            span.record("gen_ai.response.finish_reasons", json(&[result.stop_reason.as_str()]));
            if telemetry.content {
                span.record("gen_ai.output.messages", json(&[&result.message]));
            }
        }
    }
}

/// Notes an error. Its text may quote what was said: only its kind is shown unless content is.
pub(crate) fn failed(telemetry: &Telemetry, span: &Span, error: &Error) {
    if span.is_disabled() {
        return;
    }
    span.record("otel.status_code", "ERROR");
    span.record("error.type", json(&error.kind()).trim_matches('"'));
    if telemetry.content {
        span.record("exception.message", error.report());
    }
}

fn attributes(telemetry: &Telemetry, span: &Span) {
    if let Some(attributes) = &telemetry.attributes {
        span.record("ropewalk.trace_attributes", &**attributes);
    }
}

/// Who runs a model, as far as its name says: what stands before the colon.
fn provider(model_id: &str) -> &str {
    model_id.split_once(':').map_or(model_id, |(provider, _)| provider)
}

pub(super) fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("<not shown: {error}>"))
}
