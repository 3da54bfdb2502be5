//! From a name to a model.

use std::sync::Arc;

use ropewalk_core::{Error, ErrorKind, Model};

use super::ModelName;
use super::name::USABLE;

/// How models are loaded that are found by their names.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ModelOptions {
    /// For models in this process.
    #[cfg(feature = "local")]
    pub local: ropewalk_local::LocalOptions,
}

impl ModelOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how models in this process are loaded.
    #[cfg(feature = "local")]
    #[must_use]
    pub fn with_local(mut self, options: ropewalk_local::LocalOptions) -> Self {
        self.local = options;
        self
    }
}

impl ModelName {
    /// Finds and loads the model.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the model's provider is not offered, or not in this build;
    /// [`ErrorKind::Authentication`] if there is no key for it; and what a model in this process can't be
    /// loaded for.
    pub async fn load(&self) -> Result<Arc<dyn Model>, Error> {
        self.load_with(ModelOptions::new()).await
    }

    /// Finds and loads the model as the options say.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub async fn load_with(&self, options: ModelOptions) -> Result<Arc<dyn Model>, Error> {
        match self {
            Self::Local(name) => local(name, options).await,
            Self::OpenAi(id) => openai(id),
            Self::Bedrock(id) => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the model `{id}` is one of Amazon Bedrock, as in Strands all are that name no provider, and Bedrock is not offered yet: use {USABLE}"
                ),
            )),
        }
    }
}

#[cfg(feature = "local")]
async fn local(name: &str, options: ModelOptions) -> Result<Arc<dyn Model>, Error> {
    let source = ropewalk_local::ModelSource::parse(name)?;
    let model = ropewalk_local::LocalModel::load(&source, options.local).await?;
    Ok(Arc::new(model))
}

#[cfg(not(feature = "local"))]
async fn local(name: &str, _: ModelOptions) -> Result<Arc<dyn Model>, Error> {
    Err(crate::feature::missing(&format!("the model `{name}`"), "local"))
}

#[cfg(feature = "openai")]
fn openai(id: &str) -> Result<Arc<dyn Model>, Error> {
    Ok(Arc::new(ropewalk_models::OpenAiChat::from_env(id)?))
}

#[cfg(not(feature = "openai"))]
fn openai(id: &str) -> Result<Arc<dyn Model>, Error> {
    Err(crate::feature::missing(&format!("the model `openai:{id}`"), "openai"))
}
