//! From text to tokens.

use num_rational::BigRational;

use super::{CalculatorError, number};

/// The longest expression, in characters.
pub(super) const MAX_LENGTH: usize = 1000;

/// A token, and where it begins (in characters, from 1).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Number(BigRational),
    Name(String),
    /// One of `+ - * / % ^ ( ) ,`.
    Sign(char),
}

/// Takes an expression apart, whatever signs it is written with.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, CalculatorError> {
    // `2 + 2 =` is how people write it.
    let text = text.trim().trim_end_matches(['=', '?']);
    let characters: Vec<char> = text.chars().collect();
    if characters.len() > MAX_LENGTH {
        return Err(CalculatorError::TooLong(characters.len()));
    }
    let mut tokens = Vec::new();
    // For each open parenthesis, whether it is a function's: there, a comma parts arguments.
    let mut calls: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let (start, character) = (at, characters[at]);
        at += 1;
        let kind = match character {
            ' ' | '\t' | '\n' | '\r' | '\u{a0}' => continue,
            '0'..='9' | '.' => {
                at = number_end(&characters, start, calls.last() == Some(&true));
                let digits: String = characters[start..at].iter().collect();
                let plain: String = digits.replace([',', '_', '\''], "");
                let value = number::parse(&plain).ok_or(CalculatorError::Number(digits))?;
                Kind::Number(value)
            }
            '*' if characters.get(at) == Some(&'*') => {
                at += 1;
                Kind::Sign('^')
            }
            '+' | '-' | '*' | '/' | '%' | '^' | ',' => Kind::Sign(character),
            '\u{2212}' | '\u{2013}' => Kind::Sign('-'),
            '\u{d7}' | '\u{b7}' | '\u{22c5}' => Kind::Sign('*'),
            '\u{f7}' | ':' => Kind::Sign('/'),
            '(' | '[' => {
                calls.push(matches!(tokens.last(), Some(Token { kind: Kind::Name(_), .. })));
                Kind::Sign('(')
            }
            ')' | ']' => {
                calls.pop();
                Kind::Sign(')')
            }
            '\u{3c0}' => Kind::Name("pi".to_owned()),
            '\u{221a}' => Kind::Name("sqrt".to_owned()),
            'x' | 'X' if !characters.get(at).is_some_and(|next| next.is_alphabetic()) => {
                Kind::Sign('*')
            }
            letter if letter.is_alphabetic() => {
                let is_part = |c: &char| c.is_alphanumeric();
                at += characters[at..].iter().take_while(|c| is_part(c)).count();
                let name: String = characters[start..at].iter().collect();
                match name.to_lowercase() {
                    // `15% of 80`
                    name if name == "of" => Kind::Sign('*'),
                    name => Kind::Name(name),
                }
            }
            other => return Err(CalculatorError::Character(other, start + 1)),
        };
        tokens.push(Token { kind, at: start + 1 });
    }
    Ok(tokens)
}

/// Where the number ends that starts here. A comma, `_` or `'` belongs to it if exactly three
/// digits follow; between the arguments of a function a comma never does.
fn number_end(characters: &[char], start: usize, in_call: bool) -> usize {
    let digit = |at: usize| characters.get(at).is_some_and(char::is_ascii_digit);
    let (mut at, mut fraction) = (start, false);
    while let Some(character) = characters.get(at) {
        match character {
            '0'..='9' => {}
            '.' => fraction = true,
            ',' if in_call => break,
            ',' | '_' | '\''
                if !fraction
                    && digit(at + 1)
                    && digit(at + 2)
                    && digit(at + 3)
                    && !digit(at + 4) => {}
            // `1e6`, but not `2exp(1)`.
            'e' | 'E' if digit(at + 1) => fraction = true,
            'e' | 'E' if matches!(characters.get(at + 1), Some('+' | '-')) && digit(at + 2) => {
                fraction = true;
                at += 1;
            }
            _ => break,
        }
        at += 1;
    }
    at
}
