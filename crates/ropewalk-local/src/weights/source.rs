//! Which model is meant.

use std::fmt;
use std::path::{Path, PathBuf};

use ropewalk_core::{Error, ErrorKind};

#[cfg(feature = "hub")]
use super::hub;
use super::{Cache, package};

/// Which model is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ModelSource {
    /// SmolLM2-135M-Instruct, fetched on first use.
    #[default]
    Default,
    /// A GGUF file on this machine.
    File(PathBuf),
    /// A GGUF file in a repository of the Hugging Face hub.
    Hub {
        /// `owner/name`.
        repository: String,
        /// The file in it.
        file: String,
    },
}

impl ModelSource {
    /// Where the model's file lies on this machine; none if it is fetched when it is used for the first time.
    ///
    /// ```
    /// use ropewalk_local::ModelSource;
    ///
    /// assert_eq!(ModelSource::File("/no/such/model.gguf".into()).local_file()?, None);
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no folder in which it could lie.
    pub fn local_file(&self) -> Result<Option<PathBuf>, Error> {
        match self {
            Self::Default => Ok(package::kept(&Cache::of_user()?)),
            Self::File(path) => Ok(Some(path.clone()).filter(|path| path.is_file())),
            #[cfg(feature = "hub")]
            Self::Hub { repository, file } => Ok(hub::kept(repository, file)),
            #[cfg(not(feature = "hub"))]
            Self::Hub { .. } => Ok(None),
        }
    }

    /// Reads what a person writes: `local`, `local:/path/to/model.gguf`, `local:owner/repository/file.gguf`. The
    /// word `local:` may be left out.
    ///
    /// ```
    /// use ropewalk_local::ModelSource;
    ///
    /// assert_eq!(ModelSource::parse("local")?, ModelSource::Default);
    /// assert_eq!(
    ///     ModelSource::parse("local:/models/q.gguf")?,
    ///     ModelSource::File("/models/q.gguf".into())
    /// );
    /// assert_eq!(
    ///     ModelSource::parse("local:owner/name/q.gguf")?,
    ///     ModelSource::Hub { repository: "owner/name".into(), file: "q.gguf".into() }
    /// );
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// What is written is none of the three.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let rest = text.strip_prefix("local:").unwrap_or(text).trim();
        if rest.is_empty() || rest == "local" {
            return Ok(Self::Default);
        }
        if let Some(below) = rest.strip_prefix("~/")
            && let Some(home) = std::env::home_dir()
        {
            return Ok(Self::File(home.join(below)));
        }
        let path = Path::new(rest);
        let plain = path.is_absolute() || rest.starts_with('.') || path.exists();
        let gguf = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"));
        if plain || (gguf && !rest.contains('/')) {
            return Ok(Self::File(path.to_owned()));
        }
        if let [owner, name, file @ ..] = &rest.split('/').collect::<Vec<_>>()[..]
            && !file.is_empty()
            && gguf
            && !owner.is_empty()
            && !name.is_empty()
        {
            return Ok(Self::Hub { repository: format!("{owner}/{name}"), file: file.join("/") });
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "`{text}` names no embedded model; write `local` for the default one, `local:/path/to/model.gguf` \
                 for a file, or `local:owner/repository/file.gguf` for one of the Hugging Face hub"
            ),
        ))
    }
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("local"),
            Self::File(path) => write!(f, "local:{}", path.display()),
            Self::Hub { repository, file } => write!(f, "local:{repository}/{file}"),
        }
    }
}
