//! Tool use with a model that was trained for it: its own chat template, tool calls under a grammar.
//!
//! The model writes freely until it begins a tool call in its family's way. From there on the text is constrained:
//! the name is one of the tools', the arguments follow the tool's schema. So a call is always valid.

mod call;
mod watch;

use ropewalk_core::{ModelRequest, StopReason, ToolChoice, ToolSpec};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::conversation::{Turn, chat};
use crate::emit::Emitter;
use crate::engine::{Ending, Engine, Sampling, Session};
use crate::error::{LocalError, Result};
use crate::talk::{instruction, reason, structured};
use call::Format;
use watch::{Seen, Watch};

/// Calls in one answer at most: a model that goes round in circles stops here.
const MOST_CALLS: usize = 8;

/// Answers a request.
pub(crate) fn respond(
    engine: &Engine,
    request: &ModelRequest,
    sampling: &Sampling,
    emitter: &mut Emitter,
    cancel: &CancellationToken,
) -> Result<StopReason> {
    let schema = request.output_schema.as_deref();
    let told = schema.map(instruction);
    let messages = chat(request, &engine.vocabulary, told.as_deref(), true);
    let tools: Vec<Value> = request.tools.iter().map(|tool| describe(tool)).collect();
    if let Some(schema) = schema
        && (request.tools.is_empty() || !Turn::of(request).outcomes.is_empty())
    {
        return structured(engine, &messages, &tools, schema, sampling, emitter, cancel);
    }
    let prompt = engine.begin_chat(&engine.template.render(&messages, &tools)?);
    let mut session = Session::open(engine, &prompt, cancel)?;
    let format = Format::of(engine);
    let offered: Vec<&ToolSpec> = request.tools.iter().map(|tool| &**tool).collect();
    let outcome = match &request.tool_choice {
        _ if offered.is_empty() => free(engine, &mut session, &offered, &format, sampling, emitter),
        Some(ToolChoice::Any {}) => {
            forced(engine, &mut session, &offered, &format, sampling, emitter)
        }
        Some(ToolChoice::Tool { name }) => {
            let only: Vec<&ToolSpec> =
                offered.iter().copied().filter(|t| t.name == *name).collect();
            if only.is_empty() {
                let what = format!("the tool `{name}` was asked for, but it is not offered");
                return Err(LocalError::Config(what));
            }
            forced(engine, &mut session, &only, &format, sampling, emitter)
        }
        Some(ToolChoice::Auto {}) | None => {
            free(engine, &mut session, &offered, &format, sampling, emitter)
        }
    };
    let ending = outcome?;
    session.keep();
    emitter.count(session.counts());
    if let Some(schema) = schema
        && emitter.calls() == 0
        && ending == Ending::Enough
    {
        return structured(engine, &messages, &tools, schema, sampling, emitter, cancel);
    }
    Ok(reason(ending))
}

/// A tool as templates show it.
fn describe(tool: &ToolSpec) -> Value {
    json!({"type": "function", "function": {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.input_schema,
    }})
}

fn forced(
    engine: &Engine,
    session: &mut Session<'_>,
    tools: &[&ToolSpec],
    format: &Format,
    sampling: &Sampling,
    emitter: &mut Emitter,
) -> Result<Ending> {
    session.push(&engine.vocabulary.encode_prompt(format.open()))?;
    match call::write(engine, session, tools, format, sampling)? {
        Some((name, input)) => {
            emitter.call(&name, &input);
            Ok(Ending::Done)
        }
        None => Ok(Ending::Length),
    }
}

/// Writes freely; each call that the model begins is written under its grammar.
fn free(
    engine: &Engine,
    session: &mut Session<'_>,
    tools: &[&ToolSpec],
    format: &Format,
    sampling: &Sampling,
    emitter: &mut Emitter,
) -> Result<Ending> {
    loop {
        let start = session.clone();
        let mut watch = Watch::new(tools.is_empty(), emitter.calls() > 0);
        let mut begun = false;
        let ending = session.write(sampling, |piece| match watch.push(piece) {
            Seen::Text(text) => emitter.text(&text),
            Seen::Call => {
                begun = true;
                false
            }
        })?;
        if !begun {
            emitter.text(&watch.rest());
            return Ok(ending);
        }
        // What the model wrote of the call so far is written again, in the form that goes on under the grammar.
        *session = start;
        let before = watch.before();
        session.push(&engine.vocabulary.encode_prompt(&before))?;
        session.push(&engine.vocabulary.encode_prompt(format.open()))?;
        match call::write(engine, session, tools, format, sampling)? {
            Some((name, input)) => emitter.call(&name, &input),
            None => return Ok(Ending::Length),
        }
        session.push(&engine.vocabulary.encode_prompt(format.close()))?;
        if emitter.calls() >= MOST_CALLS || !format.several() {
            return Ok(Ending::Done);
        }
    }
}

#[cfg(test)]
mod tests;
