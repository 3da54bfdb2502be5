//! The values of single options.

use std::time::Duration;

use syn::parse::ParseStream;
use syn::{LitBool, LitStr, Token};

use super::{Replay, text};

pub(super) fn name(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let literal = text(input)?;
    let name = literal.value();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
        return Err(syn::Error::new(
            literal.span(),
            "a tool's name is 1 to 64 letters, digits, `_` and `-`",
        ));
    }
    Ok(literal)
}

pub(super) fn replay(input: ParseStream<'_>) -> syn::Result<Replay> {
    let literal = text(input)?;
    match literal.value().as_str() {
        "never" => Ok(Replay::Never),
        "idempotent" => Ok(Replay::Idempotent),
        "pure" => Ok(Replay::Pure),
        other => Err(syn::Error::new(
            literal.span(),
            format!("`{other}` is no way to replay: there are `never`, `idempotent` and `pure`"),
        )),
    }
}

/// A word that stands for itself, or is said to hold or not: `read_only`, `read_only = false`.
pub(super) fn flag(input: ParseStream<'_>) -> syn::Result<bool> {
    if !input.peek(Token![=]) {
        return Ok(true);
    }
    input.parse::<Token![=]>()?;
    Ok(input.parse::<LitBool>()?.value)
}

/// A key that calls share; it names something.
pub(super) fn key(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let literal = text(input)?;
    if literal.value().trim().is_empty() {
        return Err(syn::Error::new(literal.span(), "name what only one call may use at a time"));
    }
    Ok(literal)
}

/// A time such as `30s`, in milliseconds.
pub(super) fn millis(input: ParseStream<'_>) -> syn::Result<u64> {
    let literal = text(input)?;
    let time = duration(&literal.value()).filter(|time| !time.is_zero());
    time.and_then(|time| u64::try_from(time.as_millis()).ok()).ok_or_else(|| {
        syn::Error::new(
            literal.span(),
            "a timeout is a whole number of `ms`, `s`, `m` or `h`: `30s`",
        )
    })
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    let seconds = |each| number.checked_mul(each).map(Duration::from_secs);
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(60 * 60),
        _ => None,
    }
}
