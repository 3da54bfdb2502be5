//! Which model `--model` names.

use std::sync::Arc;

use ropewalk::{Model, ModelName, ModelOptions};
use ropewalk_core::ErrorKind;
use ropewalk_local::LocalOptions;

use crate::exit::Failure;
use crate::show;

/// Finds and loads the model; the embedded one is fetched when it is used for the first time.
pub(crate) async fn load(name: &str, quiet: bool) -> Result<Arc<dyn Model>, Failure> {
    let name = ModelName::parse(name).map_err(|error| Failure::usage(error.report()))?;
    let mut local = LocalOptions::new();
    if !quiet {
        local = local.with_progress(show::progress::report());
    }
    name.load_with(ModelOptions::new().with_local(local)).await.map_err(|error| {
        match error.kind() {
            ErrorKind::Unsupported => Failure::usage(error.report()),
            _ => error.into(),
        }
    })
}
