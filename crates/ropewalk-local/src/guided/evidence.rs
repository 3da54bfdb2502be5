//! What the form of a request says about a tool, apart from its wording.

use ropewalk_core::ToolSpec;

use super::argument::arguments;
use super::candidates::{content_words, spans};
use super::schema::{pattern, types, within};
use super::{arithmetic, numbers};

/// How much the form of a request speaks for a tool, apart from its wording: whether what the tool's required
/// arguments must look like occurs in it.
pub(super) fn evidence(tool: &ToolSpec, request: &str) -> f64 {
    const FOR: f64 = 4.0;
    const AGAINST: f64 = -8.0;
    let mut sum = 0.0;
    let mut free_texts = 0;
    let mut marked_words = 0;
    for argument in arguments(tool).iter().filter(|a| a.required) {
        let shape = &argument.shape;
        let pattern = pattern(argument.schema);
        let matches =
            |text: &str| pattern.as_ref().is_none_or(|p| p.is_match(text).unwrap_or(false));
        if shape.arithmetic {
            sum += match arithmetic::certainty(request) {
                arithmetic::Certainty::Written => FOR,
                arithmetic::Certainty::Possible => 0.0,
                arithmetic::Certainty::No => AGAINST,
            };
        } else if shape.is_marked() && shape.copied > 0 {
            let spans = spans(request);
            let any = |fits: &dyn Fn(&str) -> bool| {
                spans.iter().any(|span| fits(&span.text) && matches(&span.text))
            };
            sum += if any(&|text| shape.fits(text)) {
                FOR
            } else if any(&|text| shape.fits_loosely(text)) {
                FOR / 2.0
            } else {
                AGAINST
            };
            marked_words += 1;
        } else if let ["integer" | "number"] = types(argument.schema)[..]
            && argument.schema.get("default").is_none()
            && shape.copied > 0
        {
            let found = numbers::find(request);
            let fits = |n: &numbers::Number| n.value().is_some_and(|v| within(argument.schema, v));
            sum += if found.iter().any(fits) { 0.0 } else { AGAINST };
        } else if pattern.is_some() && shape.copied > 0 {
            sum += if spans(request).iter().any(|s| matches(&s.text)) { 0.0 } else { AGAINST };
        } else if shape.copied > 0 {
            free_texts += 1;
        }
    }
    // A text to be copied needs words beside those that say what to do, and with what.
    let about = format!("{} {}", tool.name, tool.description);
    let words = content_words(request, &about).saturating_sub(marked_words);
    if free_texts > 0 && words < free_texts {
        sum += if words == 0 { AGAINST } else { AGAINST / 2.0 };
    }
    sum
}
