//! From the files of a folder to tools.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt as _;
use ropewalk_core::Tool;

use super::scan::{self, Fingerprint};
use super::{ProgramTool, ToolDirectoryOptions, ToolProblem};

/// How many programs are asked for their spec at once.
const AT_ONCE: usize = 8;

/// What is known of each program of a folder.
#[derive(Default)]
pub(super) struct Table {
    entries: BTreeMap<PathBuf, Entry>,
    /// Why the folder can't be read, if so.
    unreadable: Option<ToolProblem>,
}

struct Entry {
    /// None: it was refused without a look into it.
    fingerprint: Option<Fingerprint>,
    tool: Result<Arc<ProgramTool>, String>,
}

impl Table {
    /// Asks the programs that are new or changed, and those that were broken where `again` says so of
    /// their file.
    ///
    /// # Errors
    /// The folder can't be read; then nothing is known of any program.
    pub(super) async fn update(
        &mut self,
        folder: &Path,
        options: &ToolDirectoryOptions,
        again: impl Fn(&Path) -> bool,
    ) -> io::Result<()> {
        let path = folder.to_owned();
        let scanned = tokio::task::spawn_blocking(move || scan::programs(&path)).await;
        let scanned = scanned.map_err(io::Error::other).flatten();
        self.unreadable =
            scanned.as_ref().err().map(|error| ToolProblem::new(folder, error.to_string()));
        let mut before = std::mem::take(&mut self.entries);
        let mut asked = Vec::new();
        for (path, state) in scanned? {
            match state {
                Err(why) => drop(self.entries.insert(path, Entry::refused(why))),
                Ok(fingerprint) => match before.remove(&path) {
                    Some(entry) if entry.holds(fingerprint, || again(&path)) => {
                        self.entries.insert(path, entry);
                    }
                    _ => asked.push((path, fingerprint)),
                },
            }
        }
        let asking = asked.into_iter().map(async |(path, fingerprint)| {
            let tool = ProgramTool::ask(&path, fingerprint, options).await;
            (path, Entry { fingerprint: Some(fingerprint), tool: tool.map(Arc::new) })
        });
        let asking = futures_util::stream::iter(asking).buffer_unordered(AT_ONCE);
        self.entries.extend(asking.collect::<Vec<_>>().await);
        Ok(())
    }

    /// The tools in the order of their files' names, and what is wrong with the other files.
    pub(super) fn found(&self) -> (Vec<Arc<dyn Tool>>, Vec<ToolProblem>) {
        let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
        let mut problems: Vec<ToolProblem> = self.unreadable.iter().cloned().collect();
        let mut taken: BTreeMap<String, &Path> = BTreeMap::new();
        for (path, entry) in &self.entries {
            let tool = match &entry.tool {
                Ok(tool) => tool,
                Err(why) => {
                    problems.push(ToolProblem::new(path, why));
                    continue;
                }
            };
            let name = &tool.spec().name;
            match taken.get(&name.replace('-', "_")) {
                Some(other) => {
                    let other = other.display();
                    let text = format!("its name `{name}` is that of `{other}`: rename one");
                    problems.push(ToolProblem::new(path, text));
                }
                None => {
                    taken.insert(name.replace('-', "_"), path);
                    tools.push(Arc::clone(tool) as Arc<dyn Tool>);
                }
            }
        }
        (tools, problems)
    }
}

impl Entry {
    fn refused(why: String) -> Self {
        Self { fingerprint: None, tool: Err(why) }
    }

    /// Whether it need not be asked again.
    fn holds(&self, fingerprint: Fingerprint, again: impl FnOnce() -> bool) -> bool {
        self.fingerprint == Some(fingerprint) && (self.tool.is_ok() || !again())
    }
}
