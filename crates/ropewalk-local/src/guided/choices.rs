//! Arguments with few possible values: numbers of the request, enumerations, yes or no.

use ropewalk_core::{ToolExample, ToolSpec};
use serde_json::{Value, json};

use super::argument::{Argument, in_a_line};
use super::numbers;
use super::schema::{as_number, enumerated, types, within};

/// A possible value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub(super) value: Value,
    /// As it is written in a line.
    pub(super) text: String,
    /// Where it stands in the request.
    place: Option<usize>,
}

/// Combinations that are compared at most.
const MOST: usize = 48;

pub(super) fn is_choice(schema: &Value) -> bool {
    enumerated(schema).is_some() || matches!(types(schema)[..], ["integer" | "number" | "boolean"])
}

/// Every sensible way of giving the arguments their values; none if there are too many to compare.
pub(super) fn combinations(
    tool: &ToolSpec,
    wanted: &[&Argument<'_>],
    request: &str,
) -> Vec<Vec<Choice>> {
    let mut all: Vec<Vec<Choice>> = vec![Vec::new()];
    for (place, argument) in wanted.iter().enumerate() {
        let alike = wanted.iter().filter(|a| a.schema == argument.schema).count();
        let options = options(tool, argument, request, alike, wanted.len());
        let mut longer = Vec::new();
        for chosen in &all {
            for option in &options {
                let clashes = |(i, other): (usize, &Choice)| {
                    let twice = other.place.is_some() && other.place == option.place;
                    let same = enumerated(argument.schema).is_some()
                        && wanted[i].schema == argument.schema
                        && other.value == option.value;
                    twice
                        || same
                        || out_of_order(tool, wanted[i], argument, other, option)
                        || apart(tool, request, (wanted[i], other), (argument, option))
                        || apart(tool, request, (argument, option), (wanted[i], other))
                };
                if place == 0 || !chosen.iter().enumerate().any(clashes) {
                    longer.push(chosen.iter().cloned().chain([option.clone()]).collect());
                }
            }
        }
        all = longer;
        if all.len() > MOST {
            return Vec::new();
        }
    }
    all
}

fn options(
    tool: &ToolSpec,
    argument: &Argument<'_>,
    request: &str,
    alike: usize,
    wanted: usize,
) -> Vec<Choice> {
    let schema = argument.schema;
    if let Some(values) = enumerated(schema) {
        let lower = request.to_lowercase();
        let choice = |value: Value| {
            let text = in_a_line(&value);
            Choice { place: word(&lower, &text.to_lowercase()), value, text }
        };
        let all: Vec<Choice> = values.into_iter().map(choice).collect();
        let named: Vec<Choice> = all.iter().filter(|c| c.place.is_some()).cloned().collect();
        return if named.len() >= alike { named } else { all };
    }
    if types(schema) == ["boolean"] {
        let choice = |value: Value| Choice { text: value.to_string(), value, place: None };
        return booleans(tool, argument, request).into_iter().map(choice).collect();
    }
    let integer = types(schema) == ["integer"];
    let found = numbers::find_counts(request);
    let mut all: Vec<Choice> = found
        .iter()
        .filter(|n| n.value().is_some_and(|v| within(schema, v) && (!integer || v.fract() == 0.0)))
        .filter_map(|n| {
            let value = as_number(&n.text, integer)?;
            Some(Choice { value, text: n.text.clone(), place: Some(n.start) })
        })
        .collect();
    if found.len() < wanted && !found.is_empty() && within(schema, 1.0) {
        // "a die": one of them.
        all.push(Choice { value: json!(1), text: "1".into(), place: None });
    }
    all
}

/// Where a value stands as a word of its own.
fn word(text: &str, value: &str) -> Option<usize> {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut places = text.match_indices(value);
    let whole = |(start, found): &(usize, &str)| {
        !letter(text[..*start].chars().last())
            && !letter(text[start + found.len()..].chars().next())
    };
    places.find(whole).map(|(start, _)| start)
}

/// Whether two values stand the other way round than in the examples, where those agree.
fn out_of_order(
    tool: &ToolSpec,
    a: &Argument<'_>,
    b: &Argument<'_>,
    first: &Choice,
    second: &Choice,
) -> bool {
    let (Some(first), Some(second)) = (first.place, second.place) else { return false };
    if enumerated(a.schema).is_none() || enumerated(b.schema).is_none() {
        return false;
    }
    let orders: Vec<bool> = tool
        .examples
        .iter()
        .filter_map(|e| {
            let request = e.request.to_lowercase();
            let place = |key: &str| word(&request, &in_a_line(e.input.get(key)?).to_lowercase());
            Some(place(a.key)? < place(b.key)?)
        })
        .collect();
    match orders.first() {
        Some(order) if orders.iter().all(|o| o == order) => (first < second) != *order,
        _ => false,
    }
}

/// Whether a number's unit is another than the one right behind it, though the unit stands there in all examples.
fn apart(
    tool: &ToolSpec,
    request: &str,
    (count, number): (&Argument<'_>, &Choice),
    (of, unit): (&Argument<'_>, &Choice),
) -> bool {
    let Some(place) = number.place.filter(|_| enumerated(count.schema).is_none()) else {
        return false;
    };
    let Some(units) = enumerated(of.schema) else { return false };
    let behind = |request: &str, start: usize, unit: &Value| {
        let rest = request[start..].to_lowercase();
        let rest = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
        word(rest, &in_a_line(unit).to_lowercase()) == Some(0)
    };
    let shown = |e: &ToolExample| {
        let amount = e.input.get(count.key)?.as_f64()?;
        let found = numbers::find_counts(&e.request);
        let number = found.iter().find(|n| n.value() == Some(amount))?;
        Some(behind(&e.request, number.start, e.input.get(of.key)?))
    };
    let shown: Vec<bool> = tool.examples.iter().filter_map(shown).collect();
    let usual = !shown.is_empty() && shown.iter().all(|s| *s);
    usual && units.iter().any(|u| behind(request, place, u)) && !behind(request, place, &unit.value)
}

/// Yes or no; the one alone whose examples speak as the request does ("on", "off").
pub(super) fn booleans(tool: &ToolSpec, argument: &Argument<'_>, request: &str) -> Vec<Value> {
    let both = vec![json!(true), json!(false)];
    let Some(wanted) = polarity(request) else { return both };
    let shown: Vec<(bool, bool)> = tool
        .examples
        .iter()
        .filter_map(|e| Some((polarity(&e.request)?, e.input.get(argument.key)?.as_bool()?)))
        .collect();
    let same = shown.iter().all(|(said, value)| said == value);
    let opposite = shown.iter().all(|(said, value)| said != value);
    match (shown.is_empty(), same, opposite) {
        (false, true, _) => vec![json!(wanted)],
        (false, _, true) => vec![json!(!wanted)],
        _ => both,
    }
}

/// Whether a text speaks for something being on, or off; none if it does neither or both.
fn polarity(text: &str) -> Option<bool> {
    const ON: [&str; 9] =
        ["on", "enable", "enabled", "open", "activate", "start", "with", "unmute", "lock"];
    const OFF: [&str; 12] = [
        "off",
        "disable",
        "disabled",
        "close",
        "deactivate",
        "stop",
        "without",
        "mute",
        "unlock",
        "no",
        "not",
        "don't",
    ];
    let lower = text.to_lowercase();
    let said = |words: &[&str]| words.iter().any(|w| word(&lower, w).is_some());
    match (said(&ON), said(&OFF)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}
