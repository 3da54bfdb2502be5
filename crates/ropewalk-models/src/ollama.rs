//! Models that an Ollama server runs, by its own chat interface (`/api/chat`).

mod builder;
mod dialect;
mod host;
mod messages;
mod request;
mod service;
mod translate;
mod wire;

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

pub use builder::OllamaModelBuilder;
use dialect::Ollama;

use crate::http::{self, Listing, ModelInfo};

/// A model behind an Ollama server's own chat interface. Cheap to clone; clones share their connections.
///
/// What it sends of a conversation, and how:
///
/// * texts; pictures whose bytes are in the message; documents of plain text as text. For anything else there is a
///   note in its place, and a warning in the log.
/// * tool uses as tool calls, each tool result as a message of the role `tool` with the tool's name; pictures of a
///   result in a user message behind them.
/// * thoughts as `thinking`, which the model's template uses or drops; those with the signature of another provider
///   are left out.
/// * cache points not at all: the server caches by itself.
///
/// Unless told otherwise (`.param("truncate", true)`) the server is asked to refuse a conversation that does not fit
/// its context, rather than to drop the beginning of it in silence: the agent's conversation manager then shortens it. How
/// much fits is set with [`num_ctx`](OllamaModelBuilder::num_ctx); servers give little unless they are asked. The
/// interface has no tool choice: a request for one is sent without it, with a warning in the log.
///
/// ```no_run
/// use futures_util::StreamExt;
/// use ropewalk_core::{Message, Model, ModelRequest, Transcript};
/// use ropewalk_models::OllamaModel;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let model = OllamaModel::builder("qwen3:4b").num_ctx(16_384).build()?;
/// let messages = Transcript::from_messages([Message::user("How high is Säntis?")])?;
/// let mut chunks = model.stream(ModelRequest::new(messages));
/// while let Some(chunk) = chunks.next().await {
///     println!("{:?}", chunk?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OllamaModel {
    ollama: Arc<Ollama>,
}

impl OllamaModel {
    /// Starts to describe the model with this id, as `ollama list` shows it (`qwen3:4b`).
    pub fn builder(model: impl Into<String>) -> OllamaModelBuilder {
        OllamaModelBuilder::new(model.into())
    }

    /// The model with this id at the server in `OLLAMA_HOST` (`http://127.0.0.1:11434` if that is not set), with the
    /// key in `OLLAMA_API_KEY` if there is one: Ollama's cloud asks for it.
    ///
    /// ```no_run
    /// let model = ropewalk_models::OllamaModel::from_env("qwen3:4b")?;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`build`](OllamaModelBuilder::build).
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        OllamaModelBuilder::from_env(model)?.build()
    }

    /// The models that the server has.
    ///
    /// # Errors
    /// The server can't be reached, or lists none.
    pub async fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        MODELS.get(&self.ollama.endpoint).await
    }
}

const MODELS: Listing =
    Listing { path: &["api", "tags"], list: "/models", id: "name", prefix: "", windows: &[] };

impl Model for OllamaModel {
    fn id(&self) -> &str {
        &self.ollama.endpoint.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        http::stream(&self.ollama, request)
    }

    /// The server holds to a JSON Schema (`format`), and then the model can't call tools.
    fn native_output(&self) -> NativeOutput {
        NativeOutput::WithoutTools
    }

    fn context_limit(&self) -> Option<u64> {
        self.ollama.endpoint.context_limit
    }
}

impl fmt::Debug for OllamaModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OllamaModel").field(&self.ollama).finish()
    }
}
