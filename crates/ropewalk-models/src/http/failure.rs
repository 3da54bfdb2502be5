//! What went wrong on the wire.

use std::error::Error as StdError;

use ropewalk_core::{Error, ErrorKind};

/// The request did not get an answer from the server at `url`.
pub(crate) fn refused(error: reqwest::Error, url: &str) -> Error {
    if error.is_builder() {
        let text = format!("the request to {url} can't be made");
        return Error::new(ErrorKind::InvalidInput, text).with_source(error.without_url());
    }
    let cause = innermost(&error);
    let (kind, text) = if error.is_timeout() {
        let text = format!("{url} could not be connected to in time: is the server up?");
        (ErrorKind::Timeout, text)
    } else if error.is_connect() {
        let text = format!(
            "{url} can't be reached ({cause}): is the base URL right, and is the server up?"
        );
        (ErrorKind::Unavailable, text)
    } else {
        (ErrorKind::Unavailable, format!("{url} broke off before it answered ({cause})"))
    };
    Error::new(kind, text).with_source(error.without_url())
}

/// The answer of the server at `url` broke off.
pub(crate) fn broken(error: reqwest::Error, url: &str) -> Error {
    let cause = innermost(&error);
    let text = format!("the answer of {url} broke off ({cause})");
    Error::new(ErrorKind::Unavailable, text).with_source(error.without_url())
}

/// The last cause says most: "connection refused", not "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
