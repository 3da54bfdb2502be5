//! What a model may be called.

use std::fmt;
use std::str::FromStr;

use ropewalk_core::{Error, ErrorKind};

/// What a model may be called.
///
/// | name | model |
/// |---|---|
/// | `openai:ID` | a model of OpenAI, or of the server in `OPENAI_BASE_URL` (feature `openai`) |
/// | `local` | the embedded model (feature `local`) |
/// | `local:FILE.gguf`, `local:OWNER/REPO/FILE.gguf` | a model in this process, from a file or a hub (feature `local`) |
/// | anything without a provider | a model of Amazon Bedrock, as in Strands; not offered yet |
///
/// ```
/// use ropewalk::ModelName;
///
/// assert_eq!(ModelName::parse("openai:gpt-4o-mini")?, ModelName::OpenAi("gpt-4o-mini".into()));
/// assert_eq!(ModelName::parse("local")?.to_string(), "local");
/// let bedrock = "us.anthropic.claude-sonnet-4-20250514-v1:0";
/// assert_eq!(ModelName::parse(bedrock)?, ModelName::Bedrock(bedrock.into()));
/// assert!(ModelName::parse("teleport:x").is_err());
/// # Ok::<(), ropewalk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelName {
    /// A model in this process: `local`, with or without what is meant.
    Local(String),
    /// A model of OpenAI, or of a server that speaks its chat interface: its id there.
    OpenAi(String),
    /// A model of Amazon Bedrock: its id, or its ARN.
    Bedrock(String),
}

/// What can be used, for errors.
pub(super) const USABLE: &str =
    "`openai:ID`, `local`, `local:FILE.gguf` or `local:OWNER/REPO/FILE.gguf`";

impl ModelName {
    /// Reads a name. Whether there is such a model shows when it is [loaded](Self::load).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it is empty, lacks the model's id, or names a provider that is not
    /// known.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let name = name.trim();
        let refuse = |text: String| Err(Error::new(ErrorKind::InvalidInput, text));
        let (provider, id) = name.split_once(':').unwrap_or((name, ""));
        match provider {
            "" => refuse(format!("the model's name is empty: use {USABLE}")),
            "local" => Self::local(name),
            "openai" if id.trim().is_empty() => {
                refuse("`openai:` needs the id of a model, as in `openai:gpt-4o-mini`".to_owned())
            }
            "openai" => Ok(Self::OpenAi(id.trim().to_owned())),
            "bedrock" if !id.is_empty() => Ok(Self::Bedrock(id.to_owned())),
            // Ids of Bedrock hold a colon too: behind what no provider is called.
            _ if provider == name || provider == "arn" || provider.contains('.') => {
                Ok(Self::Bedrock(name.to_owned()))
            }
            _ => refuse(format!("there is no model `{name}`: use {USABLE}")),
        }
    }

    fn local(name: &str) -> Result<Self, Error> {
        #[cfg(feature = "local")]
        ropewalk_local::ModelSource::parse(name)?;
        Ok(Self::Local(name.to_owned()))
    }
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
            Self::OpenAi(id) => write!(f, "openai:{id}"),
            Self::Bedrock(id) => f.write_str(id),
        }
    }
}
