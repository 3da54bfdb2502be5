//! Mistral's own chat interface: that of OpenAI in many things, and Mistral's own in the rest.

mod builder;
mod service;

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

pub use builder::MistralModelBuilder;

use crate::http::{self, ModelInfo};
use crate::openai::{Chat, MODELS};

/// A model of Mistral's, over its chat-completions interface. Cheap to clone; clones share their connections.
///
/// What it sends of a conversation, and how, where it is not as [`OpenAiChat`](crate::OpenAiChat) does it:
///
/// * ids of tool calls are nine letters and digits; others are sent as something that is, the same for a call and its
///   result. The message of a result says the tool's name.
/// * pictures and documents inline or by their address on the web (`image_url`, `document_url`), sound inline.
/// * thoughts as `thinking` parts, to the models that think ([`replay_reasoning`](MistralModelBuilder::replay_reasoning)).
///   Those that another provider signed are left out.
/// * a last message of the model as one that it goes on with (`prefix`).
/// * a call that must be made as `"any"`. Mistral counts the usage of a stream without being asked.
///
/// ```no_run
/// use futures_util::StreamExt;
/// use ropewalk_core::{Message, Model, ModelRequest, Transcript};
/// use ropewalk_models::MistralModel;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let model = MistralModel::from_env("mistral-small-latest")?;
/// let messages = Transcript::from_messages([Message::user("How high is Säntis?")])?;
/// let mut chunks = model.stream(ModelRequest::new(messages));
/// while let Some(chunk) = chunks.next().await {
///     println!("{:?}", chunk?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MistralModel {
    chat: Arc<Chat>,
}

impl MistralModel {
    /// Starts to describe the model with this id (`mistral-small-latest`).
    pub fn builder(model: impl Into<String>) -> MistralModelBuilder {
        MistralModelBuilder::new(model.into())
    }

    /// The model with this id, with the key in `MISTRAL_API_KEY`, at the server in `MISTRAL_BASE_URL` if that is set.
    ///
    /// ```no_run
    /// let model = ropewalk_models::MistralModel::from_env("mistral-small-latest")?;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set,
    /// and the errors of [`build`](MistralModelBuilder::build).
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        MistralModelBuilder::from_env(model)?.build()
    }

    /// The models that Mistral offers (`GET …/models`).
    ///
    /// # Errors
    /// The server can't be reached, refuses the key, or lists none.
    pub async fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        MODELS.get(&self.chat.endpoint).await
    }
}

impl Model for MistralModel {
    fn id(&self) -> &str {
        &self.chat.endpoint.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        http::stream(&self.chat, request)
    }

    fn native_output(&self) -> NativeOutput {
        self.chat.native_output
    }

    fn context_limit(&self) -> Option<u64> {
        self.chat.endpoint.context_limit
    }
}

impl fmt::Debug for MistralModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MistralModel").field(&self.chat).finish()
    }
}
