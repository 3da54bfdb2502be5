//! A folder with programs.
#![allow(unreachable_pub)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ropewalk_core::{Tool, ToolContext, ToolOutput, ToolStatus, ToolUse};
use ropewalk_tools::{ToolDirectory, ToolDirectoryOptions};
use serde_json::Value;
use tempfile::TempDir;

pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("tools")).unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir }
    }

    /// The folder of tools.
    pub fn tools(&self) -> PathBuf {
        self.dir.path().join("tools").canonicalize().unwrap()
    }

    /// The folder that tools start in.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work").canonicalize().unwrap()
    }

    /// Writes a file that is no program.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.tools().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes a program: beside, and then put in its place, as careful people do.
    pub fn program(&self, name: &str, text: &str) -> PathBuf {
        let (beside, path) = (self.dir.path().join("beside"), self.tools().join(name));
        fs::write(&beside, text).unwrap();
        executable(&beside);
        fs::rename(&beside, &path).unwrap();
        path
    }

    /// Writes a shell script that is a tool: its name, and what a call does.
    pub fn sh(&self, name: &str, body: &str) -> PathBuf {
        self.program(name, &sh(name, body))
    }

    pub fn options(&self) -> ToolDirectoryOptions {
        ToolDirectoryOptions::new().with_working_folder(self.work())
    }

    /// The directory, not watched.
    pub async fn open(&self) -> ToolDirectory {
        self.open_with(self.options().with_watch(false)).await
    }

    pub async fn open_with(&self, options: ToolDirectoryOptions) -> ToolDirectory {
        ToolDirectory::open_with(self.tools(), options).await.unwrap()
    }
}

/// A shell script that is a tool.
pub fn sh(name: &str, body: &str) -> String {
    format!(
        r#"#!/bin/sh
if [ "$1" = --tool-spec ]; then
    echo '{{"name": "{name}", "description": "Does {name}."}}'
    exit
fi
{body}
"#
    )
}

pub fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub fn names(directory: &ToolDirectory) -> Vec<String> {
    directory.tools().iter().map(|tool| tool.spec().name.clone()).collect()
}

/// What is wrong, each with the name of its file.
pub fn problems(directory: &ToolDirectory) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    directory.problems().iter().map(|it| format!("{}: {}", name(it.file()), it.text())).collect()
}

pub fn tool(directory: &ToolDirectory, name: &str) -> Arc<dyn Tool> {
    directory.tools().iter().find(|tool| tool.spec().name == name).cloned().unwrap()
}

pub fn context(input: &Value) -> ToolContext {
    ToolContext::detached(ToolUse::new("t1", "tool", input.clone()))
}

/// Calls a tool; an error is what the model would read.
pub async fn call(tool: &Arc<dyn Tool>, input: Value) -> ToolOutput {
    let context = context(&input);
    tool.call(input, context)
        .await
        .unwrap_or_else(|error| ToolOutput::error(format!("Error: {error}")))
}

/// Status and text of a result.
pub fn text(output: &ToolOutput) -> (ToolStatus, String) {
    let content = serde_json::to_value(&output.content).unwrap();
    (output.status, content[0]["text"].as_str().unwrap().to_owned())
}

pub fn ok(text: &str) -> (ToolStatus, String) {
    (ToolStatus::Success, text.to_owned())
}

pub fn error(text: &str) -> (ToolStatus, String) {
    (ToolStatus::Error, text.to_owned())
}

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
