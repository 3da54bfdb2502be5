//! What a model may be called.

use std::fmt;
use std::str::FromStr;

use ropewalk_core::{Error, ErrorKind};

use super::Provider;

/// What a model may be called.
///
/// | name | model |
/// |---|---|
/// | `openai:ID` | a model of OpenAI, or of the server in `OPENAI_BASE_URL`; so with every [`Provider`]'s prefix: `anthropic:ID`, `gemini:ID`, `ollama:ID`, … |
/// | `local` | the embedded model (feature `local`) |
/// | `local:FILE.gguf`, `local:OWNER/REPO/FILE.gguf` | a model in this process, from a file or a hub (feature `local`) |
/// | anything without a provider | a model of Amazon Bedrock, as in Strands (feature `bedrock`) |
///
/// ```
/// use ropewalk::{ModelName, Provider};
///
/// let name = ModelName::parse("openai:gpt-4o-mini")?;
/// assert_eq!(name, ModelName::Of(Provider::OpenAi, "gpt-4o-mini".into()));
/// assert_eq!(ModelName::parse("local")?.to_string(), "local");
/// let bedrock = "us.anthropic.claude-sonnet-4-20250514-v1:0";
/// assert_eq!(ModelName::parse(bedrock)?, ModelName::Of(Provider::Bedrock, bedrock.into()));
/// assert!(ModelName::parse("teleport:x").is_err());
/// # Ok::<(), ropewalk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelName {
    /// A model in this process: `local`, with or without what is meant.
    Local(String),
    /// A model of a provider: its id there.
    Of(Provider, String),
}

impl ModelName {
    /// Reads a name. Whether there is such a model shows when it is [loaded](Self::load), or asked.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it is empty, lacks the model's id, or names a provider that is not
    /// known.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let name = name.trim();
        let refuse = |text: String| Err(Error::new(ErrorKind::InvalidInput, text));
        let (prefix, id) = name.split_once(':').unwrap_or((name, ""));
        match (prefix, Provider::from_prefix(prefix)) {
            ("", _) => refuse(format!("the model's name is empty: use {}", usable())),
            ("local", _) => Self::local(name),
            (_, Some(provider)) if id.trim().is_empty() => refuse(format!(
                "`{prefix}:` needs the id of a model, as in `{prefix}:{}`",
                provider.example()
            )),
            (_, Some(provider)) => Ok(Self::Of(provider, id.trim().to_owned())),
            // Ids of Bedrock hold a colon too: behind what no provider is called.
            _ if prefix == name || prefix == "arn" || prefix.contains('.') => {
                Ok(Self::Of(Provider::Bedrock, name.to_owned()))
            }
            _ => refuse(format!("there is no model `{name}`: use {}", usable())),
        }
    }

    fn local(name: &str) -> Result<Self, Error> {
        #[cfg(feature = "local")]
        ropewalk_local::ModelSource::parse(name)?;
        Ok(Self::Local(name.to_owned()))
    }
}

/// What can be used, for errors.
fn usable() -> String {
    let names = Provider::ALL.map(|provider| format!("`{}:ID`", provider.prefix()));
    format!("{}, `local`, `local:FILE.gguf` or `local:OWNER/REPO/FILE.gguf`", names.join(", "))
}

impl FromStr for ModelName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::parse(name)
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => f.write_str(name),
            Self::Of(provider, id) => write!(f, "{}:{id}", provider.prefix()),
        }
    }
}
