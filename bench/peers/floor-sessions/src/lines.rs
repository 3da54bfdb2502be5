//! Each message a line.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bench_common::{Arguments, Failure, Keeping};

use crate::message::Message;

/// A file.
pub(crate) struct Lines(PathBuf);

impl Lines {
    fn read(&self) -> Result<Vec<Message>, Failure> {
        let text = fs::read_to_string(&self.0)?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

impl Keeping for Lines {
    type Kept = Kept;
    type Opened = Vec<Message>;

    fn at(folder: &Path, _: &Arguments) -> Result<Self, Failure> {
        Ok(Self(folder.join("s.jsonl")))
    }

    async fn keep(&self, synced: bool) -> Result<Kept, Failure> {
        let file = OpenOptions::new().append(true).create(true).open(&self.0)?;
        Ok(Kept { file, messages: self.read()?.len(), synced, line: Vec::new() })
    }

    async fn open(&self, _: bool) -> Result<Vec<Message>, Failure> {
        self.read()
    }

    fn messages(opened: &Vec<Message>) -> usize {
        opened.len()
    }
}

/// The file that lines are added to.
pub(crate) struct Kept {
    file: File,
    messages: usize,
    synced: bool,
    line: Vec<u8>,
}

impl Kept {
    fn add(&mut self, message: &Message) -> Result<(), Failure> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, message)?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)?;
        if self.synced {
            self.file.sync_data()?;
        }
        self.messages += 1;
        Ok(())
    }
}

impl bench_common::Kept for Kept {
    fn messages(&self) -> usize {
        self.messages
    }

    async fn turn(&mut self, question: String, answer: String) -> Result<(), Failure> {
        self.add(&Message::User(question))?;
        self.add(&Message::Assistant(answer))
    }
}
