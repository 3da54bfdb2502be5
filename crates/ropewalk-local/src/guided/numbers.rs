//! Numbers in a text, in digits or in words.

/// A number and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    /// In digits, with a point and a minus where there is one, without separators.
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Number {
    pub(super) fn value(&self) -> Option<f64> {
        self.text.parse().ok()
    }
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] =
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// All numbers of a text, in order.
pub(super) fn find(text: &str) -> Vec<Number> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_digit() {
            let number = digits(text, at);
            at = number.end;
            found.push(number);
        } else if bytes[at].is_ascii_alphabetic() {
            let end = word_end(bytes, at);
            at = match words(text, at, end) {
                Some(number) => {
                    let end = number.end;
                    found.push(number);
                    end
                }
                None => end,
            };
        } else {
            at += 1;
        }
    }
    found
}

/// All numbers of a text, and how often something is to be done: "twice".
pub(super) fn find_counts(text: &str) -> Vec<Number> {
    let mut found = find(text);
    let lower = text.to_ascii_lowercase();
    for (word, number) in [("once", "1"), ("twice", "2"), ("thrice", "3")] {
        for (start, _) in lower.match_indices(word) {
            let end = start + word.len();
            let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            if !letter(lower[..start].chars().last()) && !letter(lower[end..].chars().next()) {
                found.push(Number { text: number.into(), start, end });
            }
        }
    }
    found.sort_by_key(|number| number.start);
    found
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes[at..].iter().position(|b| !b.is_ascii_alphanumeric());
    rest.map_or(bytes.len(), |n| at + n)
}

fn digits(text: &str, start: usize) -> Number {
    let bytes = text.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let mut end = start;
    let mut clean = String::new();
    let mut point = false;
    loop {
        match bytes.get(end) {
            Some(b) if b.is_ascii_digit() => clean.push(char::from(*b)),
            // 1,234,567: a comma with exactly three digits behind it.
            Some(b',') if !point && (1..=3).all(|n| digit(end + n)) && !digit(end + 4) => {}
            Some(b'.') if !point && digit(end + 1) => {
                point = true;
                clean.push('.');
            }
            _ => break,
        }
        end += 1;
    }
    // A minus belongs to the number when nothing that could be subtracted from stands before it.
    let before = text[..start].strip_suffix('-');
    let negative = before.is_some_and(|b| {
        let last = b.chars().last();
        last.is_none_or(|c| c.is_whitespace() || c == '(')
            && !b.trim_end().ends_with(|c: char| c.is_ascii_digit() || c == ')')
    });
    if negative {
        clean.insert(0, '-');
    }
    Number { text: clean, start: start - usize::from(negative), end }
}

/// "twenty-five", "three hundred", "a dozen": what the word at `start` begins, if a number.
fn words(text: &str, start: usize, first_end: usize) -> Option<Number> {
    let bytes = text.as_bytes();
    let (mut total, mut current, mut end) = (0_u64, None::<u64>, start);
    let (mut at, mut stop) = (start, first_end);
    loop {
        let word = text[at..stop].to_ascii_lowercase();
        if let Some(n) = SMALL.iter().position(|w| *w == word) {
            current = match current {
                None => Some(n as u64),
                Some(c) if n < 10 && c % 10 == 0 && c % 100 != 0 => {
                    Some(c.saturating_add(n as u64))
                }
                Some(c) if c % 100 == 0 => Some(c.saturating_add(n as u64)),
                Some(_) => break,
            };
        } else if let Some(n) = TENS.iter().position(|w| *w == word) {
            let n = (n as u64 + 2) * 10;
            current = match current {
                None => Some(n),
                Some(c) if c % 100 == 0 => Some(c.saturating_add(n)),
                Some(_) => break,
            };
        } else if word == "hundred" && current.is_some() {
            current = current.map(|c| c.saturating_mul(100));
        } else if (word == "thousand" || word == "million") && current.is_some() {
            let scale = if word == "thousand" { 1_000 } else { 1_000_000 };
            total = total.saturating_add(current.take().unwrap_or(0).saturating_mul(scale));
            current = Some(0);
        } else if word == "dozen" && current.is_none_or(|c| c < 100) {
            current = Some(current.unwrap_or(1) * 12);
        } else {
            break;
        }
        end = stop;
        // Go on over one blank or hyphen.
        match bytes.get(stop) {
            Some(b' ' | b'-') if bytes.get(stop + 1).is_some_and(u8::is_ascii_alphabetic) => {
                at = stop + 1;
                stop = word_end(bytes, at);
            }
            _ => break,
        }
    }
    let value = total.saturating_add(current?);
    (end > start).then(|| Number { text: value.to_string(), start, end })
}
