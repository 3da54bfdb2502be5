//! From tokens to the result.

use num_rational::BigRational;
use num_traits::Zero;

use super::token::{Kind, Token};
use super::{CalculatorError, functions, number};

/// How deep parentheses, signs and powers may be nested: each takes room on the stack.
pub(super) const MAX_DEPTH: usize = 64;

type Outcome = Result<BigRational, CalculatorError>;

/// Works out a whole expression.
pub(super) fn evaluate(tokens: &[Token]) -> Outcome {
    if tokens.is_empty() {
        return Err(CalculatorError::Empty);
    }
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let value = parser.sum()?;
    match parser.tokens.get(parser.at) {
        None => Ok(value),
        Some(token) => Err(CalculatorError::Unexpected(shown(&token.kind), token.at)),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    /// `product ((+|-) product)*`
    fn sum(&mut self) -> Outcome {
        let mut value = self.product()?;
        while let Some(sign) = self.take_any(&['+', '-']) {
            let right = self.product()?;
            value = number::bounded(if sign == '+' { value + right } else { value - right })?;
        }
        Ok(value)
    }

    /// `signed ((*|/|%) signed)*`
    fn product(&mut self) -> Outcome {
        let mut value = self.signed()?;
        while let Some(sign) = self.take_any(&['*', '/', '%']) {
            let right = self.signed()?;
            if sign != '*' && right.is_zero() {
                return Err(CalculatorError::DivisionByZero);
            }
            value = number::bounded(match sign {
                '*' => value * right,
                '/' => value / right,
                // The remainder has the sign of the divisor, as in Python: -7 % 3 is 2.
                _ => &value - (&value / &right).floor() * &right,
            })?;
        }
        Ok(value)
    }

    /// `(+|-)* power`: -2 ^ 2 is -4.
    fn signed(&mut self) -> Outcome {
        match self.take_any(&['+', '-']) {
            Some('-') => self.deeper(|parser| parser.signed().map(|value| -value)),
            Some(_) => self.deeper(Self::signed),
            None => self.power(),
        }
    }

    /// `percent (^ signed)?`: 2 ^ 3 ^ 2 is 2 ^ 9.
    fn power(&mut self) -> Outcome {
        let base = self.percent()?;
        if self.take_any(&['^']).is_none() {
            return Ok(base);
        }
        let exponent = self.deeper(Self::signed)?;
        functions::power(&base, &exponent)
    }

    /// `atom %?`, where no operand follows the `%`.
    fn percent(&mut self) -> Outcome {
        let value = self.atom()?;
        if self.peek() != Some(&Kind::Sign('%')) || self.operand_at(self.at + 1) {
            return Ok(value);
        }
        self.at += 1;
        Ok(value / BigRational::from_integer(100.into()))
    }

    fn atom(&mut self) -> Outcome {
        let Some(token) = self.tokens.get(self.at) else {
            return Err(CalculatorError::OperandMissing("at the end".to_owned()));
        };
        self.at += 1;
        match &token.kind {
            Kind::Number(value) => number::bounded(value.clone()),
            Kind::Sign('(') => {
                let value = self.deeper(Self::sum)?;
                self.close()?;
                Ok(value)
            }
            Kind::Name(name) => self.named(name),
            Kind::Sign(sign) => {
                let place = format!("before `{sign}` at position {}", token.at);
                Err(CalculatorError::OperandMissing(place))
            }
        }
    }

    /// A constant, or a function with its arguments.
    fn named(&mut self, name: &str) -> Outcome {
        if let Some(value) = functions::constant(name) {
            return value;
        }
        let function = functions::find(name)?;
        if self.take_any(&['(']).is_none() {
            // `√2` and `sqrt 2`
            let argument = self.deeper(Self::percent)?;
            return function.apply(&[argument]);
        }
        let mut arguments = vec![self.deeper(Self::sum)?];
        while self.take_any(&[',']).is_some() {
            arguments.push(self.deeper(Self::sum)?);
        }
        self.close()?;
        function.apply(&arguments)
    }

    fn close(&mut self) -> Result<(), CalculatorError> {
        match self.tokens.get(self.at) {
            Some(Token { kind: Kind::Sign(')'), .. }) => {
                self.at += 1;
                Ok(())
            }
            Some(token) => Err(CalculatorError::Unexpected(shown(&token.kind), token.at)),
            None => Err(CalculatorError::Unclosed),
        }
    }

    fn deeper(&mut self, part: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(CalculatorError::TooDeep);
        }
        let outcome = part(self);
        self.depth -= 1;
        outcome
    }

    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn operand_at(&self, at: usize) -> bool {
        let kind = self.tokens.get(at).map(|token| &token.kind);
        matches!(kind, Some(Kind::Number(_) | Kind::Name(_) | Kind::Sign('(')))
            // `10 % -3` is a remainder, `10% - 3` a percentage less 3.
            || (matches!(kind, Some(Kind::Sign('-'))) && self.adjacent(at))
    }

    /// True if the sign at this place stands right before its operand and apart from what is
    /// before it.
    fn adjacent(&self, at: usize) -> bool {
        match (self.tokens.get(at - 1), self.tokens.get(at), self.tokens.get(at + 1)) {
            (Some(before), Some(sign), Some(after)) => {
                after.at == sign.at + 1 && sign.at > before.at + 1
            }
            _ => false,
        }
    }

    fn take_any(&mut self, signs: &[char]) -> Option<char> {
        match self.peek() {
            Some(Kind::Sign(sign)) if signs.contains(sign) => {
                let sign = *sign;
                self.at += 1;
                Some(sign)
            }
            _ => None,
        }
    }
}

fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Number(value) => number::text(value),
        Kind::Name(name) => name.clone(),
        Kind::Sign(sign) => sign.to_string(),
    }
}
