//! The folder that tools work in.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use ropewalk_core::{
    BoxError, BoxFuture, Error, ErrorKind, FunctionTool, Preview, Replay, Tool, ToolContext,
    ToolOutput, ToolSpec,
};
use serde_json::Value;

use crate::{files, shell};

/// A folder that the tools for files can't leave, neither by `..` nor by absolute paths nor through
/// symbolic links, and that the shell starts in (the shell can leave it).
///
/// ```
/// use ropewalk_core::Tool;
/// use ropewalk_tools::WorkingFolder;
///
/// let folder = WorkingFolder::open(std::env::temp_dir())?;
/// let tools = [folder.file_read(), folder.file_write(), folder.shell()];
/// assert_eq!(tools[0].spec().name, "file_read");
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
#[derive(Clone)]
pub struct WorkingFolder {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    dir: Dir,
}

impl WorkingFolder {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it does not exist, is no folder or may not be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let refuse = |source: std::io::Error| {
            let text = format!("the working folder `{}` can't be opened: {source}", path.display());
            Error::new(ErrorKind::InvalidInput, text).with_source(source)
        };
        let whole = path.canonicalize().map_err(refuse)?;
        let dir = Dir::open_ambient_dir(&whole, ambient_authority()).map_err(refuse)?;
        Ok(Self { inner: Arc::new(Inner { path: whole, dir }) })
    }

    /// The process's current folder: what the plain tools work in.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn current() -> Result<Self, Error> {
        Self::open(".")
    }

    /// Where it is: an absolute path without symbolic links.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The tool [`file_read`](crate::file_read()), in this folder.
    pub fn file_read(&self) -> FolderTool {
        self.tool(files::file_read(), files::read_in)
    }

    /// The tool [`file_write`](crate::file_write()), in this folder.
    pub fn file_write(&self) -> FolderTool {
        FolderTool {
            preview: Some(files::preview_write_in),
            ..self.tool(files::file_write(), files::write_in)
        }
    }

    /// The tool [`shell`](crate::shell()), in this folder.
    pub fn shell(&self) -> FolderTool {
        self.tool(shell::shell(), shell::run_in)
    }

    pub(crate) fn dir(&self) -> &Dir {
        &self.inner.dir
    }

    fn tool(&self, like: FunctionTool, call: FolderCall) -> FolderTool {
        FolderTool { folder: self.clone(), like, call, preview: None }
    }
}

impl fmt::Debug for WorkingFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkingFolder").field(&self.inner.path).finish()
    }
}

/// How a tool is called in a folder.
pub(crate) type FolderCall =
    fn(WorkingFolder, Value, ToolContext) -> BoxFuture<'static, Result<ToolOutput, BoxError>>;

/// What says what a call in a folder would do.
type FolderPreview =
    fn(WorkingFolder, Value) -> BoxFuture<'static, Result<Option<Preview>, BoxError>>;

/// A shipped tool that works in a certain folder; made by [`WorkingFolder`].
#[derive(Clone)]
pub struct FolderTool {
    folder: WorkingFolder,
    /// The tool of the same name that works in the current folder: the spec is the same.
    like: FunctionTool,
    call: FolderCall,
    preview: Option<FolderPreview>,
}

impl Tool for FolderTool {
    fn spec(&self) -> &ToolSpec {
        self.like.static_spec()
    }

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        (self.call)(self.folder.clone(), input, context)
    }

    fn replay(&self) -> Replay {
        self.like.replay()
    }

    fn preview<'a>(&'a self, input: &'a Value) -> BoxFuture<'a, Result<Option<Preview>, BoxError>> {
        match self.preview {
            Some(preview) => preview(self.folder.clone(), input.clone()),
            None => Box::pin(std::future::ready(Ok(None))),
        }
    }
}

impl fmt::Debug for FolderTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderTool")
            .field("name", &self.like.static_spec().name)
            .field("folder", &self.folder)
            .finish()
    }
}
