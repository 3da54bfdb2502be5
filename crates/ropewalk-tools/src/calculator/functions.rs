//! Functions, constants and powers.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use super::{CalculatorError, number};

type Outcome = Result<BigRational, CalculatorError>;

/// What may stand in an expression besides numbers.
pub(super) const NAMES: [&str; 18] = [
    "sqrt", "abs", "round", "floor", "ceil", "min", "max", "sin", "cos", "tan", "ln", "log",
    "log2", "log10", "exp", "mod", "pi", "e",
];

/// A constant; none if the name is none.
pub(super) fn constant(name: &str) -> Option<Outcome> {
    match name {
        "pi" => Some(number::from_float(std::f64::consts::PI)),
        "e" => Some(number::from_float(std::f64::consts::E)),
        _ => None,
    }
}

/// A function by its name, without the constants.
pub(super) fn find(name: &str) -> Result<Function, CalculatorError> {
    let functions = &NAMES[..NAMES.len() - 2];
    match functions.iter().find(|known| **known == name) {
        Some(name) => Ok(Function(name)),
        None => Err(CalculatorError::Name(name.to_owned())),
    }
}

/// A function.
pub(super) struct Function(&'static str);

impl Function {
    pub(super) fn apply(&self, arguments: &[BigRational]) -> Outcome {
        match (self.0, arguments) {
            ("min", [first, rest @ ..]) => Ok(rest.iter().fold(first, |a, b| a.min(b)).clone()),
            ("max", [first, rest @ ..]) => Ok(rest.iter().fold(first, |a, b| a.max(b)).clone()),
            ("round", [value]) => Ok(value.round()),
            ("round", [value, digits]) => round_to(value, digits),
            ("log", [value, base]) => {
                let (value, base) = (self.positive(value)?, self.positive(base)?);
                number::from_float(value.ln() / base.ln())
                    .map_err(|_| CalculatorError::Undefined("a logarithm", "base 1".to_owned()))
            }
            ("mod", [value, divisor]) if divisor.is_zero() => {
                Err(CalculatorError::Undefined("a remainder", number::text(value) + " by 0"))
            }
            ("mod", [value, divisor]) => Ok(value - (value / divisor).floor() * divisor),
            ("mod", _) => Err(self.arity("2 values", arguments.len())),
            (_, [value]) => self.of_one(value),
            ("round" | "log", _) => Err(self.arity("1 or 2 values", arguments.len())),
            _ => Err(self.arity("1 value", arguments.len())),
        }
    }

    fn of_one(&self, value: &BigRational) -> Outcome {
        let float = || number::to_float(value);
        match self.0 {
            "abs" => Ok(value.abs()),
            "floor" => Ok(value.floor()),
            "ceil" => Ok(value.ceil()),
            "sqrt" => root(value),
            "exp" => number::from_float(float()?.exp()),
            "ln" => number::from_float(self.positive(value)?.ln()),
            "log2" => number::from_float(self.positive(value)?.log2()),
            "log" | "log10" => number::from_float(self.positive(value)?.log10()),
            "sin" => snapped(float()?.sin()),
            "cos" => snapped(float()?.cos()),
            "tan" => snapped(float()?.tan()),
            name => Err(CalculatorError::Name(name.to_owned())),
        }
    }

    fn positive(&self, value: &BigRational) -> Result<f64, CalculatorError> {
        if !value.is_positive() {
            return Err(CalculatorError::Undefined("a logarithm", number::text(value)));
        }
        number::to_float(value)
    }

    fn arity(&self, wanted: &'static str, given: usize) -> CalculatorError {
        CalculatorError::Arity { name: self.0, wanted, given }
    }
}

/// `base ^ exponent`: exact for whole exponents.
pub(super) fn power(base: &BigRational, exponent: &BigRational) -> Outcome {
    if base.is_zero() && exponent.is_negative() {
        return Err(CalculatorError::DivisionByZero);
    }
    if exponent.is_integer() {
        return whole_power(base, exponent.numer());
    }
    if base.is_negative() {
        let what = format!("the negative number {}", number::text(base));
        return Err(CalculatorError::Undefined("a power with a fraction", what));
    }
    if *exponent == BigRational::new(1.into(), 2.into()) {
        return root(base);
    }
    number::from_float(number::to_float(base)?.powf(number::to_float(exponent)?))
}

fn whole_power(base: &BigRational, exponent: &BigInt) -> Outcome {
    let is_trivial = base.is_zero() || base.abs().is_one();
    let bits = base.numer().bits().max(base.denom().bits());
    let size = exponent.abs().to_u64().and_then(|times| bits.checked_sub(1)?.checked_mul(times));
    if !is_trivial && size.is_none_or(|size| size > number::MAX_BITS) {
        return Err(CalculatorError::TooLarge);
    }
    let exponent = if is_trivial {
        // Only whether it is odd matters then, and whether it is 0.
        let parity = i32::from(exponent.bit(0));
        if exponent.is_zero() { 0 } else { 2 - parity }
    } else {
        exponent.to_i32().ok_or(CalculatorError::TooLarge)?
    };
    number::bounded(Pow::pow(base, exponent))
}

fn root(value: &BigRational) -> Outcome {
    if value.is_negative() {
        return Err(CalculatorError::Undefined("a square root", number::text(value)));
    }
    match number::exact_root(value) {
        Some(root) => Ok(root),
        None => number::from_float(number::to_float(value)?.sqrt()),
    }
}

fn round_to(value: &BigRational, digits: &BigRational) -> Outcome {
    let digits = Some(digits).filter(|digits| digits.is_integer()).and_then(|it| it.to_i32());
    let digits = digits.filter(|digits| digits.abs() <= 100).ok_or_else(|| {
        CalculatorError::Undefined("rounding", "other than -100 to 100 decimals".to_owned())
    })?;
    let scale = Pow::pow(BigRational::from_integer(10.into()), digits);
    Ok((value * &scale).round() / scale)
}

/// What is smaller than a floating point error is none.
fn snapped(float: f64) -> Outcome {
    number::from_float(if float.abs() < 1e-14 { 0.0 } else { float })
}
