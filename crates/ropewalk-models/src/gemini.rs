//! Google's Gemini models, by the Gemini API (`generateContent`, v1beta).

mod builder;
mod contents;
mod dialect;
mod finish;
mod media;
mod request;
mod results;
mod schema;
mod service;
mod sources;
mod translate;
mod wire;

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

pub use builder::GeminiModelBuilder;
use dialect::Gemini;

use crate::http::{self, Listing, ModelInfo};

/// A Gemini model behind Google's Gemini API. Cheap to clone; clones share their connections.
///
/// What it sends of a conversation, and how:
///
/// * texts; pictures (`png`, `jpeg`, `webp`, `heic`, `heif`), PDFs, sound and films inline, or by their address where
///   they lie on the web or in Google's storage (`gs://`); documents of plain text as text. For anything else there
///   is a note in its place, and a warning in the log.
/// * tool uses as function calls and results as function responses, both with their ids; pictures and PDFs of a result
///   in the response (Gemini 3 and later) or behind it.
/// * the signatures over its thoughts, which Gemini 3 insists on for function calls. They stand in the history: in
///   `reasoningSignature` of a tool use, and with `gemini:` in front in the signature of a reasoning block. Thoughts with
///   the signature of another provider are left out, and a call that another model made is marked as such.
/// * cache points not at all: these models cache by themselves. A cache that was made before is named with
///   `.param("cachedContent", …)`.
///
/// What an answer holds beside text, thoughts and calls (code that was run, pictures that were made) are blocks of a kind
/// of their own, `{"gemini": …}`, which go back as they came. Sources are citations of the text; the grounding metadata
/// as they came are in the `additionalModelResponseFields` at the end of the message.
///
/// ```no_run
/// use futures_util::StreamExt;
/// use ropewalk_core::{Message, Model, ModelRequest, Transcript};
/// use ropewalk_models::GeminiModel;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let model = GeminiModel::from_env("gemini-2.5-flash")?;
/// let messages = Transcript::from_messages([Message::user("How high is Säntis?")])?;
/// let mut chunks = model.stream(ModelRequest::new(messages));
/// while let Some(chunk) = chunks.next().await {
///     println!("{:?}", chunk?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GeminiModel {
    gemini: Arc<Gemini>,
}

impl GeminiModel {
    /// Starts to describe the model with this id, as Google names it (`gemini-2.5-flash`).
    pub fn builder(model: impl Into<String>) -> GeminiModelBuilder {
        GeminiModelBuilder::new(model.into())
    }

    /// The model with this id, with the key in `GEMINI_API_KEY`, or else in `GOOGLE_API_KEY`, at the server in
    /// `GOOGLE_GEMINI_BASE_URL` (Google's own if that is not set).
    ///
    /// ```no_run
    /// let model = ropewalk_models::GeminiModel::from_env("gemini-2.5-flash")?;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`](ropewalk_core::ErrorKind::Authentication) if none of them is set,
    /// and the errors of [`build`](GeminiModelBuilder::build).
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        GeminiModelBuilder::from_env(model)?.build()
    }

    /// The models that the server offers.
    ///
    /// # Errors
    /// The server can't be reached, refuses the key, or lists none.
    pub async fn models(&self) -> Result<Vec<ModelInfo>, Error> {
        MODELS.get(&self.gemini.endpoint).await
    }
}

const MODELS: Listing = Listing {
    path: &["models"],
    list: "/models",
    id: "name",
    prefix: "models/",
    windows: &["inputTokenLimit"],
};

impl Model for GeminiModel {
    fn id(&self) -> &str {
        &self.gemini.endpoint.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        http::stream(&self.gemini, request)
    }

    fn native_output(&self) -> NativeOutput {
        self.gemini.native_output
    }

    fn context_limit(&self) -> Option<u64> {
        self.gemini.endpoint.context_limit
    }
}

impl fmt::Debug for GeminiModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GeminiModel").field(&self.gemini).finish()
    }
}
