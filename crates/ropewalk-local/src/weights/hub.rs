//! Weights from the Hugging Face hub.

use std::path::PathBuf;

use hf_hub::api::sync::ApiBuilder;

use super::progress::{Progress, ProgressFn, Stage};
use crate::error::{LocalError, Result};

/// The file, from the hub's own cache on this machine when it is there.
pub(super) fn fetch(repository: &str, file: &str, report: &ProgressFn) -> Result<PathBuf> {
    let failed = |error: hf_hub::api::sync::ApiError| {
        LocalError::Weights(format!(
            "cannot fetch `{file}` of `{repository}` from the Hugging Face hub: {error}. Check the name and the \
             network (HF_ENDPOINT sets a mirror, HF_TOKEN a login); or fetch the file yourself and give its path: \
             `local:/path/to/{file}`"
        ))
    };
    if let Some(path) = kept(repository, file) {
        return Ok(path);
    }
    let api = ApiBuilder::from_env().with_progress(false).build().map_err(failed)?;
    let watch = Watch { report: report.clone(), done: 0, total: None };
    api.model(repository.to_owned()).download_with_progress(file, watch).map_err(failed)
}

/// The file, if it is in the hub's own cache on this machine.
pub(super) fn kept(repository: &str, file: &str) -> Option<PathBuf> {
    hf_hub::Cache::from_env().model(repository.to_owned()).get(file)
}

struct Watch {
    report: ProgressFn,
    done: u64,
    total: Option<u64>,
}

impl Watch {
    fn tell(&self) {
        (self.report)(Progress::new(Stage::Downloading, self.done, self.total));
    }
}

impl hf_hub::api::Progress for Watch {
    fn init(&mut self, size: usize, _: &str) {
        self.total = Some(size as u64);
        self.tell();
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        self.tell();
    }

    fn finish(&mut self) {}
}
