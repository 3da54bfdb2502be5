//! What the facade adds to the builder of agents.

use ropewalk_core::{AgentBuilder, Error};

/// What needs more than the core knows: models by name, tools from a folder. In the
/// [`prelude`](crate::prelude).
///
/// ```no_run
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use ropewalk::prelude::*;
///
/// let builder = Agent::builder().model_named("openai:gpt-4o-mini").await?;
/// let agent = builder.load_tools_from_directory("./tools").await?.build().await?;
/// # Ok::<(), Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AgentBuilderExt: Sized {
    /// The model to ask, by its name; see [`model`](crate::model()).
    ///
    /// # Errors
    /// As for [`model`](crate::model()).
    fn model_named(self, name: &str) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Asks the model that Strands asks when none is named: the default of Amazon Bedrock
    /// ([`BedrockModel`](ropewalk_models::BedrockModel)), with the credentials and the region of the environment. It is
    /// said here and not taken silently: it costs money, and asks for credentials that not everybody has.
    ///
    /// # Errors
    /// As for [`BedrockModel`](ropewalk_models::BedrockModel)'s builder.
    #[cfg(feature = "bedrock")]
    fn default_model(self) -> Result<Self, Error>;

    /// Adds the programs of a folder as tools, and keeps them up to date while the agent lives (Strands'
    /// `load_tools_from_directory`). For options and for what is broken, see
    /// [`ToolDirectory`](crate::ToolDirectory).
    ///
    /// # Errors
    /// As for [`ToolDirectory::open`](crate::ToolDirectory::open).
    #[cfg(feature = "tools")]
    fn load_tools_from_directory(
        self,
        path: impl AsRef<std::path::Path> + Send,
    ) -> impl Future<Output = Result<Self, Error>> + Send;
}

impl AgentBuilderExt for AgentBuilder {
    async fn model_named(self, name: &str) -> Result<Self, Error> {
        Ok(self.shared_model(crate::model(name).await?))
    }

    #[cfg(feature = "bedrock")]
    fn default_model(self) -> Result<Self, Error> {
        Ok(self.model(ropewalk_models::BedrockModelBuilder::default().build()?))
    }

    #[cfg(feature = "tools")]
    async fn load_tools_from_directory(
        self,
        path: impl AsRef<std::path::Path> + Send,
    ) -> Result<Self, Error> {
        let directory = ropewalk_tools::ToolDirectory::open(path).await?;
        Ok(self.tool_provider(directory))
    }
}
