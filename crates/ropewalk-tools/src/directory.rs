//! Tools that are programs in a folder.

mod load;
mod options;
mod problem;
mod program;
mod result;
mod scan;
mod spec;
mod watch;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{Error, ErrorKind, Tool, ToolProvider};

use load::Table;
use watch::Watch;

pub use options::ToolDirectoryOptions;
pub use problem::ToolProblem;
pub use program::ProgramTool;

/// The programs of a folder as tools, in any language, kept up to date while files come, change and go
/// (Strands' `load_tools_from_directory`, which knows Python modules).
///
/// Every executable file is one tool, a [`ProgramTool`]: that page says what a program has to do. Files
/// that are not executable, folders, and names that begin with `__` or `.` or end with `~` are passed
/// over; a link to a file outside of the folder is refused. What is broken is left out and reported, in
/// the log and by [`problems`](Self::problems); the others stay. Of two programs with one name (`-` and
/// `_` count as one) the first in the order of the files' names is the tool.
///
/// Opening runs every program of the folder with `--tool-spec`, and a changed one again: open only
/// folders whose programs may run. Calls do not ask: see [`asks_first`](crate::asks_first).
///
/// It is a [`ToolProvider`]: an agent that it was given to has at each model call what is there then.
///
/// Clones are the same directory. When the last one is dropped it is not watched any more.
///
/// ```no_run
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use ropewalk_tools::ToolDirectory;
///
/// let directory = ToolDirectory::open("./tools").await?;
/// for tool in &*directory.tools() {
///     println!("{}: {}", tool.spec().name, tool.spec().description);
/// }
/// for problem in directory.problems().iter() {
///     eprintln!("{problem}");
/// }
/// # Ok::<(), ropewalk_core::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ToolDirectory {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// The path as a text.
    name: String,
    options: ToolDirectoryOptions,
    /// What is known of each file. Held while programs are asked, so that one look follows the other.
    table: tokio::sync::Mutex<Table>,
    found: Mutex<Found>,
    /// Stops watching when it is dropped.
    watch: Mutex<Option<Watch>>,
}

/// What the last look found.
#[derive(Clone)]
struct Found {
    tools: Arc<[Arc<dyn Tool>]>,
    problems: Arc<[ToolProblem]>,
}

impl ToolDirectory {
    /// Opens a folder and watches it.
    ///
    /// # Errors
    /// As for [`open_with`](Self::open_with).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, ToolDirectoryOptions::new()).await
    }

    /// Opens a folder as the options say. It must be called on a tokio runtime with time and I/O; the
    /// folder is watched for as long as that runs.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the path is no folder or may not be read, [`ErrorKind::Other`] if
    /// the system can't watch it. Broken programs are no error: see [`problems`](Self::problems).
    pub async fn open_with(
        path: impl AsRef<Path>,
        options: ToolDirectoryOptions,
    ) -> Result<Self, Error> {
        let path = scan::folder(path.as_ref())?;
        let is_watched = options.watch;
        let found = Found { tools: Arc::new([]), problems: Arc::new([]) };
        let directory = Self {
            inner: Arc::new(Inner {
                name: path.display().to_string(),
                path,
                options,
                table: tokio::sync::Mutex::default(),
                found: Mutex::new(found),
                watch: Mutex::new(None),
            }),
        };
        if is_watched {
            // Before the first look: what changes during it is seen by the next.
            let watch = Watch::start(&directory.inner)?;
            *directory.inner.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
        }
        directory.reload().await?;
        Ok(directory)
    }

    /// Where it is: an absolute path without symbolic links.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The tools as they are now, in the order of the files' names. The same pointer means that nothing
    /// has changed.
    pub fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.inner.found().tools
    }

    /// What is left out at the moment, and why.
    pub fn problems(&self) -> Arc<[ToolProblem]> {
        self.inner.found().problems
    }

    /// Looks at the folder now: asks programs that are new or changed, and once more those that were
    /// broken. A watched directory does so by itself soon after something has changed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: the folder can't be read any more. The tools are gone then.
    pub async fn reload(&self) -> Result<(), Error> {
        self.inner.look(|_| true).await
    }
}

impl Inner {
    fn found(&self) -> Found {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the folder. A program that was broken is asked again if `again` says so of its file.
    async fn look(&self, again: impl Fn(&Path) -> bool) -> Result<(), Error> {
        let mut table = self.table.lock().await;
        let looked = table.update(&self.path, &self.options, again).await;
        let (tools, problems) = table.found();
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(one, other): (&Arc<dyn Tool>, &Arc<dyn Tool>)| Arc::ptr_eq(one, other);
        if tools.len() != found.tools.len() || !tools.iter().zip(&*found.tools).all(same) {
            found.tools = tools.into();
        }
        for problem in problems.iter().filter(|problem| !found.problems.contains(problem)) {
            tracing::warn!("{problem}");
        }
        found.problems = problems.into();
        looked.map_err(|error| {
            let text = format!("the folder of tools `{}`: {error}", self.path.display());
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })
    }
}

impl ToolProvider for ToolDirectory {
    fn name(&self) -> &str {
        &self.inner.name
    }

    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools()
    }
}

impl fmt::Debug for ToolDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { tools, problems } = self.inner.found();
        let names: Vec<_> = tools.iter().map(|tool| tool.spec().name.clone()).collect();
        f.debug_struct("ToolDirectory")
            .field("path", &self.inner.path)
            .field("tools", &names)
            .field("problems", &problems)
            .finish_non_exhaustive()
    }
}
