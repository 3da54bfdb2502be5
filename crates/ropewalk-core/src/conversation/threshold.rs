//! From where on a conversation is made smaller before it must be.

use crate::error::{Error, ErrorKind};

/// The part of the model's window from which on proactive compression makes a conversation smaller, as
/// in Strands.
pub const DEFAULT_COMPRESSION_THRESHOLD: f64 = 0.7;

/// Refuses what is no part of a window.
pub(super) fn check_threshold(threshold: Option<f64>) -> Result<(), Error> {
    match threshold {
        Some(part) if !(part > 0.0 && part <= 1.0) => {
            let text = format!(
                "compression_threshold=<{part}> | must be a part of the model's window, above 0 and up to 1"
            );
            Err(Error::new(ErrorKind::InvalidInput, text))
        }
        _ => Ok(()),
    }
}
