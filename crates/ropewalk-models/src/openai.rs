//! The chat-completions interface: OpenAI's own, and that of every server that speaks it.

mod builder;
mod chat;
mod manner;
mod media;
mod messages;
mod part;
mod request;
mod service;
mod translate;
mod usage;
mod wire;

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

pub use builder::OpenAiChatBuilder;
pub(crate) use chat::Chat;
#[cfg(feature = "mistral")]
pub(crate) use manner::{Files, Manner};
pub use service::Compatible;

use crate::http::{self, Listing, ModelInfo};

/// A chat model behind an OpenAI-compatible chat-completions interface. Cheap to clone; clones
/// share their connections.
///
/// What it sends of a conversation, and how:
///
/// * texts, pictures (as data URLs), sound (`mp3`, `wav`) and documents (`file` parts; plain-text
///   formats as text, since few servers take them as files). For films, and media that lie elsewhere
///   than in the message or on the web, stands a word that says what is missing.
/// * tool uses as `tool_calls`, each tool result as a message of the role `tool`. That role takes
///   texts only: pictures and documents of a result follow in a user message.
/// * thoughts of the model only where the server wants them back
///   ([`replay_reasoning`](OpenAiChatBuilder::replay_reasoning)).
/// * cache points not at all: these servers cache by themselves. Blocks of an unknown kind are left
///   out with a warning in the log, so that a history of a later version stays usable.
///
/// The answer is streamed; a server that answers in one piece all the same is understood too.
///
/// ```no_run
/// use futures_util::StreamExt;
/// use ropewalk_core::{Message, Model, ModelRequest, Transcript};
/// use ropewalk_models::OpenAiChat;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let model = OpenAiChat::builder("qwen3-8b").base_url("http://127.0.0.1:8080/v1").build()?;
/// let messages = Transcript::from_messages([Message::user("How high is Säntis?")])?;
/// let mut chunks = model.stream(ModelRequest::new(messages));
/// while let Some(chunk) = chunks.next().await {
///     println!("{:?}", chunk?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OpenAiChat {
    chat: Arc<Chat>,
}

impl OpenAiChat {
    /// Starts to describe the model with this id, as the server names it (`gpt-4o-mini`).
    pub fn builder(model: impl Into<String>) -> OpenAiChatBuilder {
        OpenAiChatBuilder::new(model.into())
    }

    /// The model with this id, with the key in `OPENAI_API_KEY` at the server in `OPENAI_BASE_URL`
    /// (OpenAI's own if that is not set). With a base URL the key may be missing: local servers
    /// ask for none.
    ///
    /// ```no_run
    /// let model = ropewalk_models::OpenAiChat::from_env("gpt-4o-mini")?;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set,
    /// and the errors of [`build`](OpenAiChatBuilder::build).
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        OpenAiChatBuilder::from_env(model)?.build()
    }

    /// The model with this id at another provider or server, with the key and the address of its own variables.
    ///
    /// ```no_run
    /// use ropewalk_models::{Compatible, OpenAiChat};
    ///
    /// let hosted = OpenAiChat::at(Compatible::Groq, "llama-3.3-70b-versatile")?.build()?;
    /// let here = OpenAiChat::at(Compatible::LlamaCpp, "any")?.build()?;
    /// # let _ = (hosted, here);
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if it needs a key and there is none.
    pub fn at(server: Compatible, model: impl Into<String>) -> Result<OpenAiChatBuilder, Error> {
        OpenAiChatBuilder::of(server.service(), model.into())
    }

    /// The models that the server offers (`GET …/models`), as far as it lists them.
    ///
    /// # Errors
    /// The server can't be reached, refuses the key, or lists none.
    pub async fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        MODELS.get(&self.chat.endpoint).await
    }
}

pub(crate) const MODELS: Listing = Listing {
    path: &["models"],
    list: "/data",
    id: "id",
    prefix: "",
    windows: &["context_window", "context_length", "max_model_len", "max_context_length"],
};

impl Model for OpenAiChat {
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

impl fmt::Debug for OpenAiChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenAiChat").field(&self.chat).finish()
    }
}
