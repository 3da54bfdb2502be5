//! Whether an answer says what the tool gave.

use std::collections::HashSet;

use ropewalk_core::ToolExample;
use serde_json::Value;

use super::super::Outcome;
use super::super::candidates::is_dangling;
use super::figures::runs;

/// Whether an answer shows what it must of a result: all of it, or what the answers of the tool's examples show of
/// results of the same form (the hours and minutes of a whole date, say).
pub(super) fn told(
    answer: &str,
    request: &str,
    outcome: &Outcome,
    result: &str,
    examples: &[ToolExample],
) -> bool {
    if borrows(answer, &format!("{request} {result}"), examples) {
        return false;
    }
    if outcome.facts().iter().all(|fact| says(answer, fact)) {
        return true;
    }
    let shown = runs(answer);
    examples.iter().filter_map(|e| shown_part(e, result)).any(|part| part == shown)
        && known(answer, request, result)
}

/// The numbers of a result that an answer is to show, where the tool's examples answer with a part of what results
/// of this form hold; after the example whose request has most words in common with this one.
pub(super) fn part(request: &str, result: &str, examples: &[ToolExample]) -> Option<Vec<String>> {
    let words = |text: &str| -> HashSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let wanted = words(request);
    let closeness = |example: &ToolExample| {
        let said = words(&example.request);
        wanted.intersection(&said).count() * 1000 / wanted.union(&said).count().max(1)
    };
    let parts: Vec<_> = examples.iter().filter_map(|e| Some((e, shown_part(e, result)?))).collect();
    let (_, nearest) = parts.iter().max_by_key(|(example, _)| closeness(example))?;
    // A telling word that all examples with this part share must be here too.
    let mut alike =
        parts.iter().filter(|(_, part)| part == nearest).map(|(e, _)| words(&e.request));
    let first = alike.next()?;
    let shared = alike.fold(first, |shared, other| shared.intersection(&other).cloned().collect());
    let telling = shared.iter().any(|word| !is_dangling(word) && wanted.contains(word));
    (telling && nearest.len() < runs(result).len()).then(|| nearest.clone())
}

/// What an example's answer shows of its result, found in another result.
fn shown_part(example: &ToolExample, other: &str) -> Option<Vec<String>> {
    let (result, other) = (runs(example.result.as_deref()?), runs(other));
    let mut places = Vec::new();
    for run in runs(example.answer.as_deref()?) {
        let from = places.last().map_or(0, |last| last + 1);
        places.push(from + result.get(from..)?.iter().position(|r| *r == run)?);
    }
    let alike = result.len() == other.len() && !places.is_empty();
    alike.then(|| places.iter().map(|place| other[*place].clone()).collect())
}

/// Whether an answer speaks of a value that only an example has: its file, its city.
fn borrows(answer: &str, source: &str, examples: &[ToolExample]) -> bool {
    let (answer, source) = (answer.to_lowercase(), source.to_lowercase());
    let inputs = examples.iter().filter_map(|example| example.input.as_object());
    let values = inputs.flat_map(|input| input.values()).filter_map(Value::as_str);
    let mut values = values.map(str::to_lowercase).filter(|value| value.len() > 2);
    values.any(|value| answer.contains(&value) && !source.contains(&value))
}

/// Whether all names in an answer stand in the request or the result.
fn known(answer: &str, request: &str, result: &str) -> bool {
    let source = format!("{request} {result}").to_lowercase();
    let words = answer.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut names = words.skip(1).filter(|word| word.starts_with(char::is_uppercase));
    names.all(|name| source.contains(&name.to_lowercase()))
}

/// Whether an answer shows a fact: as it stands, or all its numbers and most of its words.
fn says(answer: &str, fact: &str) -> bool {
    let (answer, fact) = (answer.to_lowercase(), fact.trim().to_lowercase());
    if fact.is_empty() || answer.contains(fact.trim_end_matches('.')) {
        return true;
    }
    let shown = runs(&answer);
    if !runs(&fact).iter().all(|run| shown.contains(run)) {
        return false;
    }
    let words: Vec<&str> =
        fact.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 3).collect();
    let said = words.iter().filter(|w| answer.contains(**w)).count();
    said * 3 >= words.len() * 2
}
