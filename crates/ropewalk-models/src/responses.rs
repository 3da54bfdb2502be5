//! OpenAI's Responses, and whoever speaks that interface.

mod builder;
mod chain;
mod interface;
mod items;
mod kept;
mod media;
mod output;
mod own;
mod request;
mod service;
mod thoughts;
mod translate;
mod turns;
mod wire;

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

pub use builder::OpenAiResponsesBuilder;
use interface::Responses;

use crate::http::{self, Listing, ModelInfo};

/// A model behind OpenAI's Responses interface: OpenAI's own, xAI's, OpenRouter's, and that of other servers that speak
/// it. Cheap to clone; clones share their connections.
///
/// What it sends of a conversation, and how:
///
/// * texts, pictures and documents as `input_text`, `input_image` and `input_file` (plain-text formats as text), those of
///   tool results in `function_call_output`. For sound and films stands a word that says what is missing.
/// * thoughts of the model as `reasoning` items, with what the server encrypted of them, to the server that they came
///   from. Those of other providers are left out.
/// * what else the server put into its answers (searches on the web, code that it ran, the phase of a message) as it
///   came, where the server itself made it.
/// * cache points not at all: these servers cache by themselves.
///
/// Unless it is [`stateful`](OpenAiResponsesBuilder::stateful), the server is asked to store nothing (`store: false`), and
/// each request holds the whole conversation.
///
/// Sources on the web that the model names become citations. Tools that run at the server are given with
/// [`server_tool`](OpenAiResponsesBuilder::server_tool).
///
/// ```no_run
/// use futures_util::StreamExt;
/// use ropewalk_core::{Message, Model, ModelRequest, Transcript};
/// use ropewalk_models::OpenAiResponses;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let model = OpenAiResponses::from_env("gpt-5.2")?;
/// let messages = Transcript::from_messages([Message::user("How high is Säntis?")])?;
/// let mut chunks = model.stream(ModelRequest::new(messages));
/// while let Some(chunk) = chunks.next().await {
///     println!("{:?}", chunk?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OpenAiResponses {
    responses: Arc<Responses>,
}

impl OpenAiResponses {
    /// Starts to describe the model with this id, as the server names it (`gpt-5.2`).
    pub fn builder(model: impl Into<String>) -> OpenAiResponsesBuilder {
        OpenAiResponsesBuilder::new(model.into())
    }

    /// The model with this id, with the key in `OPENAI_API_KEY` at the server in `OPENAI_BASE_URL`
    /// (OpenAI's own if that is not set). With a base URL the key may be missing.
    ///
    /// ```no_run
    /// let model = ropewalk_models::OpenAiResponses::from_env("gpt-5.2")?;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set,
    /// and the errors of [`build`](OpenAiResponsesBuilder::build).
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        OpenAiResponsesBuilder::from_env(model)?.build()
    }

    /// The models that the server offers (`GET …/models`), as far as it lists them.
    ///
    /// # Errors
    /// The server can't be reached, refuses the key, or lists none.
    pub async fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        MODELS.get(&self.responses.endpoint).await
    }
}

const MODELS: Listing = Listing {
    path: &["models"],
    list: "/data",
    id: "id",
    prefix: "",
    windows: &["context_window", "context_length"],
};

impl Model for OpenAiResponses {
    fn id(&self) -> &str {
        &self.responses.endpoint.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        http::stream(&self.responses, request)
    }

    fn native_output(&self) -> NativeOutput {
        self.responses.native_output
    }

    fn context_limit(&self) -> Option<u64> {
        self.responses.endpoint.context_limit
    }
}

impl fmt::Debug for OpenAiResponses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenAiResponses").field(&self.responses).finish()
    }
}
