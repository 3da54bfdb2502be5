//! Each message a line.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bench_common::{Arguments, Failure, Keeping};

use crate::message::{Kept, Message, Place};

/// A file.
pub(crate) struct Lines(PathBuf);

impl Lines {
    fn read(&self) -> Result<Vec<Message>, Failure> {
        let text = fs::read_to_string(&self.0)?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

impl Keeping for Lines {
    type Kept = Kept<Writer>;
    type Opened = Vec<Message>;

    fn at(folder: &Path, _: &Arguments) -> Result<Self, Failure> {
        Ok(Self(folder.join("s.jsonl")))
    }

    async fn keep(&self, synced: bool) -> Result<Kept<Writer>, Failure> {
        let file = OpenOptions::new().append(true).create(true).open(&self.0)?;
        Ok(Kept::new(Writer { file, synced, line: Vec::new() }, self.read()?.len()))
    }

    async fn open(&self, _: bool) -> Result<Vec<Message>, Failure> {
        self.read()
    }

    fn messages(opened: &Vec<Message>) -> usize {
        opened.len()
    }
}

/// The file that lines are added to.
pub(crate) struct Writer {
    file: File,
    synced: bool,
    line: Vec<u8>,
}

impl Place for Writer {
    fn add(&mut self, message: &Message) -> Result<(), Failure> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, message)?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)?;
        if self.synced {
            self.file.sync_data()?;
        }
        Ok(())
    }
}
