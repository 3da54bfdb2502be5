//! Why a file is no tool.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a program in a folder of tools is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolProblem {
    file: PathBuf,
    text: String,
}

impl ToolProblem {
    pub(super) fn new(file: &Path, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), text: text.into() }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What is wrong with it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ToolProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the tool `{}` is left out: {}", self.file.display(), self.text)
    }
}
