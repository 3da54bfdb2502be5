//! File work in async code.

use ropewalk_core::{Error, ErrorKind};

/// Runs file work where it may block. It is seen to its end even if nobody waits any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if tokio::runtime::Handle::try_current().is_err() {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let text = format!("file work broke off: {error}");
        Err(Error::new(ErrorKind::Journal, text).with_source(error))
    })
}
