//! Choosing a tool: which one explains the request best?
//!
//! The request is read after each tool's description and examples, and after three kinds of talk that need no
//! tool. The one under which it is likeliest wins. The text scored is the same each time, so its length doesn't
//! matter.

use ropewalk_core::ToolSpec;
use tokio_util::sync::CancellationToken;

use super::brief;
use super::evidence::evidence;
use crate::engine::Engine;
use crate::error::Result;

/// Talk that needs no tool.
const TALK: [(&str, &str, &[&str]); 3] = [
    (
        "chat",
        "Friendly conversation: greetings, thanks, feelings, and questions about the assistant itself.",
        &[
            "Hello, how are you today?",
            "Thank you so much!",
            "What can you do for me?",
            "I had a long day at work.",
        ],
    ),
    (
        "knowledge",
        "Explain something or answer a question of general knowledge.",
        &["Why is the sky blue?", "Who wrote Romeo and Juliet?", "Explain how a battery works."],
    ),
    (
        "writing",
        "Write something creative: a poem, a story, a joke, an idea.",
        &[
            "Write a poem about the sea.",
            "Tell me a joke.",
            "Give me some ideas for a birthday present.",
        ],
    ),
];

/// In doubt, no tool.
const TALK_FIRST: f64 = 0.5;

/// Tokens of a request that are scored; what comes later in a long one doesn't change what it is.
const MOST_TOKENS: usize = 80;

/// The tool that serves the request; none if `may_talk` and talk explains it better.
pub(super) fn choose<'t>(
    engine: &Engine,
    request: &str,
    tools: &[&'t ToolSpec],
    may_talk: bool,
    cancel: &CancellationToken,
) -> Result<Option<&'t ToolSpec>> {
    let request = request.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut target = engine.vocabulary.encode(&format!(" {request}"));
    target.truncate(MOST_TOKENS);
    let mut channels: Vec<(String, Option<&'t ToolSpec>)> =
        tools.iter().map(|tool| (describe(tool, &request), Some(*tool))).collect();
    if may_talk {
        channels.extend(TALK.iter().map(|(name, description, examples)| {
            (channel(name, description, examples.iter().copied()), None)
        }));
    }
    let prefixes: Vec<Vec<u32>> = channels.iter().map(|(text, _)| engine.begin(text)).collect();
    let pairs: Vec<_> = prefixes.iter().map(|p| (p.as_slice(), target.as_slice())).collect();
    let scores = robust(&engine.score(&pairs, cancel)?);
    let mut best: Option<(f64, Option<&ToolSpec>)> = None;
    for ((_, tool), score) in channels.iter().zip(scores) {
        let evidence = tool
            .map_or(TALK_FIRST, |tool| evidence(tool, &request) + wording(tool, tools, &request));
        let total = score + evidence;
        tracing::debug!(tool = tool.map_or("-", |t| &t.name), score, evidence, "weighed");
        if best.is_none_or(|(most, _)| total > most) {
            best = Some((total, *tool));
        }
    }
    Ok(best.and_then(|(_, tool)| tool))
}

/// Words of the request that stand in this tool's name or description and in few others'.
fn wording(tool: &ToolSpec, tools: &[&ToolSpec], request: &str) -> f64 {
    const NAME: f64 = 2.0;
    const DESCRIPTION: f64 = 1.0;
    const MOST: f64 = 3.0;
    let mut sum: f64 = 0.0;
    for word in words(request).filter(|word| word.len() > 3) {
        let said = |text: &str| words(text).any(|other| alike(&word, &other));
        let about = |tool: &ToolSpec| said(&tool.name) || said(&brief(&tool.description, 240));
        if tools.iter().filter(|tool| about(tool)).count() * 3 > tools.len().max(3) {
            continue;
        }
        if said(&tool.name) {
            sum += NAME;
        } else if about(tool) {
            sum += DESCRIPTION;
        }
    }
    sum.min(MOST)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

/// The same word but for an ending.
fn alike(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() > 3 && long.starts_with(short) && long.len() - short.len() < 3
}

/// Sums of each channel's log probabilities, in which no single token counts for more than a few nats against the
/// average channel: a city that happens to stand in one tool's examples must not decide alone.
fn robust(scores: &[Vec<f64>]) -> Vec<f64> {
    const MOST: f64 = 6.0;
    let tokens = scores.first().map_or(0, Vec::len);
    let mut sums = vec![0.0; scores.len()];
    for token in 0..tokens {
        let average = scores.iter().map(|s| s[token]).sum::<f64>() / scores.len() as f64;
        for (sum, score) in sums.iter_mut().zip(scores) {
            *sum += (score[token] - average).clamp(-MOST, MOST);
        }
    }
    sums
}

fn describe(tool: &ToolSpec, request: &str) -> String {
    let examples: Vec<String> =
        (0..tool.examples.len()).map(|index| without_coincidence(tool, index, request)).collect();
    channel(&tool.name, &brief(&tool.description, 240), examples.iter().map(String::as_str))
}

/// An example's request. A value in it that happens to stand in the person's request too (a city, say) would draw
/// the choice to this tool for no reason: another example's value takes its place.
fn without_coincidence(tool: &ToolSpec, index: usize, request: &str) -> String {
    let example = &tool.examples[index];
    let mut text = example.request.clone();
    let lower = request.to_lowercase();
    for (key, value) in example.input.as_object().into_iter().flatten() {
        let Some(value) = value.as_str().filter(|v| v.len() > 2) else { continue };
        if !lower.contains(&value.to_lowercase()) {
            continue;
        }
        let others = tool.examples.iter().enumerate().filter(|(other, _)| *other != index);
        let mut values = others.filter_map(|(_, e)| e.input.get(key)?.as_str());
        if let Some(other) = values.find(|v| !lower.contains(&v.to_lowercase())) {
            text = text.replace(value, other);
        }
    }
    text
}

fn channel<'e>(name: &str, description: &str, examples: impl Iterator<Item = &'e str>) -> String {
    let mut text = format!("Tool: {name}\nDescription: {description}\nExample requests:\n-");
    for example in examples {
        text.push_str(&format!(" {}\n-", brief(example, 200)));
    }
    text
}
