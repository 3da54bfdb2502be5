//! Which models a provider offers.

use ropewalk_core::{Error, ErrorKind};
use ropewalk_models::ModelInfo;

use super::Provider;

impl Provider {
    /// The models that the provider lists, asked over the network with the key and the address of the environment.
    ///
    /// # Errors
    /// There is no key, the server can't be reached or refuses; the provider is not in this build, or is Bedrock, which
    /// lists its models at another service
    /// ([`ErrorKind::Unsupported`](ropewalk_core::ErrorKind::Unsupported)).
    pub async fn models(self) -> Result<Vec<ModelInfo>, Error> {
        match self {
            #[cfg(feature = "anthropic")]
            Self::Anthropic => {
                ropewalk_models::AnthropicModel::from_env(self.example())?.models().await
            }
            #[cfg(feature = "gemini")]
            Self::Gemini => ropewalk_models::GeminiModel::from_env(self.example())?.models().await,
            #[cfg(feature = "mistral")]
            Self::Mistral => {
                ropewalk_models::MistralModel::from_env(self.example())?.models().await
            }
            #[cfg(feature = "ollama")]
            Self::Ollama => ropewalk_models::OllamaModel::from_env(self.example())?.models().await,
            #[cfg(feature = "openai")]
            Self::OpenAi => ropewalk_models::OpenAiChat::from_env(self.example())?.models().await,
            #[cfg(feature = "responses")]
            Self::OpenAiResponses => {
                ropewalk_models::OpenAiResponses::from_env(self.example())?.models().await
            }
            Self::Bedrock => {
                let text = "Bedrock lists its models at another service: `aws bedrock list-foundation-models` shows them";
                Err(Error::new(ErrorKind::Unsupported, text))
            }
            #[cfg(feature = "openai")]
            _ => match super::load::compatible(self) {
                Some(server) => {
                    ropewalk_models::OpenAiChat::at(server, self.example())?.build()?.models().await
                }
                None => Err(self.missing(self.example())),
            },
            #[cfg(not(feature = "openai"))]
            _ => Err(self.missing(self.example())),
        }
    }
}
