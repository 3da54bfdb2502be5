//! Which numbers an answer may hold, and how.
//!
//! A very small model misquotes: "12 + 7 is 57" for a question about (12 + 7) * 3. So a calculation in the request
//! is quoted whole or not at all, other numbers come in the request's order, and all else is the result's.

use serde_json::Value;

use super::super::arithmetic::{Certainty, certainty, is_expression};
use super::super::numbers;

/// Numbers that may occur in an answer.
#[derive(Debug)]
pub(super) struct Figures {
    request: String,
    /// Runs of digits of the result, each as often as it stands there.
    result: Vec<String>,
    /// Numbers in other signs than digits (½, Ⅳ) that occur.
    other: String,
    /// Those of the request.
    free: Vec<String>,
    /// The calculation in the request: as it stands there, and as the tool was given it. Its numbers occur in an
    /// answer only as one of these.
    whole: Vec<String>,
}

impl Figures {
    /// `part` are the numbers of the result that are to be shown, if not all.
    pub(super) fn new(
        request: &str,
        input: &Value,
        result: &str,
        part: Option<Vec<String>>,
    ) -> Self {
        let whole = calculation(request, input);
        let other = format!("{request} {result}").chars().filter(|c| is_other(*c)).collect();
        let mut free = Vec::new();
        if whole.is_empty() {
            free = runs(request);
            // Numbers written in words may come back in digits.
            let worded = numbers::find(request).into_iter();
            let worded =
                worded.filter(|n| !request[n.start..n.end].contains(|c: char| c.is_ascii_digit()));
            free.extend(worded.map(|n| n.text));
        }
        Self {
            request: request.to_lowercase(),
            result: part.unwrap_or_else(|| runs(result)),
            other,
            free,
            whole,
        }
    }

    /// Whether each number of the text is allowed; what stands last may be the beginning of one unless `ended`.
    pub(super) fn permits(&self, text: &str, ended: bool) -> bool {
        if text.chars().any(|c| is_other(c) && !self.other.contains(c)) {
            return false;
        }
        let rest = self.unquoted(&text.to_lowercase(), ended);
        let open = !ended && rest.ends_with(|c: char| c.is_ascii_digit());
        let found = runs(&rest);
        let mut left: Vec<&String> = self.result.iter().chain(&self.free).collect();
        for (index, run) in found.iter().enumerate() {
            let last = open && index + 1 == found.len();
            let fits = |allowed: &&String| {
                if last { allowed.starts_with(run.as_str()) } else { *allowed == run }
            };
            match left.iter().position(fits) {
                Some(_) if last => {}
                Some(place) => {
                    left.swap_remove(place);
                }
                None => return false,
            }
        }
        true
    }

    /// The text without the quoted calculation, or without the beginning of one at its end.
    fn unquoted(&self, text: &str, ended: bool) -> String {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let quoted = |whole: &String| {
            let start = text.find(whole.as_str())?;
            let end = start + whole.len();
            let alone = !digit(text[..start].chars().last()) && !digit(text[end..].chars().next());
            alone.then_some((start, end))
        };
        let longest = self.whole.iter().filter_map(quoted).max_by_key(|(start, end)| end - start);
        if let Some((start, end)) = longest {
            return format!("{} {}", &text[..start], &text[end..]);
        }
        if !ended {
            let begun = |whole: &String| {
                let ends = whole.char_indices().map(|(i, c)| i + c.len_utf8());
                ends.filter(|end| text.ends_with(&whole[..*end]))
                    .filter(|end| !digit(text[..text.len() - end].chars().last()))
                    .max()
            };
            if let Some(length) = self.whole.iter().filter_map(begun).max() {
                return text[..text.len() - length].to_owned();
            }
        }
        text.to_owned()
    }

    /// Whether a calculation is quoted, if the answer has words for it, and other numbers that are the request's stand as they do there, with all that is between them.
    pub(super) fn in_order(&self, answer: &str) -> bool {
        const BARE: usize = 5;
        let answer = answer.to_lowercase();
        if !self.whole.is_empty() {
            // A calculation that is told in other words is mostly told wrong.
            let quoted = self.whole.iter().any(|whole| answer.contains(whole.as_str()));
            return quoted || answer.split_whitespace().count() <= BARE;
        }
        let used: Vec<String> =
            runs(&answer).into_iter().filter(|run| !self.result.contains(run)).collect();
        if used.len() < 2 {
            return true;
        }
        let (mut at, mut start) = (0, None);
        for run in &used {
            let Some(place) = self.request[at..].find(run.as_str()) else { return false };
            start.get_or_insert(at + place);
            at += place + run.len();
        }
        answer.contains(&self.request[start.unwrap_or(at)..at])
    }
}

/// A calculation in a request, in each way that it may be quoted; none if there is none.
fn calculation(request: &str, input: &Value) -> Vec<String> {
    let found = numbers::find(request);
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return Vec::new() };
    let given = input.as_object().into_iter().flat_map(|all| all.values());
    let given: Vec<&str> = given.filter_map(Value::as_str).filter(|v| is_expression(v)).collect();
    if found.len() < 2 || (given.is_empty() && certainty(request) != Certainty::Written) {
        return Vec::new();
    }
    let before = &request[..first.start];
    let start = before.trim_end_matches('(').len();
    let after = &request[last.end..];
    let end = request.len() - after.trim_start_matches([')', '%']).len();
    let mut digits = before[start..].to_owned();
    let mut at = first.start;
    for number in &found {
        digits.push_str(&request[at..number.start]);
        let written = &request[number.start..number.end];
        let in_digits = written.contains(|c: char| c.is_ascii_digit());
        digits.push_str(if in_digits { written } else { &number.text });
        at = number.end;
    }
    digits.push_str(&request[at..end]);
    let mut all = vec![request[start..end].to_lowercase(), digits.to_lowercase()];
    all.extend(given.iter().map(|text| text.to_lowercase()));
    all
}

fn is_other(c: char) -> bool {
    c.is_numeric() && !c.is_ascii_digit()
}

/// Runs of digits, each with the minus that belongs to it.
pub(super) fn runs(text: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut before = [' ', ' '];
    let mut within = false;
    for c in text.chars() {
        if c.is_ascii_digit() {
            if !within {
                let negative = before[1] == '-' && !before[0].is_alphanumeric();
                runs.push(if negative { "-".into() } else { String::new() });
            }
            if let Some(run) = runs.last_mut() {
                run.push(c);
            }
        }
        within = c.is_ascii_digit();
        before = [before[1], c];
    }
    runs
}
