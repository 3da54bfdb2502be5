//! From a name to a model.

use std::sync::Arc;

use ropewalk_core::{Error, Model};

use super::{ModelName, Provider};

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
    /// [`ErrorKind::Unsupported`](ropewalk_core::ErrorKind::Unsupported) if the model's provider is not in this build;
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if there is no key for it; and what a
    /// model in this process can't be loaded for.
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
            Self::Of(provider, id) => provider.model(id),
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

impl Provider {
    /// The model with this id. Nothing is sent; the key and the address come from the environment.
    ///
    /// # Errors
    /// As for [`ModelName::load`].
    pub fn model(self, id: &str) -> Result<Arc<dyn Model>, Error> {
        match self {
            #[cfg(feature = "anthropic")]
            Self::Anthropic => Ok(Arc::new(ropewalk_models::AnthropicModel::from_env(id)?)),
            #[cfg(feature = "bedrock")]
            Self::Bedrock => Ok(Arc::new(ropewalk_models::BedrockModel::from_env(id)?)),
            #[cfg(feature = "gemini")]
            Self::Gemini => Ok(Arc::new(ropewalk_models::GeminiModel::from_env(id)?)),
            #[cfg(feature = "mistral")]
            Self::Mistral => Ok(Arc::new(ropewalk_models::MistralModel::from_env(id)?)),
            #[cfg(feature = "ollama")]
            Self::Ollama => Ok(Arc::new(ropewalk_models::OllamaModel::from_env(id)?)),
            #[cfg(feature = "openai")]
            Self::OpenAi => Ok(Arc::new(ropewalk_models::OpenAiChat::from_env(id)?)),
            #[cfg(feature = "responses")]
            Self::OpenAiResponses => Ok(Arc::new(ropewalk_models::OpenAiResponses::from_env(id)?)),
            _ => self.compatible_model(id),
        }
    }

    #[cfg(feature = "openai")]
    fn compatible_model(self, id: &str) -> Result<Arc<dyn Model>, Error> {
        match compatible(self) {
            Some(server) => Ok(Arc::new(ropewalk_models::OpenAiChat::at(server, id)?.build()?)),
            None => Err(self.missing(id)),
        }
    }

    #[cfg(not(feature = "openai"))]
    fn compatible_model(self, id: &str) -> Result<Arc<dyn Model>, Error> {
        Err(self.missing(id))
    }

    /// That its feature is off.
    pub(super) fn missing(self, id: &str) -> Error {
        crate::feature::missing(&format!("the model `{}:{id}`", self.prefix()), self.feature())
    }
}

/// Which of the servers of OpenAI's interface a provider is.
#[cfg(feature = "openai")]
pub(super) fn compatible(provider: Provider) -> Option<ropewalk_models::Compatible> {
    let of_prefix = |server: &ropewalk_models::Compatible| server.prefix() == provider.prefix();
    ropewalk_models::Compatible::ALL.into_iter().find(of_prefix)
}
