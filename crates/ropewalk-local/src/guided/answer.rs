//! Wording the answer when the tools have spoken.
//!
//! The model sees the tool's own examples as a conversation, then the request with its result. It may write only
//! numbers that stand in the request or the result; and an answer that leaves the result out, misquotes the request
//! or comes to no end is replaced by the result itself.

mod facts;
mod figures;

use ropewalk_core::ToolSpec;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Outcome;
use crate::engine::{Engine, Session};
use crate::error::Result;
use crate::vocabulary::{TextStream, Vocabulary};
use facts::{part, told};
use figures::Figures;

/// Results longer than this, of several lines, or in columns are shown as they are.
const MOST_WORDED: usize = 160;
/// Characters that are shown of a result.
const MOST_SHOWN: usize = 2000;
const MOST_TOKENS: usize = 80;

/// Examples for tools that bring none with an answer.
const USUAL: [(&str, &str, &str); 2] = [
    ("How tall is the tower?", "93 m", "The tower is 93 m tall."),
    (
        "Who is the owner of the blue boat?",
        "Maria Lopez",
        "The owner of the blue boat is Maria Lopez.",
    ),
];

/// The answer to `request`, given what the tools gave.
pub(crate) fn answer(
    engine: &Engine,
    request: &str,
    outcomes: &[Outcome],
    tools: &[&ToolSpec],
    cancel: &CancellationToken,
) -> Result<String> {
    if let [outcome] = outcomes
        && !outcome.failed
    {
        let result = outcome.plain();
        let columns = result.contains(['\n', '\t']) || result.contains("  ");
        let short = result.len() <= MOST_WORDED && !columns && !result.is_empty();
        if short && let Some(text) = worded(engine, request, outcome, &result, tools, cancel)? {
            return Ok(text);
        }
    }
    Ok(outcomes.iter().map(shown).collect::<Vec<_>>().join("\n"))
}

/// Adds what tools gave to a chat, for a model that has no place for it of its own.
pub(crate) fn add_results(messages: &mut [Value], outcomes: &[Outcome], vocabulary: &Vocabulary) {
    let results: Vec<String> = outcomes.iter().map(|o| format!("Result: {}", shown(o))).collect();
    if let Some(last) = messages.last_mut().filter(|_| !results.is_empty()) {
        let said = last["content"].as_str().unwrap_or_default();
        let results = vocabulary.shield(&results.join("\n"));
        last["content"] = json!(format!("{said}\n{results}"));
    }
}

/// The result itself, or what went wrong.
fn shown(outcome: &Outcome) -> String {
    let mut text = outcome.readable(MOST_WORDED);
    if let Some((end, _)) = text.char_indices().nth(MOST_SHOWN) {
        let all = text.chars().count();
        text.truncate(end);
        text.push_str(&format!(" …\n(cut: the first {MOST_SHOWN} of {all} characters)"));
    }
    if outcome.failed {
        let reason = text.strip_prefix("Error:").map_or(text.as_str(), str::trim);
        return format!("That did not work: {} said: {reason}", outcome.tool);
    }
    if text.is_empty() { format!("Done: {} gave no output.", outcome.tool) } else { text }
}

fn worded(
    engine: &Engine,
    request: &str,
    outcome: &Outcome,
    result: &str,
    tools: &[&ToolSpec],
    cancel: &CancellationToken,
) -> Result<Option<String>> {
    let mut messages = Vec::new();
    let mut turn = |request: &str, result: &str, answer: &str| {
        messages.push(json!({"role": "user", "content": format!("{request}\nResult: {result}")}));
        messages.push(json!({"role": "assistant", "content": answer}));
    };
    let tool = tools.iter().find(|tool| tool.name == outcome.tool);
    let mut shown = 0;
    for example in tool.into_iter().flat_map(|tool| &tool.examples) {
        if let (Some(result), Some(answer)) = (&example.result, &example.answer) {
            turn(&example.request, &Outcome::example(result).plain(), answer);
            shown += 1;
        }
    }
    if shown == 0 {
        USUAL.iter().for_each(|(request, result, answer)| turn(request, result, answer));
    }
    let line = engine.vocabulary.shield(&request.split_whitespace().collect::<Vec<_>>().join(" "));
    let content = format!("{line}\nResult: {}", engine.vocabulary.shield(result));
    messages.push(json!({"role": "user", "content": content}));
    let prompt = engine.begin_chat(&engine.template.render(&messages, &[])?);
    let mut session = Session::open(engine, &prompt, cancel)?;
    let line = request.split_whitespace().collect::<Vec<_>>().join(" ");
    let examples = tool.map_or(&[][..], |tool| &tool.examples);
    let part = part(&line, result, examples);
    let figures = Figures::new(&line, &outcome.input, result, part);
    let Some(text) = write(engine, &mut session, &figures)? else { return Ok(None) };
    let sound = figures.in_order(&text) && told(&text, &line, outcome, result, examples);
    tracing::debug!(text, sound, "worded");
    Ok((sound && !text.is_empty()).then_some(text))
}

/// One paragraph; none if it comes to no end.
fn write(engine: &Engine, session: &mut Session<'_>, allowed: &Figures) -> Result<Option<String>> {
    let vocabulary = &engine.vocabulary;
    let mut text = String::new();
    let mut stream = TextStream::default();
    for _ in 0..MOST_TOKENS {
        let token = session.best_where(|token| {
            if vocabulary.is_stop(token) {
                return allowed.permits(&text, true);
            }
            let piece = String::from_utf8_lossy(vocabulary.bytes(token));
            !vocabulary.is_control(token) && allowed.permits(&format!("{text}{piece}"), false)
        });
        let Some(token) = token else { return Ok(None) };
        if vocabulary.is_stop(token) {
            return Ok(Some(text.trim().to_owned()));
        }
        session.push(&[token])?;
        text.push_str(&stream.push(vocabulary.bytes(token)));
        // The first paragraph is the answer.
        if let Some(end) = text.find('\n').filter(|_| !text.trim().is_empty()) {
            text.truncate(end);
            return Ok(allowed.permits(&text, true).then(|| text.trim().to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
