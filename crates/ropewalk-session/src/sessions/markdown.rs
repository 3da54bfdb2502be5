//! A run as people read it.

use std::fmt::{self, Write as _};

use ropewalk_core::{
    CallState, ContentBlock, Message, ReasoningContent, Role, Run, ToolResult, ToolResultContent,
    ToolStatus,
};
use serde::Serialize;

/// The conversation of a run as Markdown: what was said, thought, called and given, and what is under way.
///
/// Pictures and other media are named, not shown. What was said stands as it was: text that is Markdown is
/// rendered as such.
pub fn markdown(run: &Run) -> String {
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = write(&mut text, run);
    text
}

fn write(out: &mut String, run: &Run) -> fmt::Result {
    writeln!(out, "# Run {}", run.id())?;
    for message in run.transcript().iter() {
        write_message(out, message)?;
    }
    let open = run.open_interrupts();
    if run.is_idle() && open.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Under way")?;
    if let Some(message) = run.pending_message() {
        message.content.iter().try_for_each(|block| write_block(out, block))?;
    }
    for call in run.calls() {
        let state = match &call.state {
            CallState::Pending => "has not run",
            CallState::Claimed(_) => "was begun; whether it ran to its end is not known",
            CallState::Returned { .. } | CallState::Held { .. } => {
                "has run; its hooks are not done"
            }
            CallState::Finished { .. } => "has run",
        };
        writeln!(out, "\n- `{}` {state}", call.tool_use.name)?;
    }
    for question in open {
        writeln!(out, "\n**Open question** `{}` (`{}`):", question.name, question.id)?;
        fenced(out, &question.reason)?;
    }
    Ok(())
}

fn write_message(out: &mut String, message: &Message) -> fmt::Result {
    let only_results = !message.content.is_empty()
        && message.content.iter().all(|block| matches!(block, ContentBlock::ToolResult(_)));
    let who = match message.role {
        _ if only_results => "Tools",
        Role::User => "User",
        Role::Assistant => "Assistant",
    };
    writeln!(out, "\n## {who}")?;
    message.content.iter().try_for_each(|block| write_block(out, block))
}

fn write_block(out: &mut String, block: &ContentBlock) -> fmt::Result {
    match block {
        ContentBlock::Text(text) => writeln!(out, "\n{text}"),
        ContentBlock::ToolUse(asked) => {
            writeln!(out, "\n**Calls `{}`:**", asked.name)?;
            fenced(out, &asked.input)
        }
        ContentBlock::ToolResult(result) => write_result(out, result),
        ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thought)) => {
            writeln!(out)?;
            thought.text.lines().try_for_each(|line| writeln!(out, "> {line}"))
        }
        ContentBlock::CitationsContent(cited) => {
            writeln!(out)?;
            cited.content.iter().try_for_each(|text| writeln!(out, "{}", text.text))
        }
        other => writeln!(out, "\n*({})*", key_of(other)),
    }
}

fn write_result(out: &mut String, result: &ToolResult) -> fmt::Result {
    let status = match result.status {
        ToolStatus::Success => "success",
        ToolStatus::Error => "error",
    };
    writeln!(out, "\n**Result ({status}):**")?;
    for content in &result.content {
        match content {
            ToolResultContent::Text(text) => fence(out, "", text)?,
            ToolResultContent::Json(value) => fenced(out, value)?,
            other => writeln!(out, "\n*({})*", key_of(other))?,
        }
    }
    Ok(())
}

fn fenced(out: &mut String, value: &impl Serialize) -> fmt::Result {
    let json = serde_json::to_string_pretty(value).unwrap_or_else(|error| error.to_string());
    fence(out, "json", &json)
}

/// A block of text as it is, within a fence that is longer than any in it.
fn fence(out: &mut String, language: &str, text: &str) -> fmt::Result {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "\n{fence}{language}\n{text}\n{fence}")
}

/// The key of a block that is an object with one key.
fn key_of(block: &impl Serialize) -> String {
    let value = serde_json::to_value(block).unwrap_or_default();
    value.as_object().and_then(|object| object.keys().next().cloned()).unwrap_or_default()
}
