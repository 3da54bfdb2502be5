//! Amazon Bedrock, through its Converse interface.

mod access;
mod builder;
mod caching;
mod call;
mod family;
mod fault;
mod frames;
mod guardrail;
mod media;
mod messages;
mod names;
mod plan;
mod request;
mod settings;
mod translate;
mod whole;
mod wire;

use std::fmt;
use std::sync::Arc;

use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, NativeOutput};

pub use builder::BedrockModelBuilder;
pub use caching::BedrockCaching;
pub use guardrail::BedrockGuardrail;
use settings::Bedrock;

/// A model on Amazon Bedrock, asked through `ConverseStream`, or `Converse` where it does not stream. Cheap to clone;
/// clones share their connections.
///
/// Nothing is looked up before the first question: neither credentials nor the region, unless they are given. The
/// AWS SDK signs and resolves; the connections are those of [`HttpClient`](crate::HttpClient), as for all models.
///
/// What it sends of a conversation, and how:
///
/// * texts, pictures, documents, films and sound, as bytes or by their place in S3 (`location` of the type `s3`). Names of
///   documents are made such as Bedrock takes, and told apart. What can't be sent is named in its place.
/// * tool uses and results, pictures and documents in results too. The `status` of a result goes to Claude only, unless
///   [set](BedrockModelBuilder::tool_result_status); JSON that is no object, and all JSON for Nova, goes as text.
/// * thoughts of the model with their signature. Those without one are left out with a warning, and DeepSeek gets none.
/// * cache points, four at most ([`BedrockCaching`] places them too); text that a guardrail must look at; cited texts.
///
/// ```no_run
/// use futures_util::StreamExt;
/// use ropewalk_core::{Message, Model, ModelRequest, Transcript};
/// use ropewalk_models::BedrockModel;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let model = BedrockModel::builder("eu.anthropic.claude-sonnet-4-6").region("eu-central-1").build()?;
/// let messages = Transcript::from_messages([Message::user("How high is Säntis?")])?;
/// let mut chunks = model.stream(ModelRequest::new(messages));
/// while let Some(chunk) = chunks.next().await {
///     println!("{:?}", chunk?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BedrockModel {
    bedrock: Arc<Bedrock>,
}

impl BedrockModel {
    /// The model that is asked where none is named. It may change with a later version; name a model to keep it.
    pub const DEFAULT_MODEL: &'static str = "global.anthropic.claude-sonnet-4-6";

    /// Starts to describe the model with this id: that of a model, of an inference profile, or an ARN.
    pub fn builder(model: impl Into<String>) -> BedrockModelBuilder {
        BedrockModelBuilder::new(model.into())
    }

    /// The model with this id, with the key in `AWS_BEARER_TOKEN_BEDROCK`, or else the credentials and the region that
    /// all AWS tools find: in the environment, the profiles, or what the machine is given.
    ///
    /// ```no_run
    /// use ropewalk_models::BedrockModel;
    ///
    /// let model = BedrockModel::from_env(BedrockModel::DEFAULT_MODEL)?;
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`build`](BedrockModelBuilder::build). That there are no credentials shows when the model is asked.
    pub fn from_env(model: impl Into<String>) -> Result<Self, Error> {
        Self::builder(model).build()
    }
}

impl Model for BedrockModel {
    fn id(&self) -> &str {
        &self.bedrock.id
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        call::stream(&self.bedrock, request)
    }

    fn native_output(&self) -> NativeOutput {
        self.bedrock.native_output
    }

    fn context_limit(&self) -> Option<u64> {
        self.bedrock.context_limit
    }
}

impl fmt::Debug for BedrockModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BedrockModel").field(&self.bedrock).finish()
    }
}
