//! Arithmetic in a request: "12 times (3 plus 4)" as `12 * (3 + 4)`.

use super::numbers;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Number(String),
    Operator(&'static str),
    Open,
    Close,
    /// A percent sign or word.
    Percent,
    /// Words that mean nothing here.
    Gap,
}

/// Words and signs between two numbers, longest first.
const BETWEEN: [(&str, &str); 22] = [
    ("to the power of", "**"),
    ("raised to the", "**"),
    ("multiplied by", "*"),
    ("multiplied with", "*"),
    ("divided by", "/"),
    ("added to", "+"),
    ("modulo", "%"),
    ("plus", "+"),
    ("minus", "-"),
    ("times", "*"),
    ("over", "/"),
    ("less", "-"),
    ("mod", "%"),
    ("**", "**"),
    ("x", "*"),
    ("×", "*"),
    ("·", "*"),
    ("÷", "/"),
    ("^", "**"),
    ("−", "-"),
    ("–", "-"),
    (":", "/"),
];

/// Whether values like these are arithmetic.
pub(super) fn is_expression(value: &str) -> bool {
    let fits = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-*/().^%,".contains(c);
    let digits = value.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).count();
    value.chars().all(fits) && digits >= 2 && value.contains(['+', '-', '*', '/', '^', '%'])
}

/// How surely a request holds arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It is written out.
    Written,
    /// There is a number at least.
    Possible,
    No,
}

/// How surely a request holds arithmetic.
pub(super) fn certainty(request: &str) -> Certainty {
    let pieces = pieces(request);
    if !pieces.iter().any(|p| matches!(p, Piece::Number(_))) {
        return Certainty::No;
    }
    if written(&pieces).is_some() { Certainty::Written } else { Certainty::Possible }
}

/// The expressions that a request may mean. With signs and words for operators there is one; where the operator
/// is left open ("what do 3 and 4 make?") each is offered.
pub(super) fn expressions(request: &str) -> Vec<String> {
    let pieces = pieces(request);
    let numbers = pieces.iter().filter(|p| matches!(p, Piece::Number(_))).count();
    if numbers == 0 {
        return Vec::new();
    }
    if let Some(exact) = written(&pieces) {
        return vec![exact];
    }
    let lower = request.to_lowercase();
    let numbers: Vec<String> = pieces
        .iter()
        .filter_map(|p| if let Piece::Number(n) = p { Some(n.clone()) } else { None })
        .collect();
    if let [one] = &numbers[..] {
        return single(&lower, one);
    }
    if let Some(percent) = percentage(&pieces, &lower, &numbers) {
        return vec![percent];
    }
    by_verb(&lower, &numbers)
}

fn pieces(request: &str) -> Vec<Piece> {
    let found = numbers::find(request);
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut push = |piece: Piece| {
        if !(piece == Piece::Gap && pieces.last() == Some(&Piece::Gap)) {
            pieces.push(piece);
        }
    };
    let mut upcoming = found.iter().peekable();
    while at < request.len() {
        if let Some(number) = upcoming.peek().filter(|n| n.start <= at) {
            push(Piece::Number(number.text.clone()));
            at = number.end;
            upcoming.next();
            continue;
        }
        let end = upcoming.peek().map_or(request.len(), |n| n.start);
        let (piece, length) = one(&request[at..end], at == 0 || !before_is_letter(request, at));
        if let Some(piece) = piece {
            push(piece);
        }
        at += length;
    }
    pieces
}

fn before_is_letter(text: &str, at: usize) -> bool {
    text[..at].chars().last().is_some_and(char::is_alphabetic)
}

fn one(rest: &str, at_word: bool) -> (Option<Piece>, usize) {
    let Some(first) = rest.chars().next() else { return (None, 1) };
    let lower = rest.to_lowercase();
    if lower.len() == rest.len() {
        for (sign, operator) in BETWEEN {
            let word = sign.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
            let after = lower.strip_prefix(sign);
            let whole = |after: &str| !after.starts_with(|c: char| c.is_alphabetic());
            if after.is_some_and(|after| !word || (at_word && whole(after))) {
                return (Some(Piece::Operator(operator)), sign.len());
            }
        }
        if lower.starts_with("percent") {
            return (Some(Piece::Percent), "percent".len());
        }
    }
    let piece = match first {
        '+' => Piece::Operator("+"),
        '-' => Piece::Operator("-"),
        '*' => Piece::Operator("*"),
        '/' => Piece::Operator("/"),
        '(' => Piece::Open,
        ')' => Piece::Close,
        '%' => Piece::Percent,
        c if c.is_whitespace() || "=?.,!$€£".contains(c) => return (None, c.len_utf8()),
        c if c.is_alphabetic() => {
            let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
            return (Some(Piece::Gap), end);
        }
        c => return (Some(Piece::Gap), c.len_utf8()),
    };
    (Some(piece), first.len_utf8())
}

/// The longest run that is an expression as it stands, if it has all the numbers.
fn written(pieces: &[Piece]) -> Option<String> {
    let number = |p: &Piece| matches!(p, Piece::Number(_));
    let first = pieces.iter().position(number)?;
    let last = pieces.iter().rposition(number)?;
    let mut start = first;
    while start > 0 && matches!(pieces[start - 1], Piece::Open) {
        start -= 1;
    }
    let mut end = last + 1;
    while end < pieces.len() && matches!(pieces[end], Piece::Close) {
        end += 1;
    }
    let run: Vec<&Piece> = pieces[start..end].iter().collect();
    let mut text = String::new();
    let (mut depth, mut want_number, mut operators) = (0_i32, true, 0);
    for piece in run {
        match piece {
            Piece::Number(n) if want_number => {
                text.push_str(n);
                want_number = false;
            }
            // 5 -3: the minus was taken for a sign.
            Piece::Number(n) if n.starts_with('-') => {
                text.push_str(&format!(" - {}", &n[1..]));
                operators += 1;
            }
            Piece::Operator(operator) if !want_number => {
                text.push_str(&format!(" {operator} "));
                want_number = true;
                operators += 1;
            }
            Piece::Percent if !want_number => {
                text.push_str(" % ");
                want_number = true;
                operators += 1;
            }
            Piece::Open if want_number => {
                text.push('(');
                depth += 1;
            }
            Piece::Close if !want_number && depth > 0 => {
                text.push(')');
                depth -= 1;
            }
            Piece::Close if !want_number => {}
            _ => return None,
        }
    }
    if want_number || operators == 0 {
        return None;
    }
    text.extend(std::iter::repeat_n(')', usize::try_from(depth).unwrap_or(0)));
    // "12 % of 80" is no remainder.
    (!text.contains('%') || pieces.iter().all(|p| *p != Piece::Gap)).then_some(text)
}

fn single(lower: &str, number: &str) -> Vec<String> {
    let cues: [(&str, String); 8] = [
        ("square root", format!("{number} ** 0.5")),
        ("squared", format!("{number} ** 2")),
        ("square of", format!("{number} ** 2")),
        ("cubed", format!("{number} ** 3")),
        ("cube of", format!("{number} ** 3")),
        ("half", format!("{number} / 2")),
        ("double", format!("{number} * 2")),
        ("twice", format!("{number} * 2")),
    ];
    let found = cues.into_iter().find(|(cue, _)| lower.contains(cue));
    found.map_or_else(|| vec![number.to_owned()], |(_, expression)| vec![expression])
}

/// "15 percent of 80", "20 % off 50".
fn percentage(pieces: &[Piece], lower: &str, numbers: &[String]) -> Option<String> {
    let at = pieces.iter().position(|p| *p == Piece::Percent)?;
    let Some(Piece::Number(rate)) = at.checked_sub(1).and_then(|i| pieces.get(i)) else {
        return None;
    };
    let [a, b] = numbers else { return None };
    let base = if a == rate { b } else { a };
    if lower.contains(" off") || lower.contains("discount") || lower.contains("less") {
        return Some(format!("{base} - {base} * {rate} / 100"));
    }
    if lower.contains("increase") || lower.contains("more than") || lower.contains("plus") {
        return Some(format!("{base} + {base} * {rate} / 100"));
    }
    Some(format!("{base} * {rate} / 100"))
}

/// "Add 3, 4 and 5", "subtract 8 from 20", "the product of 6 and 7".
fn by_verb(lower: &str, numbers: &[String]) -> Vec<String> {
    const CUES: [(&str, &str); 13] = [
        ("add", "+"),
        ("sum", "+"),
        ("total", "+"),
        ("together", "+"),
        ("subtract", "-"),
        ("difference", "-"),
        ("take away", "-"),
        ("multipl", "*"),
        ("product", "*"),
        ("divide", "/"),
        ("split", "/"),
        ("quotient", "/"),
        ("power", "**"),
    ];
    let joined = |operator: &str| numbers.join(&format!(" {operator} "));
    let reversed = |operator: &str| {
        let all: Vec<&str> = numbers.iter().rev().map(String::as_str).collect();
        all.join(&format!(" {operator} "))
    };
    if let Some((cue, operator)) = CUES.iter().find(|(cue, _)| lower.contains(cue)) {
        let from = matches!(*cue, "subtract" | "take away") && lower.contains(" from ");
        return vec![if from { reversed(operator) } else { joined(operator) }];
    }
    let mut all: Vec<String> = ["+", "-", "*", "/"].iter().map(|o| joined(o)).collect();
    all.extend([reversed("-"), reversed("/")]);
    all
}
