//! What a session may be called.

use ropewalk_core::{Error, ErrorKind};

const MAX_LENGTH: usize = 128;

/// Refuses names that would leave the folder, hide a file, or trip up another system.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let problem = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_LENGTH {
        "is longer than 128 characters"
    } else if name.starts_with('.') {
        "begins with a dot"
    } else if !name.bytes().all(fine) {
        "may hold only letters, digits, `_`, `-` and `.`"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidInput, format!("the session name `{name}` {problem}")))
}
