//! Pieces of a request that may be the value of a text argument.

/// A piece of the request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Stood between quotation marks.
    pub(super) quoted: bool,
}

/// Words of one span at most, and spans at most.
const MOST_WORDS: usize = 40;
const MOST_SPANS: usize = 4000;

/// Every run of whole words, and what stands between quotation marks. A run neither begins nor ends inside a
/// quotation.
pub(super) fn spans(request: &str) -> Vec<Span> {
    let quotes = quotations(request);
    let inside = |start: usize, end: usize| {
        quotes.iter().any(|q| start < q.end && end > q.start && !(start <= q.start && end >= q.end))
    };
    let words = words(request);
    let longest =
        if words.is_empty() { 0 } else { (MOST_SPANS / words.len()).clamp(1, MOST_WORDS) };
    let mut spans = quotes.clone();
    for first in 0..words.len() {
        for last in first..words.len().min(first + longest) {
            let (start, end) = (words[first].0, words[last].1);
            let text = &request[start..end];
            if start < end && !inside(start, end) && balanced(text) && !is_dangling(text) {
                spans.push(Span { text: text.to_owned(), start, end, quoted: false });
            }
        }
    }
    // What follows a colon is often long.
    for (colon, _) in request.match_indices(": ") {
        let text = request[colon + 2..].trim();
        let start = request.len() - request[colon + 2..].trim_start().len();
        if !text.is_empty() && !inside(start, start + text.len()) {
            spans.push(Span {
                text: text.to_owned(),
                start,
                end: start + text.len(),
                quoted: false,
            });
        }
    }
    let mut seen = std::collections::HashSet::new();
    spans.retain(|span| !span.text.contains('\n') || span.quoted);
    spans.retain(|span| seen.insert(span.text.clone()));
    spans
}

/// Start and end of each word without the punctuation around it.
fn words(request: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut at = 0;
    for word in request.split_inclusive(char::is_whitespace) {
        let (start, end) = trimmed(word.trim_end());
        if start < end {
            words.push((at + start, at + end));
        }
        at += word.len();
    }
    words
}

fn trimmed(word: &str) -> (usize, usize) {
    let tail = |c: char| ".,;:!?\"'`”’)]}>…".contains(c);
    let head = |c: char| "\"'`“‘([{<,;:!?".contains(c);
    let mut end = word.trim_end_matches(tail).len();
    // f(x) and C++ (2) keep what they opened themselves.
    while let Some(next) = word[end..].chars().next()
        && matches!((next, word[..end].contains('(')), (')', true))
    {
        end += next.len_utf8();
    }
    let mut text = &word[..end];
    for possessive in ["'s", "’s"] {
        text = text.strip_suffix(possessive).unwrap_or(text);
    }
    let start = text.len() - text.trim_start_matches(head).len();
    (start, text.len().max(start))
}

/// Whether a run of words ends in one that wants another after it ("eggs for"), or is nothing but such a word.
pub(super) fn is_dangling(text: &str) -> bool {
    const WANTING: [&str; 32] = [
        "a", "an", "the", "of", "to", "in", "on", "at", "for", "with", "and", "or", "is", "are",
        "by", "from", "into", "my", "your", "me", "please", "that", "this", "what", "how", "as",
        "i", "it", "do", "be", "saying", "called",
    ];
    let last = text.rsplit(char::is_whitespace).next().unwrap_or(text).to_lowercase();
    WANTING.contains(&last.as_str())
}

/// How many words a request has that mean something of themselves, apart from those that name what a tool is about
/// and from one at its beginning: that says what to do.
pub(super) fn content_words(request: &str, about: &str) -> usize {
    let words = words(request);
    let about = about.to_lowercase();
    let about: Vec<&str> = about.split(|c: char| !c.is_alphanumeric()).collect();
    let means = |(start, end): &&(usize, usize)| {
        let word = &request[*start..*end];
        !is_dangling(word) && !about.contains(&word.to_lowercase().as_str())
    };
    let all = words.iter().filter(means).count();
    let verb = words.first().is_some_and(|first| means(&first));
    all - usize::from(verb)
}

fn balanced(text: &str) -> bool {
    text.matches('(').count() == text.matches(')').count()
}

fn quotations(request: &str) -> Vec<Span> {
    const PAIRS: [(char, char); 6] =
        [('"', '"'), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»'), ('\'', '\'')];
    let mut found: Vec<Span> = Vec::new();
    for (open, close) in PAIRS {
        let mut at = 0;
        while let Some(start) = request[at..].find(open).map(|i| at + i) {
            let inner = start + open.len_utf8();
            at = inner;
            // An apostrophe is no quotation mark.
            let before = request[..start].chars().last();
            if before.is_some_and(char::is_alphanumeric) {
                continue;
            }
            let closing = request[inner..].match_indices(close).find(|(i, _)| {
                let after = request[inner + i + close.len_utf8()..].chars().next();
                !after.is_some_and(char::is_alphanumeric)
            });
            let Some((length, _)) = closing else { continue };
            let end = inner + length;
            if length > 0 && found.iter().all(|q| end <= q.start || inner >= q.end) {
                let text = request[inner..end].to_owned();
                found.push(Span { text, start: inner, end, quoted: true });
            }
            at = end + close.len_utf8();
        }
    }
    found
}
