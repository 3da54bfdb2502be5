//! What the store reports, in words that say what to do.

use ropewalk_core::{Error, ErrorKind};

use super::place::Place;

/// What was being done when something failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem<'a> {
    what: &'a str,
    place: &'a Place,
}

impl<'a> Problem<'a> {
    pub(super) fn new(what: &'a str, place: &'a Place) -> Self {
        Self { what, place }
    }

    pub(super) fn error(&self, error: object_store::Error) -> Error {
        use object_store::Error as E;

        let (kind, advice) = match error {
            E::NotImplemented { .. } | E::NotSupported { .. } => (
                ErrorKind::Unsupported,
                "the store can't do that, and sessions need it. If conditional puts are switched off, switch them on; else use another store",
            ),
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => (
                ErrorKind::Journal,
                "the store refuses it. Look at the credentials and what they may do",
            ),
            E::NotFound { .. } => {
                (ErrorKind::Journal, "there is no such bucket, or it was removed")
            }
            _ => (ErrorKind::Journal, "the store reports an error"),
        };
        let text = format!("can't {} in {}: {advice} ({error})", self.what, self.place);
        Error::new(kind, text).with_source(error)
    }
}
