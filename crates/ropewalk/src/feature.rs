//! What is not in this build.

use ropewalk_core::{Error, ErrorKind};

/// The error of something that needs a feature of this crate that is switched off.
#[allow(dead_code, reason = "with all features on nothing is missing")]
pub(crate) fn missing(what: &str, feature: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "{what} needs the feature `{feature}` of the crate `ropewalk`: switch it on with `cargo add ropewalk --features {feature}`"
        ),
    )
}
