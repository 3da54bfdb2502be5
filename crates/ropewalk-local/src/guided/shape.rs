//! What values of an argument look like, learned from the tool's examples.

use ropewalk_core::ToolExample;
use serde_json::Value;

use super::edges::Edges;

/// How an argument's value comes about in the examples.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shape {
    /// How many examples give this argument.
    pub(super) given: usize,
    /// How many of those copy it from the request.
    pub(super) copied: usize,
    /// All are one word with a mark inside, such as a file name, an address or a time: the marks they share.
    marks: Option<Vec<char>>,
    /// All are arithmetic.
    pub(super) arithmetic: bool,
    /// How values are cut out of requests.
    pub(super) edges: Edges,
    /// Words that stand right before the value in the examples' requests.
    before: Vec<String>,
    /// All values reach to the end of their requests.
    to_end: bool,
    /// Some value stood between quotation marks.
    pub(super) quoted: bool,
    /// Letters of a value on average.
    pub(super) length: usize,
    /// All are written as in the request but for upper and lower case.
    pub(super) lower: bool,
}

const MARKS: [char; 8] = ['.', '/', '@', ':', '_', '#', '-', '\\'];

impl Shape {
    pub(super) fn learn(examples: &[ToolExample], key: &str) -> Self {
        let given: Vec<(&str, String)> = examples
            .iter()
            .filter_map(|e| match e.input.get(key)? {
                Value::String(text) => Some((e.request.as_str(), text.clone())),
                Value::Null => None,
                other => Some((e.request.as_str(), other.to_string())),
            })
            .collect();
        if given.is_empty() {
            return Self::default();
        }
        let within = |(request, value): &&(&str, String)| {
            request.to_lowercase().contains(&value.to_lowercase())
        };
        let single = given.iter().all(|(_, v)| !v.trim().contains(char::is_whitespace));
        let shared: Vec<char> =
            MARKS.into_iter().filter(|m| given.iter().all(|(_, v)| v.contains(*m))).collect();
        let places: Vec<(&str, &str, &str)> =
            given.iter().filter_map(|(request, value)| around(request, value)).collect();
        let mark = |c: char| "'\"`“‘«".contains(c);
        let last_word = |text: &str| {
            let word = text.trim_end().trim_end_matches(mark).trim_end();
            word.rsplit(char::is_whitespace).next().map(str::to_lowercase)
        };
        Self {
            edges: Edges::learn(&places),
            before: places
                .iter()
                .filter(|(before, _, _)| !before.trim_end().ends_with(','))
                .filter_map(|(before, _, _)| last_word(before))
                .filter(|word| word.chars().all(char::is_alphabetic) && !word.is_empty())
                .filter(|word| !["the", "a", "an", "my", "some"].contains(&word.as_str()))
                .collect(),
            to_end: !places.is_empty()
                && places.iter().all(|(_, _, after)| !after.contains(char::is_alphanumeric)),
            quoted: places.iter().any(|(before, _, _)| before.ends_with(mark)),
            length: given.iter().map(|(_, v)| v.chars().count()).sum::<usize>() / given.len(),
            given: given.len(),
            copied: given.iter().filter(within).count(),
            marks: (single && !shared.is_empty()).then_some(shared),
            arithmetic: given.iter().all(|(_, v)| super::arithmetic::is_expression(v)),
            lower: given.iter().all(|(_, v)| v.to_lowercase() == *v)
                && given.iter().any(|(r, v)| !r.contains(v.as_str())),
        }
    }

    /// Whether a candidate looks as the examples do.
    pub(super) fn fits(&self, candidate: &str) -> bool {
        match &self.marks {
            Some(marks) => {
                !candidate.contains(char::is_whitespace)
                    && marks.iter().all(|m| candidate.contains(*m))
            }
            None => true,
        }
    }

    /// Whether a candidate is a word with some mark inside at least.
    pub(super) fn fits_loosely(&self, candidate: &str) -> bool {
        !candidate.contains(char::is_whitespace)
            && candidate.contains(['.', '/', '@', ':', '_', '#', '\\'])
    }

    /// Whether a span stands behind a word that values stand behind in the examples.
    pub(super) fn follows(&self, before: &str) -> bool {
        let word = before.trim_end().trim_end_matches(|c: char| "'\"`“‘«:".contains(c)).trim_end();
        let word = word.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
        self.before.contains(&word)
    }

    /// Whether values reach to the end of the request.
    pub(super) fn reaches_end(&self) -> bool {
        self.to_end
    }

    /// Whether it is certain what a value looks like: a word with a mark inside.
    pub(super) fn is_marked(&self) -> bool {
        self.marks.is_some()
    }
}

/// What stands before a value in a request, the value, and what stands after it.
fn around<'r>(request: &'r str, value: &str) -> Option<(&'r str, &'r str, &'r str)> {
    let start = request.find(value).or_else(|| {
        // Only where lower case keeps the places of letters.
        let lower = request.to_lowercase();
        (lower.len() == request.len()).then(|| lower.find(&value.to_lowercase())).flatten()
    })?;
    let end = start + value.len();
    Some((request.get(..start)?, request.get(start..end)?, request.get(end..)?))
}
