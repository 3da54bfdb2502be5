//! Answers in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ropewalk_core::{BoxFuture, Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Grant, GrantStore, is_key};
use crate::blocking::blocking;
use crate::canonical::{canonical, sha256};
use crate::files::{io_error, lock, sync_folder};

const FORMAT: &str = "ropewalk-grants";
const VERSION: u32 = 1;

/// Keeps answers in a JSON file. It is written whole, beside the old one, and takes its place at once
/// when it is on the disk: there is always either the old or the new one. Other processes may use the
/// file at the same time; a file `<name>.lock` beside it keeps them apart. What another process
/// keeps or takes back counts from the next call on.
///
/// A file that is damaged, or was edited by hand, is refused, and left as it is.
///
/// ```
/// use ropewalk_approvals::{Approvals, FileGrants, Rule};
/// use ropewalk_core::ApprovalScope;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let rule = Rule::ask("*").scopes([ApprovalScope::Once, ApprovalScope::Always]);
/// let approvals =
///     Approvals::new([rule])?.grants(FileGrants::open(folder.join("grants.json"))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileGrants {
    path: Arc<Path>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    version: u32,
    /// The SHA-256 of the canonical form of `grants`.
    sum: String,
    grants: Vec<Grant>,
}

impl FileGrants {
    /// The answers in a file, which need not be there yet; its folder must be.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if the file can't be read or is damaged, [`ErrorKind::Unsupported`] if
    /// a newer version wrote it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path: PathBuf = path.into();
        read(&path)?;
        Ok(Self { path: path.into() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes the answers while nobody else does.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Vec<Grant>) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let path = Arc::clone(&self.path);
        blocking(move || {
            let _lock = lock_beside(&path)?;
            let mut grants = read(&path)?;
            let before = grants.clone();
            let outcome = change(&mut grants);
            if grants != before {
                write(&path, grants)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn all(&self) -> Result<Vec<Grant>, Error> {
        let path = Arc::clone(&self.path);
        blocking(move || read(&path)).await
    }
}

impl GrantStore for FileGrants {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Grant>, Error>> {
        Box::pin(async move {
            let grants = self.all().await?;
            Ok(grants.into_iter().find(|grant| grant.key == key))
        })
    }

    fn add(&self, grant: Grant) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.change(move |grants| {
            grants.retain(|other| other.key != grant.key);
            grants.push(grant);
            grants.sort_by(|one, other| one.key.cmp(&other.key));
        }))
    }

    fn revoke<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        let key = key.to_owned();
        Box::pin(self.change(move |grants| {
            let before = grants.len();
            grants.retain(|grant| grant.key != key);
            grants.len() < before
        }))
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Grant>, Error>> {
        Box::pin(self.all())
    }
}

/// The file is replaced when it is written, so that it can't be locked itself.
fn lock_beside(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let cant = |error| io_error("can't lock", &name, error);
    let file = options.open(&name).map_err(cant)?;
    lock(&file, false).map_err(cant)?;
    Ok(file)
}

fn read(path: &Path) -> Result<Vec<Grant>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("can't read the remembered answers", path, error)),
    };
    let damaged = |why: String| {
        let text = format!(
            "the remembered answers `{}` are damaged: {why}. Nothing was changed; restore the file from a copy, or remove it to be asked again",
            path.display()
        );
        Error::new(ErrorKind::Journal, text)
    };
    let content: Content =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if content.format != FORMAT {
        return Err(damaged(format!("its format is `{}`, not `{FORMAT}`", content.format)));
    }
    if content.version != VERSION {
        let text = format!(
            "the remembered answers `{}` have version {}, and this program reads {VERSION}: use a newer program",
            path.display(),
            content.version
        );
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    if content.sum != sum(&content.grants) {
        return Err(damaged("its checksum does not fit: something in it was changed".to_owned()));
    }
    if let Some(grant) = content.grants.iter().find(|grant| !is_key(&grant.key)) {
        return Err(damaged(format!("`{}` is no key", grant.key)));
    }
    if content.grants.windows(2).any(|pair| pair[0].key >= pair[1].key) {
        return Err(damaged("its keys are not in order, or one stands twice".to_owned()));
    }
    Ok(content.grants)
}

fn write(path: &Path, grants: Vec<Grant>) -> Result<(), Error> {
    let cant = |error| io_error("can't write the remembered answers", path, error);
    let sum = sum(&grants);
    let content = Content { format: FORMAT.to_owned(), version: VERSION, sum, grants };
    let mut json =
        serde_json::to_vec_pretty(&content).map_err(|error| cant(io::Error::from(error)))?;
    json.push(b'\n');
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Only its owner may read it, as everything that `tempfile` makes.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(cant)?;
    file.write_all(&json).map_err(cant)?;
    file.as_file().sync_all().map_err(cant)?;
    file.persist(path).map_err(|error| cant(error.error))?;
    sync_folder(path)
}

fn sum(grants: &[Grant]) -> String {
    sha256(canonical(&json!(grants)).as_bytes())
}
