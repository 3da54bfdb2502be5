//! The sources of an answer.

use ropewalk_core::{Citation, TextBlock};
use serde_json::{Map, Value, json};

/// The sources that a candidate tells, with the words that they stand behind.
pub(super) fn citations(candidate: &Map<String, Value>) -> Vec<Citation> {
    let grounding = candidate.get("groundingMetadata");
    let list = |key: &str| grounding.and_then(|found| found.get(key)?.as_array());
    let supports = list("groundingSupports").map(Vec::as_slice).unwrap_or_default();
    let chunks = list("groundingChunks").into_iter().flatten().zip(0_u64..);
    let grounded = chunks.filter_map(|(chunk, index)| {
        // Each is an object with one key, which says where it was found.
        let source = chunk.as_object()?.values().next()?;
        let is_for = |support: &&Value| {
            let indices = support.get("groundingChunkIndices").and_then(Value::as_array);
            indices.into_iter().flatten().any(|other| other.as_u64() == Some(index))
        };
        let words = supports.iter().filter(is_for);
        let words = words.filter_map(|support| support.pointer("/segment/text")?.as_str());
        citation(source, words.map(str::to_owned).collect())
    });
    // What the model recites.
    let recited = candidate.get("citationMetadata");
    let recited =
        recited.and_then(|all| all.get("citationSources").or_else(|| all.get("citations")));
    let recited = recited.and_then(Value::as_array).into_iter().flatten();
    grounded.chain(recited.filter_map(|source| citation(source, Vec::new()))).collect()
}

fn citation(source: &Value, words: Vec<String>) -> Option<Citation> {
    let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::to_owned);
    let location = text("uri").map(|url| match text("domain") {
        Some(domain) => json!({"web": {"url": url, "domain": domain}}),
        None => json!({"web": {"url": url}}),
    });
    let title = text("title");
    if location.is_none() && title.is_none() {
        return None;
    }
    let words: Vec<TextBlock> = words.into_iter().map(|text| TextBlock { text }).collect();
    let source_content = (!words.is_empty()).then_some(words);
    Some(Citation { location, title, source_content, ..Citation::default() })
}
