//! Amounts of money, exactly.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// Digits behind the point.
const DIGITS: usize = 12;
/// The smallest parts in one.
const PARTS: u64 = 10_u64.pow(12);

/// An amount of money, in whatever currency the prices are: exact to twelve digits behind the point,
/// and up to about 18 million. Nothing is ever rounded by a sum.
///
/// As text and in JSON it is a decimal number: `"0.25"`.
///
/// ```
/// use ropewalk_core::Money;
///
/// let quarter: Money = "0.25".parse()?;
/// assert_eq!(quarter.to_string(), "0.25");
/// assert_eq!(quarter, Money::from_millionths(250_000));
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths of one.
    pub fn from_millionths(millionths: u64) -> Self {
        Self(millionths.saturating_mul(PARTS / 1_000_000))
    }

    /// The sum; the largest amount there is, if it is more.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What so many cost, of which a million cost this much. The last digit is rounded up: nothing
    /// looks cheaper than it is.
    pub(super) fn of_a_million(self, number: u64) -> Self {
        let cost = (u128::from(self.0) * u128::from(number)).div_ceil(1_000_000);
        Self(u64::try_from(cost).unwrap_or(u64::MAX))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl FromStr for Money {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map(Self).ok_or_else(|| {
            let text = format!(
                "amount=<{text}> | must be a decimal number such as `0.25`, with at most {DIGITS} digits behind the point and at most {}",
                Self(u64::MAX)
            );
            Error::new(ErrorKind::InvalidInput, text)
        })
    }
}

fn parse(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > DIGITS {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(PARTS)?;
    let part = format!("{part:0<DIGITS$}").parse::<u64>().ok()?;
    whole.checked_add(part)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / PARTS, self.0 % PARTS);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:0>DIGITS$}");
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
