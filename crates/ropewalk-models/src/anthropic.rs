//! The Messages interface: Anthropic's own, and that of every server that speaks it.

mod builder;
mod citations;
mod content;
mod conversation;
mod dialect;
mod ids;
mod marks;
mod media;
mod messages;
mod open;
mod params;
mod pause;
mod request;
mod runs;
mod schema;
mod sealed;
mod service;
mod translate;
mod usage;
mod wire;

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

pub use builder::AnthropicModelBuilder;
use dialect::Anthropic;

use crate::http::{Listing, ModelInfo};

/// The key of what only this interface knows, kept in its own form.
const OWN: &str = "anthropic";

/// A model behind Anthropic's Messages interface. Cheap to clone; clones share their connections.
///
/// What it sends of a conversation, and how:
///
/// * texts, pictures and PDFs (their bytes, or an address on the web), and plain-text documents, with title, context
///   and citations. Films, sound, other documents, and media that lie elsewhere become a note in their place.
/// * tool uses and results, with pictures and documents in them; those of a call that failed follow it. Ids that the
///   interface would refuse, or that stand in the conversation twice, are sent as others.
/// * thoughts with their signatures, and sealed ones. Those without a signature, which another provider's have not,
///   are left out.
/// * cache points as marks on the block before them: four of a request at most, those of old messages being left out
///   first. One with nothing before it in its message is left out.
/// * texts with their sources, as far as they came from this interface.
/// * blocks with the single key `anthropic`, which hold a block in the interface's own form: what it says of tools that
///   ran at the provider comes as such, and goes back.
///
/// What is left out is named in the log. A conversation that begins or ends with the model's words is sent with a word
/// of the user before or behind it, since newer models refuse it otherwise.
///
/// The model stops with [`ContentFiltered`](ropewalk_core::StopReason::ContentFiltered) if it refuses, and with
/// [`MaxTokens`](ropewalk_core::StopReason::MaxTokens) also where its window is full. The provider's own words stand in
/// the chunk's `additionalModelResponseFields`. A turn that the provider paused, because its own tools take long, is
/// asked on up to ten times, and is one answer to the caller; after that it ends with the reason `pause_turn`.
///
/// [`Usage::input_tokens`](ropewalk_core::Usage::input_tokens) leaves out the tokens of the cache, as the interface counts;
/// the total is the sum of all.
///
/// ```no_run
/// use futures_util::StreamExt;
/// use ropewalk_core::{Message, Model, ModelRequest, Transcript};
/// use ropewalk_models::AnthropicModel;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let model = AnthropicModel::builder("claude-sonnet-4-5").api_key("sk-ant-…").build()?;
/// let messages = Transcript::from_messages([Message::user("How high is Säntis?")])?;
/// let mut chunks = model.stream(ModelRequest::new(messages));
/// while let Some(chunk) = chunks.next().await {
///     println!("{:?}", chunk?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AnthropicModel {
    model: Arc<Anthropic>,
}

impl AnthropicModel {
    /// Starts to describe the model with this id, as the server names it (`claude-sonnet-4-5`).
    pub fn builder(model: impl Into<String>) -> AnthropicModelBuilder {
        AnthropicModelBuilder::new(model.into())
    }

    /// The model with this id, with the key in `ANTHROPIC_API_KEY` at the server in `ANTHROPIC_BASE_URL`
    /// (Anthropic's own if that is not set). With a base URL the key may be missing: local servers ask for none.
    ///
    /// ```no_run
    /// let model = ropewalk_models::AnthropicModel::from_env("claude-sonnet-4-5")?;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if neither is set, and the errors of
    /// [`build`](AnthropicModelBuilder::build).
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        AnthropicModelBuilder::from_env(model)?.build()
    }

    /// The models that the server offers (`GET /v1/models`), as far as it lists them.
    ///
    /// # Errors
    /// The server can't be reached, refuses the key, or lists none.
    pub async fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        MODELS.get(&self.model.endpoint).await
    }
}

const MODELS: Listing = Listing {
    path: &["v1", "models"],
    list: "/data",
    id: "id",
    prefix: "",
    windows: &["max_input_tokens"],
};

impl Model for AnthropicModel {
    fn id(&self) -> &str {
        &self.model.endpoint.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        pause::stream(&self.model, request)
    }

    fn native_output(&self) -> NativeOutput {
        self.model.native_output
    }

    fn context_limit(&self) -> Option<u64> {
        self.model.endpoint.context_limit
    }
}

impl fmt::Debug for AnthropicModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnthropicModel").field(&self.model).finish()
    }
}
