//! The machine's own package client: it knows the mirrors, proxies and certificates of this place.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A way of fetching a Python package.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    /// As a person would name it.
    pub(super) name: &'static str,
    program: &'static str,
    before: &'static [&'static str],
    /// Whether it keeps the package whole (a wheel) or unpacks it.
    whole: bool,
}

/// The clients, the usual one first.
pub(super) const CLIENTS: [Client; 4] = [
    Client { name: "python3 -m pip", program: "python3", before: &["-m", "pip"], whole: true },
    Client { name: "python -m pip", program: "python", before: &["-m", "pip"], whole: true },
    Client { name: "pip", program: "pip", before: &[], whole: true },
    Client { name: "uv pip", program: "uv", before: &["pip"], whole: false },
];

/// Why a client fetched nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It isn't there.
    Absent,
    /// It ran and failed; its last words.
    Failed(String),
}

impl Client {
    /// Fetches one package into `folder`; `watch` is told how many bytes lie there.
    pub(super) fn fetch(
        &self,
        package: &str,
        folder: &Path,
        watch: &dyn Fn(u64),
    ) -> Result<(), Failure> {
        let mut command = Command::new(self.program);
        command.args(self.before);
        if self.whole {
            command.args(["download", "--no-deps", "--only-binary", ":all:", "--no-input"]);
            command.args(["--disable-pip-version-check", "--no-cache-dir", "--dest"]);
        } else {
            command.args(["install", "--no-deps", "--no-cache", "--target"]);
        }
        // What it downloads is to lie where it can be watched, and on the disk that was asked for.
        command.arg(folder).arg(package).env("TMPDIR", folder).env("TEMP", folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::Absent);
            }
            Err(error) => return Err(Failure::Failed(error.to_string())),
        };
        let mut pipe = child.stderr.take();
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            // Whatever could be read is shown; what could not is not worth failing for.
            let _ = pipe.as_mut().map(|pipe| pipe.read_to_string(&mut said));
            said
        });
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {
                    watch(size(folder));
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(Failure::Failed(error.to_string())),
            }
        };
        let said = said.join().unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        // An interpreter without the client is as good as none.
        if said.contains("No module named pip") {
            return Err(Failure::Absent);
        }
        Err(Failure::Failed(last_words(&said, &status.to_string())))
    }
}

/// The end of what a client said, without its advertisements.
fn last_words(said: &str, status: &str) -> String {
    let lines = said.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .filter(|l| {
            !l.is_empty() && !l.starts_with("[notice]") && !l.starts_with("WARNING: Retrying")
        })
        .collect();
    let start = lines.len().saturating_sub(3);
    if lines.is_empty() { status.to_owned() } else { lines[start..].join("; ") }
}

/// Bytes under a folder.
pub(super) fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(one).sum()
}
