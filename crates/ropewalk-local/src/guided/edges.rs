//! Where a value begins and ends in a sentence, learned from the tool's examples: with its article or without,
//! before which word.

use super::candidates::is_dangling;

/// How the values of an argument are cut out of requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Edges {
    /// Some value begins with a small word that is no article.
    small: bool,
    /// Whether an article belongs to the value; none if the examples don't say.
    article: Option<bool>,
    /// The words that follow values directly.
    after: Vec<String>,
    /// All values are followed by the same word.
    closed: bool,
}

impl Edges {
    /// Learns from what stands before a value, the value, and what stands after it.
    pub(super) fn learn(places: &[(&str, &str, &str)]) -> Self {
        let within = |(_, value, _): &(&str, &str, &str)| is_article(&first(value));
        let left_out = |(before, _, _): &(&str, &str, &str)| is_article(&last(before));
        let article = match (places.iter().any(within), places.iter().any(left_out)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        let after: Vec<String> =
            places.iter().map(|(_, _, after)| next(after)).filter(|w| !w.is_empty()).collect();
        Self {
            small: places.iter().any(|(_, value, _)| is_small(&first(value))),
            article,
            closed: after.len() == places.len() && after.windows(2).all(|w| w[0] == w[1]),
            after,
        }
    }

    /// Whether a piece of a request begins and ends as the examples' values do. A word of the argument's own name
    /// behind it belongs to it, unless the examples leave it out.
    pub(super) fn fit(&self, key: &str, before: &str, text: &str, after: &str) -> bool {
        let start = first(text);
        let begins = match self.article {
            Some(true) => !is_article(&last(before)),
            Some(false) => !is_article(&start),
            None => true,
        };
        let next = next(after);
        let named = key.split(['_', '-']).any(|part| part.eq_ignore_ascii_case(&next));
        begins
            && (self.small || !is_small(&start))
            && (!named || next.is_empty() || self.after.contains(&next))
    }

    /// Whether the word that follows all the examples' values follows here too.
    pub(super) fn closes(&self, after: &str) -> bool {
        self.closed && self.after.contains(&next(after))
    }
}

fn is_article(word: &str) -> bool {
    ["the", "a", "an", "my", "your", "our"].contains(&word)
}

fn is_small(word: &str) -> bool {
    is_dangling(word) && !is_article(word)
}

fn first(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_lowercase()
}

fn last(text: &str) -> String {
    text.split_whitespace().next_back().unwrap_or_default().to_lowercase()
}

/// The word behind a value, if nothing but a blank is between them.
fn next(after: &str) -> String {
    if !after.starts_with(char::is_whitespace) {
        return String::new();
    }
    let word = first(after);
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}
