//! What a session or an agent may be called.

use ropewalk_core::{Error, ErrorKind};

/// Refuses what is no single name of a folder. `what` is `session_id` or `agent_id`.
pub(super) fn check(what: &str, id: &str) -> Result<(), Error> {
    let problem = match id {
        "" => "must not be empty",
        "." | ".." => "names a folder that is there already",
        _ if id.contains(['/', '\\']) => "must not contain a path separator",
        _ if id.contains('\0') => "must not contain a null character",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::InvalidInput, format!("{what}=<{}> | {problem}", id.escape_debug())))
}
