//! Models by name.

#[cfg(feature = "http")]
mod list;
mod load;
mod name;
mod provider;

use std::sync::Arc;

use ropewalk_core::{Error, Model};

pub use load::ModelOptions;
pub use name::ModelName;
pub use provider::Provider;

/// The model with this name: `openai:gpt-4o-mini`, `anthropic:claude-sonnet-4-5`, `local`; [`ModelName`] says what
/// else a name may be.
///
/// Nothing is sent. The embedded model (`local`) is loaded here, and fetched when it is used for the
/// first time; for what is told meanwhile, see [`ModelName::load_with`].
///
/// ```no_run
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use ropewalk::Agent;
///
/// let model = ropewalk::model("openai:gpt-4o-mini").await?;
/// let agent = Agent::builder().shared_model(model).build().await?;
/// # Ok::<(), ropewalk::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`ModelName::parse`] and [`ModelName::load`].
pub async fn model(name: &str) -> Result<Arc<dyn Model>, Error> {
    ModelName::parse(name)?.load().await
}
