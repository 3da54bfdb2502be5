//! What an agent is made of.

use bench_common::{KEY, SYSTEM_PROMPT, Setting, Source, server};
use ropewalk::AgentBuilder;
use ropewalk::models::OpenAiChat;
use ropewalk::prelude::*;

use crate::noted::note;
use crate::scripted::Scripted;
use crate::tools;

/// The default shape: a model, tools and a system prompt, and nothing else.
///
/// # Errors
/// The model can't be made.
pub fn builder(setting: &Setting) -> Result<AgentBuilder, Error> {
    let builder = Agent::builder().system_prompt(SYSTEM_PROMPT);
    let builder = match setting.source {
        Source::Server => {
            let model = OpenAiChat::builder("bench").base_url(server()).api_key(KEY).build()?;
            builder.model(model)
        }
        Source::Process { calls } => builder.model(Scripted { calls }),
    };
    let builder =
        if setting.idle { builder.tools(tools::idle()) } else { builder.tool(tools::add) };
    // More hooks, for whoever counts what each costs.
    let more = 0..setting.arguments.number("hooks", 0);
    Ok(more.fold(builder, |builder, _| {
        builder.hook(|event: &mut BeforeToolCallEvent| note(&event.tool_use().name))
    }))
}
