//! Exact numbers: from text, to text, and to floating point and back where that can't be avoided.

use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use super::CalculatorError;

/// The largest numerator and denominator.
pub(super) const MAX_BITS: u64 = 8192;

/// How many digits are shown of a number that has no end, and kept of one that is not exact.
const DIGITS: usize = 16;

/// How many decimals are shown of a number that has an end.
const MAX_DECIMALS: usize = 40;

/// Reads `12`, `1.5`, `.5` and `1e-3`.
pub(super) fn parse(text: &str) -> Option<BigRational> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    // Nobody means more, and the power below must stay small.
    if exponent.unsigned_abs() > 2000 {
        return None;
    }
    let power = ten_to(exponent.unsigned_abs() as usize);
    let digits = BigRational::from(digits.parse::<BigInt>().ok()?);
    Some(if exponent < 0 { digits / power } else { digits * power })
}

/// Refuses a number that has become too large.
pub(super) fn bounded(number: BigRational) -> Result<BigRational, CalculatorError> {
    if number.numer().bits() > MAX_BITS || number.denom().bits() > MAX_BITS {
        return Err(CalculatorError::TooLarge);
    }
    Ok(number)
}

/// The nearest floating point number.
pub(super) fn to_float(number: &BigRational) -> Result<f64, CalculatorError> {
    number.to_f64().filter(|float| float.is_finite()).ok_or(CalculatorError::TooLarge)
}

/// What a floating point function gave, rounded to the digits that can be relied on: so the sine
/// of pi is 0 and not a tiny number.
pub(super) fn from_float(float: f64) -> Result<BigRational, CalculatorError> {
    if !float.is_finite() {
        return Err(CalculatorError::TooLarge);
    }
    parse_signed(&format!("{float:.14e}")).ok_or(CalculatorError::TooLarge)
}

fn parse_signed(text: &str) -> Option<BigRational> {
    match text.strip_prefix('-') {
        Some(text) => parse(text).map(|number| -number),
        None => parse(text),
    }
}

/// A number as people write it: whole numbers and those that have an end exactly, others with
/// their first digits.
pub(super) fn text(number: &BigRational) -> String {
    if number.is_integer() {
        return number.numer().to_string();
    }
    let sign = if number.is_negative() { "-" } else { "" };
    let number = number.abs();
    let decimals = match ending(number.denom()) {
        Some(decimals) if decimals <= MAX_DECIMALS => decimals,
        _ => DIGITS.saturating_sub(whole_digits(&number)).max(2) + leading_zeros(&number),
    };
    let scaled = (&number * ten_to(decimals)).round().to_integer().to_string();
    if decimals > MAX_DECIMALS {
        // `0.000…0001` would be all zeros: the digits, and where the point is.
        let exponent = scaled.len() as i64 - 1 - decimals as i64;
        let (first, rest) = scaled.split_at(1);
        let rest = rest.trim_end_matches('0');
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}e{exponent}");
    }
    let padded = format!("{scaled:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    let text = format!("{whole}.{fraction}");
    format!("{sign}{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// How many decimals a fraction with this denominator has, if they end.
fn ending(denominator: &BigInt) -> Option<usize> {
    let mut rest = denominator.clone();
    let mut count = |factor: u8| {
        let mut times = 0;
        while (&rest % factor).is_zero() {
            rest /= factor;
            times += 1;
        }
        times
    };
    let decimals = count(2_u8).max(count(5_u8));
    rest.is_one().then_some(decimals)
}

fn whole_digits(number: &BigRational) -> usize {
    let whole = number.to_integer();
    if whole.is_zero() { 0 } else { whole.to_string().len() }
}

/// How many zeros follow the point before the first other digit.
fn leading_zeros(number: &BigRational) -> usize {
    let (mut zeros, ten) = (0, BigInt::from(10));
    let mut numerator = number.numer() * &ten;
    while &numerator < number.denom() {
        numerator *= &ten;
        zeros += 1;
    }
    zeros
}

fn ten_to(exponent: usize) -> BigRational {
    BigRational::from(BigInt::from(10).pow(exponent))
}

/// The square root, if it is exact.
pub(super) fn exact_root(number: &BigRational) -> Option<BigRational> {
    let root = |value: &BigInt| {
        let root = value.sqrt();
        (&root * &root == *value).then_some(root)
    };
    if number.numer().sign() == Sign::Minus {
        return None;
    }
    Some(BigRational::new(root(number.numer())?, root(number.denom())?))
}
