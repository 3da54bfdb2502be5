//! Agents from a file.

mod conversation;
mod place;
mod read;
mod retry;
mod tools;

use std::path::{Path, PathBuf};

use ropewalk_core::{Agent, AgentBuilder, Error, ErrorKind, Limits};
use serde::Deserialize;
use serde_json::Value;

use crate::AgentBuilderExt as _;

pub use conversation::{ConversationConfig, SlidingWindowConfig, SummarizingConfig};
pub use retry::RetryConfig;

/// An agent as a file describes it (Strands' experimental `config_to_agent`): JSON, or TOML. Nothing is
/// needed; every key that is not known is refused, with its place and the known one that is most like it.
///
/// ```
/// use ropewalk::AgentConfig;
///
/// let config = AgentConfig::parse(r#"
///     name = "Ropemaker"
///     model = "openai:gpt-4o-mini"
///     system_prompt = "You know all about ropes."
///     tools = ["calculator", "current_time"]
/// "#)?;
/// assert_eq!(config.tools.len(), 2);
///
/// let error = AgentConfig::parse("nmae = 'x'").unwrap_err();
/// assert!(error.to_string().contains("did you mean `name`?"), "{error}");
/// # Ok::<(), ropewalk::Error>(())
/// ```
///
/// From a file to an agent, with hooks that no file can hold:
///
/// ```no_run
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use ropewalk::prelude::*;
///
/// let mut agent = AgentConfig::load("agent.toml")?
///     .builder()
///     .await?
///     .hook(|event: &AfterToolCallEvent| println!("{}", event.result().text()))
///     .build()
///     .await?;
/// # Ok::<(), Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What is named by a path is looked for from the file's folder. What stands in the file can be changed
/// before [`builder`](Self::builder) is called, and what the builder holds after it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AgentConfig {
    /// The agent's name.
    pub name: Option<String>,
    /// What the agent does, for other agents.
    pub description: Option<String>,
    /// The agent's id within its session.
    pub agent_id: Option<String>,
    /// The model's name; see [`ModelName`](crate::ModelName). Without one the builder needs a model.
    pub model: Option<String>,
    /// What the model is told before the conversation; in Strands' files it is called `prompt`, which is
    /// read too.
    #[serde(alias = "prompt")]
    pub system_prompt: Option<String>,
    /// The tools: names of shipped ones, and paths (with a `/`, or beginning with `~` or `.`) of programs
    /// and of folders of programs; see [`ToolDirectory`](crate::ToolDirectory).
    #[serde(default)]
    pub tools: Vec<String>,
    /// Whether the programs in the folder `tools` beside the file are tools.
    #[serde(default)]
    pub load_tools_from_directory: bool,
    /// What is left out of the conversation, and when.
    pub conversation_manager: Option<ConversationConfig>,
    /// How often the model is asked again when it fails.
    pub retry: Option<RetryConfig>,
    /// What an invocation may use at most.
    pub limits: Option<Limits>,
    /// The JSON Schema of what the agent gives.
    pub structured_output_schema: Option<Value>,
    /// Where the conversation is kept.
    pub session: Option<SessionConfig>,
    /// From where the paths of tools are looked for: the folder of the file, or the process's current one.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Where an agent's conversation is kept: a session on file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The session's name.
    pub name: String,
    /// The folder of sessions.
    pub folder: PathBuf,
}

impl AgentConfig {
    /// Reads a file: JSON or TOML, by the extension `.json` or `.toml`, or else by what it holds. As in
    /// Strands, `file://` may stand before the path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the file can't be read, is neither JSON nor TOML, or holds a key or a
    /// value that can't be. The text says where.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let path =
            path.to_str().and_then(|text| text.strip_prefix("file://")).map_or(path, Path::new);
        let shown = format!("`{}`", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| {
            let text = format!("the agent's file {shown} can't be read: {error}");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?;
        let config = read::read(&text, read::Format::of(path, &text), &shown)?;
        Ok(config.standing_in(path.parent().unwrap_or(Path::new(""))))
    }

    /// Reads a text: JSON if it begins with `{`, else TOML.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let config = read::read(text, read::Format::of_text(text), "the agent's description")?;
        Ok(config.standing_in(Path::new("")))
    }

    fn standing_in(mut self, folder: &Path) -> Self {
        if let Some(session) = &mut self.session {
            session.folder = place::resolve(folder, &session.folder);
        }
        Self { folder: folder.to_owned(), ..self }
    }

    /// A builder with all that the description says. The model is loaded, programs are asked for their
    /// specs, the session is opened.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a tool or a model that is not there;
    /// [`ErrorKind::Unsupported`] for what is not in this build; and what models, folders of tools and
    /// sessions can't be opened for.
    pub async fn builder(self) -> Result<AgentBuilder, Error> {
        let mut builder = Agent::builder();
        if let Some(name) = &self.name {
            builder = builder.name(name);
        }
        if let Some(description) = &self.description {
            builder = builder.description(description);
        }
        if let Some(id) = &self.agent_id {
            builder = builder.agent_id(id);
        }
        if let Some(prompt) = &self.system_prompt {
            builder = builder.system_prompt(prompt.as_str());
        }
        if let Some(model) = &self.model {
            builder = builder.model_named(model).await?;
        }
        if let Some(manager) = &self.conversation_manager {
            builder = manager.clone().add(builder);
        }
        if let Some(retry) = &self.retry {
            builder = builder.retry_strategy(retry.clone().strategy());
        }
        if let Some(limits) = self.limits {
            builder = builder.limits(limits);
        }
        if let Some(schema) = &self.structured_output_schema {
            builder = builder.structured_output_schema(schema.clone());
        }
        builder = tools::add(builder, &self).await?;
        // Last: what fails before leaves no session behind.
        if let Some(session) = &self.session {
            builder = with_session(builder, session).await?;
        }
        Ok(builder)
    }
}

#[cfg(feature = "session")]
async fn with_session(
    builder: AgentBuilder,
    wanted: &SessionConfig,
) -> Result<AgentBuilder, Error> {
    let session =
        ropewalk_session::Sessions::at(&wanted.folder).await?.session(&wanted.name).await?;
    if let Some(repair) = session.repaired() {
        tracing::warn!("{repair}");
    }
    Ok(builder.session(session))
}

#[cfg(not(feature = "session"))]
#[allow(clippy::unused_async, reason = "the same with the feature")]
async fn with_session(_: AgentBuilder, wanted: &SessionConfig) -> Result<AgentBuilder, Error> {
    Err(crate::feature::missing(&format!("the session `{}`", wanted.name), "session"))
}
