//! Reading a log and checking its chain.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Take};
use std::path::{Path, PathBuf};

use ropewalk_core::Error;

use super::entry::{self, LogEntry, LogKind, NOTHING};
use crate::files::{io_error, lock};

/// What a log holds that was found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How many entries there are, the line that opens the log not counted.
    pub entries: u64,
    /// The hash of the last line: 64 hexadecimal digits.
    pub head: String,
    /// How many of the entries say that a torn line was sealed.
    pub repaired: u64,
}

/// The first place where a log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tampered {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Tampered {}

/// Why a log was not found whole.
#[derive(Debug)]
pub enum VerifyError {
    /// It is not as it was written.
    Tampered(Tampered),
    /// It could not be read.
    Unreadable(Error),
}

impl VerifyError {
    /// What was tampered with, if that is why.
    pub fn tampered(&self) -> Option<&Tampered> {
        match self {
            Self::Tampered(tampered) => Some(tampered),
            Self::Unreadable(_) => None,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tampered(tampered) => tampered.fmt(f),
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Tampered(_) => None,
            Self::Unreadable(error) => error.source(),
        }
    }
}

pub(super) fn verify(path: &Path, head: Option<&str>) -> Result<Verified, VerifyError> {
    let mut found = head.is_none();
    let mut repaired = 0;
    let mut entries = Entries::open(path)?;
    for entry in &mut entries {
        let entry = entry?;
        found |= head.is_some_and(|head| head.eq_ignore_ascii_case(&entry.hash));
        repaired += u64::from(matches!(entry.kind, LogKind::Repaired { .. }));
    }
    let lines = entries.chain.lines;
    if !found {
        let what = "the line with the expected head hash is not there: lines were cut off the log's end, or it was written anew";
        return Err(tampered(lines + 1, what));
    }
    Ok(Verified { entries: lines.saturating_sub(1), head: entries.chain.prev, repaired })
}

fn tampered(line: u64, what: impl Into<String>) -> VerifyError {
    VerifyError::Tampered(Tampered { line, what: what.into() })
}

/// The chain up to some line.
#[derive(Debug)]
pub(super) struct Chain {
    /// How many lines there were.
    pub(super) lines: u64,
    /// The hash of the last.
    pub(super) prev: String,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { lines: 0, prev: NOTHING.to_owned() }
    }

    /// Takes the next line, without its line end.
    ///
    /// # Errors
    /// Says what is wrong with it. The chain stays where it was.
    pub(super) fn push(&mut self, line: &[u8]) -> Result<LogEntry, String> {
        let entry = entry::decode(line)?;
        if entry.seq != self.lines {
            return Err(format!(
                "it is entry {}, where {} is expected: lines were removed, inserted or moved",
                entry.seq, self.lines
            ));
        }
        if entry.prev != self.prev {
            return Err(
                "it does not follow the line before it: one of them was replaced".to_owned()
            );
        }
        if (self.lines == 0) != matches!(entry.kind, LogKind::Opened { .. }) {
            let text = "a log is opened by its first line, and by no other";
            return Err(text.to_owned());
        }
        self.lines += 1;
        self.prev.clone_from(&entry.hash);
        Ok(entry)
    }
}

/// Reads a log line by line.
#[derive(Debug)]
pub(super) struct Entries {
    reader: BufReader<Take<File>>,
    path: PathBuf,
    chain: Chain,
    ended: bool,
}

impl Entries {
    /// Opens a log as it is now: what is added while it is read does not belong to it.
    pub(super) fn open(path: &Path) -> Result<Self, VerifyError> {
        let unreadable = |error| {
            VerifyError::Unreadable(io_error("can't read the log of decisions", path, error))
        };
        let file = File::open(path).map_err(unreadable)?;
        // Nobody is in the midst of a line while this is held; lines that are whole do not change.
        match lock(&file, true) {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(unreadable(error));
            }
            _ => {}
        }
        let length = file.metadata().map_err(unreadable)?.len();
        let _ = file.unlock();
        let reader = BufReader::new(file.take(length));
        Ok(Self { reader, path: path.to_owned(), chain: Chain::new(), ended: false })
    }

    fn read(&mut self) -> Result<Option<LogEntry>, VerifyError> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).map_err(|error| {
            VerifyError::Unreadable(io_error("can't read the log of decisions", &self.path, error))
        })?;
        let number = self.chain.lines + 1;
        if line.is_empty() {
            return match self.chain.lines {
                0 => Err(tampered(number, "the file is empty: no log of decisions is")),
                _ => Ok(None),
            };
        }
        if line.pop() != Some(b'\n') {
            let what = "it is cut off: its writer was stopped, and will seal it when it opens the log again; or somebody cut the file";
            return Err(tampered(number, what));
        }
        self.chain.push(&line).map(Some).map_err(|what| tampered(number, what))
    }
}

impl Iterator for Entries {
    type Item = Result<LogEntry, VerifyError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let entry = self.read().transpose();
        self.ended = !matches!(entry, Some(Ok(_)));
        entry
    }
}
