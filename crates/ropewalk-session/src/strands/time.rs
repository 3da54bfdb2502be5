//! A moment in text.

use jiff::Timestamp;

/// Now, as Strands writes it: in UTC, with microseconds.
pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}
