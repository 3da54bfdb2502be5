//! The file of a log: opened and locked for each addition, so that several may add to it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ropewalk_core::{Error, ErrorKind};

use super::Head;
use super::entry::{self, Body, LogEntry, NOTHING};
use super::verify::Chain;
use crate::files::{io_error, lock, sync_folder};

/// The file, and where it ended when we last looked.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    end: End,
    /// Why nothing may be added any more.
    broken: Option<String>,
}

/// Where the lines that count end.
#[derive(Clone, Debug)]
struct End {
    length: u64,
    seq: u64,
    hash: String,
}

impl LogFile {
    /// Opens and verifies, or begins. True: a torn line was sealed.
    pub(super) fn open(path: &Path) -> Result<(Self, bool), Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| cant("open", path, error))?;
        lock(&file, false).map_err(|error| cant("lock", path, error))?;
        let (chain, whole, torn) = read_through(&file, path)?;
        let new = chain.lines == 0;
        if new && !entry::may_begin_with(&torn) {
            return Err(damaged(path, "line 1: it is no log of decisions"));
        }
        let end = End { length: whole, seq: chain.lines.saturating_sub(1), hash: chain.prev };
        let mut log = Self { path: path.to_owned(), end, broken: None };
        if new {
            let (line, hash) = entry::encode(0, NOTHING, Body::Opened)?;
            log.write(&mut file, &line)?;
            log.end = End { length: line.len() as u64, seq: 0, hash };
        }
        let repaired = !torn.is_empty();
        if repaired {
            log.add(&mut file, Body::Repaired { torn })?;
        }
        if new {
            sync_folder(path)?;
        }
        Ok((log, repaired))
    }

    pub(super) fn head(&self) -> Head {
        Head { entries: self.end.seq, hash: self.end.hash.clone() }
    }

    /// Adds an entry behind whatever others have added meanwhile.
    pub(super) fn append(&mut self, body: Body) -> Result<Head, Error> {
        if let Some(why) = &self.broken {
            let text = format!(
                "the log of decisions `{}` can't be written any more: {why}",
                self.path.display()
            );
            return Err(Error::new(ErrorKind::Journal, text));
        }
        // Opened anew each time: who removes or replaces the file is found out, instead of being
        // written past.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .map_err(|error| cant("open", &self.path, error))?;
        lock(&file, false).map_err(|error| cant("lock", &self.path, error))?;
        let length = file.metadata().map_err(|error| cant("read", &self.path, error))?.len();
        self.check_our_end(&mut file, length)?;
        let torn = if length > self.end.length { self.catch_up(&mut file, length)? } else { None };
        if let Some(torn) = torn {
            self.add(&mut file, Body::Repaired { torn })?;
        }
        self.add(&mut file, body)?;
        Ok(self.head())
    }

    /// The last line that we know of is still where it was, and says what it said.
    fn check_our_end(&self, file: &mut File, length: u64) -> Result<(), Error> {
        if length < self.end.length {
            let what = format!(
                "it has {length} bytes and had {}: lines were cut off its end",
                self.end.length
            );
            return Err(damaged(&self.path, &what));
        }
        let entry = self.line_before(file, self.end.length)?;
        if entry.hash != self.end.hash {
            let what = format!("entry {} is another one than it was", self.end.seq);
            return Err(damaged(&self.path, &what));
        }
        Ok(())
    }

    /// Moves to the end of what others have written; gives what was cut off behind it.
    fn catch_up(&mut self, file: &mut File, length: u64) -> Result<Option<Vec<u8>>, Error> {
        let (whole, torn) =
            last_line_end(file, length).map_err(|error| cant("read", &self.path, error))?;
        if whole > self.end.length {
            let entry = self.line_before(file, whole)?;
            if entry.seq <= self.end.seq {
                let what = format!("entry {} stands behind entry {}", entry.seq, self.end.seq);
                return Err(damaged(&self.path, &what));
            }
            self.end = End { length: whole, seq: entry.seq, hash: entry.hash };
        }
        Ok((!torn.is_empty()).then_some(torn))
    }

    /// The entry of the line that ends here.
    fn line_before(&self, file: &mut File, end: u64) -> Result<LogEntry, Error> {
        let read = |file: &mut File| {
            let (start, line) = last_line_end(file, end.saturating_sub(1))?;
            debug_assert_eq!(start + line.len() as u64 + 1, end);
            let mut newline = [0];
            file.seek(SeekFrom::Start(end.saturating_sub(1)))?;
            file.read_exact(&mut newline)?;
            Ok((line, newline == *b"\n"))
        };
        let (line, ended) = read(file).map_err(|error| cant("read", &self.path, error))?;
        if !ended {
            return Err(damaged(&self.path, "its last line does not end where it did"));
        }
        entry::decode(&line)
            .map_err(|what| damaged(&self.path, &format!("near byte {end}: {what}")))
    }

    fn add(&mut self, file: &mut File, body: Body) -> Result<(), Error> {
        let seq = self.end.seq + 1;
        let (line, hash) = entry::encode(seq, &self.end.hash, body)?;
        self.write(file, &line)?;
        self.end = End { length: self.end.length + line.len() as u64, seq, hash };
        Ok(())
    }

    /// Writes a line at the end that counts, over what was cut off there. If it can't be written
    /// whole, it is taken back; if that fails too, nothing more is added.
    fn write(&mut self, file: &mut File, line: &[u8]) -> Result<(), Error> {
        let end = self.end.length;
        let written = file
            .seek(SeekFrom::Start(end))
            .and_then(|_| file.write_all(line))
            .and_then(|()| file.set_len(end + line.len() as u64))
            .and_then(|()| file.sync_data());
        let Err(error) = written else { return Ok(()) };
        let back = file.set_len(end).and_then(|()| file.sync_data());
        if let Err(worse) = back {
            self.broken = Some(format!("a failed write could not be taken back: {worse}"));
        }
        Err(cant("write", &self.path, error))
    }
}

/// Reads a whole log: its chain, how many bytes of it count, and what was cut off behind them.
fn read_through(file: &File, path: &Path) -> Result<(Chain, u64, Vec<u8>), Error> {
    let mut reader = BufReader::new(file);
    let mut chain = Chain::new();
    let mut whole = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let length =
            reader.read_until(b'\n', &mut line).map_err(|error| cant("read", path, error))?;
        if line.pop_if(|last| *last == b'\n').is_none() {
            return Ok((chain, whole, line));
        }
        let number = chain.lines + 1;
        chain.push(&line).map_err(|what| damaged(path, &format!("line {number}: {what}")))?;
        whole += length as u64;
    }
}

/// Where the last line end before `end` stands (its next byte), and what follows it up to `end`.
/// Reads backwards, as much as one line needs.
fn last_line_end(file: &mut File, end: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut step: u64 = 4096;
    loop {
        let start = end.saturating_sub(step);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&mut *file).take(end - start).read_to_end(&mut bytes)?;
        let found = bytes.iter().rposition(|byte| *byte == b'\n');
        match found {
            Some(at) => {
                let rest = bytes.split_off(at + 1);
                return Ok((start + at as u64 + 1, rest));
            }
            None if start == 0 => return Ok((0, bytes)),
            None => step = step.saturating_mul(4),
        }
    }
}

fn cant(what: &str, path: &Path, error: io::Error) -> Error {
    io_error(&format!("can't {what} the log of decisions"), path, error)
}

fn damaged(path: &Path, what: &str) -> Error {
    let text = format!(
        "the log of decisions `{}` is not as it was written: {what}. Nothing was added; find out who changed it, keep it aside, and begin a new one",
        path.display()
    );
    Error::new(ErrorKind::Journal, text)
}
