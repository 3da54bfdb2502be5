//! Tool use with a very small model: the decision is taken apart.
//!
//! A model of a hundred million parameters cannot write tool calls, but it can *compare*: which of these texts is
//! the likelier one? So the tool is chosen by how well each tool explains the request, each argument is filled from
//! what its schema and the tool's examples allow, and the answer is worded from the tool's own example answers
//! and checked against the result. All knowledge comes from the tool: its name, description, schema and
//! examples.

mod answer;
mod argument;
mod arithmetic;
mod candidates;
mod channel;
mod choices;
mod constrained;
mod edges;
mod evidence;
mod fill;
mod numbers;
mod outcome;
mod schema;
mod shape;

use ropewalk_core::{ToolChoice, ToolSpec};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) use answer::{add_results, answer};
pub(crate) use outcome::Outcome;

use crate::engine::Engine;
use crate::error::{LocalError, Result};

/// What is to be done with a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Call a tool.
    Call {
        /// Its name.
        name: String,
        /// Arguments that fit its schema.
        input: Value,
    },
    /// Answer without one.
    Talk,
}

/// Decides what to do with a request.
pub(crate) fn decide(
    engine: &Engine,
    request: &str,
    tools: &[&ToolSpec],
    choice: Option<&ToolChoice>,
    cancel: &CancellationToken,
) -> Result<Decision> {
    let chosen = match choice {
        Some(ToolChoice::Tool { name }) => {
            let found = tools.iter().find(|tool| tool.name == *name);
            Some(*found.ok_or_else(|| {
                LocalError::Config(format!(
                    "the tool `{name}` was asked for, but it is not offered"
                ))
            })?)
        }
        Some(ToolChoice::Any {}) => channel::choose(engine, request, tools, false, cancel)?,
        Some(ToolChoice::Auto {}) | None => channel::choose(engine, request, tools, true, cancel)?,
    };
    match chosen {
        Some(tool) => {
            let input = fill::fill(engine, request, tool, cancel)?;
            Ok(Decision::Call { name: tool.name.clone(), input })
        }
        None => Ok(Decision::Talk),
    }
}

/// A text cut to its first sentences: small models lose the thread in long descriptions.
fn brief(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= most {
        return line;
    }
    let end = line.char_indices().map(|(i, _)| i).take_while(|i| *i <= most).last().unwrap_or(0);
    let cut = line[..end].rfind(". ").map_or(end, |dot| dot + 1);
    line[..cut].to_owned()
}

#[cfg(test)]
mod tests;
