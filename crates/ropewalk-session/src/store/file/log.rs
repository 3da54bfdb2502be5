//! The file of one session: added to at its end.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ropewalk_core::{Error, ErrorKind};

use super::scan::{Marks, Scan};
use crate::disk::{Durability, io_error, private, sync_folder};
use crate::line::{Header, damaged};
use crate::store::Stored;

/// The file of one session, locked for this process.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    durability: Durability,
    header: String,
    /// Where its lines begin.
    marks: Marks,
    /// How many of its bytes count.
    length: u64,
    repaired: Option<String>,
    /// Why nothing may be added any more.
    broken: Option<String>,
}

impl Log {
    pub(super) fn open(path: &Path, header: &str, durability: Durability) -> Result<Self, Error> {
        let file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .open(path)
            .map_err(|error| io_error("can't open the session", path, error))?;
        lock(&file, path)?;
        let mut log = Self {
            path: path.to_owned(),
            file,
            durability,
            header: header.to_owned(),
            marks: Marks::default(),
            length: 0,
            repaired: None,
            broken: None,
        };
        log.start()?;
        Ok(log)
    }

    pub(super) fn header(&self) -> &str {
        &self.header
    }

    pub(super) fn lines(&self) -> u64 {
        self.marks.lines()
    }

    pub(super) fn repaired(&self) -> Option<&str> {
        self.repaired.as_deref()
    }

    /// The lines from a number on.
    pub(super) fn read(&mut self, from: u64) -> Result<Vec<String>, Error> {
        let Some((marked, place)) = self.marks.before(from) else { return Ok(Vec::new()) };
        let counted = self.length.saturating_sub(place);
        let mut bytes = Vec::with_capacity(usize::try_from(counted).unwrap_or_default());
        self.file
            .seek(SeekFrom::Start(place))
            .and_then(|_| (&self.file).take(counted).read_to_end(&mut bytes))
            .map_err(|error| io_error("can't read the session", &self.path, error))?;
        lines(&self.path, &bytes, from - marked, from)
    }

    /// Adds lines and waits until they last. If that fails, none of them counts.
    pub(super) fn append(&mut self, first: u64, lines: &[String]) -> Result<(), Error> {
        if let Some(why) = &self.broken {
            return Err(self.error(&format!("can't be written any more: {why}")));
        }
        if first != self.lines() {
            let text = format!("has {} records, where {first} were expected", self.lines());
            return Err(self.error(&text));
        }
        let found = self.file.metadata().map(|file| file.len());
        if found.map_err(|error| io_error("can't read the session", &self.path, error))?
            != self.length
        {
            let text = "was changed by another program while it was open: nothing is added to it";
            self.broken = Some("another program changed it".to_owned());
            return Err(self.error(text));
        }
        let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        self.write(&bytes)
    }

    pub(super) fn snapshot(&self) -> Result<Option<String>, Error> {
        let path = self.snapshot_path();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // What is no text is no snapshot, and that is found out by whoever reads it.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(String::new())),
            Err(error) => Err(io_error("can't read the snapshot", &path, error)),
        }
    }

    /// Puts a snapshot in place of the last one, whole or not at all.
    pub(super) fn put_snapshot(&self, snapshot: &str) -> Result<(), Error> {
        let path = self.snapshot_path();
        let half = path.with_extension("snapshot.tmp");
        // It must not outlive lines that it holds.
        self.file
            .sync_data()
            .map_err(|error| io_error("can't write the session", &self.path, error))?;
        let written = private(OpenOptions::new().write(true).create(true).truncate(true))
            .open(&half)
            .and_then(|mut file| {
                file.write_all(snapshot.as_bytes())?;
                file.sync_data()
            })
            .and_then(|()| fs::rename(&half, &path));
        written.map_err(|error| {
            // Left behind, it would only be written over by the next one.
            let _ = fs::remove_file(&half);
            io_error("can't write the snapshot", &path, error)
        })
    }

    /// Reads what is there, or writes the header. Whatever follows the last line end was cut off while
    /// it was written and never counted: it is taken away, once all before it was found to be a session.
    fn start(&mut self) -> Result<(), Error> {
        let found = Scan::of(&self.file)
            .map_err(|error| io_error("can't read the session", &self.path, error))?;
        if found.whole > 0 {
            self.header = text(&self.path, 1, &found.first)?.to_owned();
            Header::parse(&self.header, &self.place())?;
        } else if !Header::may_begin_with(&found.first) {
            return Err(damaged(&self.place(), 1, "it is no session of Ropewalk"));
        }
        self.marks = found.marks;
        self.length = found.whole;
        if found.whole < found.length {
            self.cut_tail(found.length - found.whole)?;
        }
        if found.whole == 0 { self.begin() } else { Ok(()) }
    }

    fn cut_tail(&mut self, torn: u64) -> Result<(), Error> {
        self.file
            .set_len(self.length)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| io_error("can't mend the session", &self.path, error))?;
        let text = format!(
            "the last {torn} bytes of `{}` were cut off while they were written; they never counted and were removed",
            self.path.display()
        );
        tracing::warn!("{text}");
        self.repaired = Some(text);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Error> {
        let line = format!("{}\n", self.header);
        self.write(line.as_bytes())?;
        sync_folder(&self.path)
    }

    /// Adds bytes at the end that counts. If they can't be written whole, what was written is taken
    /// back; if that fails too, nothing more is added.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(bytes))
            .and_then(|()| self.synced());
        if let Err(error) = written {
            let back = self.file.set_len(self.length).and_then(|()| self.file.sync_data());
            if let Err(worse) = back {
                self.broken = Some(format!("a failed write could not be taken back: {worse}"));
            }
            return Err(io_error("can't write the session", &self.path, error));
        }
        for end in memchr::memchr_iter(b'\n', bytes) {
            self.marks.begin(self.length + end as u64 + 1);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn synced(&self) -> io::Result<()> {
        match self.durability {
            Durability::Synced => self.file.sync_data(),
            Durability::Buffered => Ok(()),
        }
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn error(&self, what: &str) -> Error {
        Error::new(ErrorKind::Journal, format!("the session `{}` {what}", self.path.display()))
    }

    fn snapshot_path(&self) -> PathBuf {
        snapshot_path(&self.path)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // A process that is being started has all open files for a moment: closing ours alone would not
        // give the lock back until then. If this fails, closing does it later.
        let _ = self.file.unlock();
    }
}

/// A session as it is on file, without being locked.
pub(super) fn read(path: &Path) -> Result<Option<Stored>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("can't read the session", path, error)),
    };
    // What stands behind the last line end is being written, or was cut off.
    let bytes = &bytes[..whole(&bytes)];
    if bytes.is_empty() {
        return Ok(None);
    }
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let header = text(path, 1, &bytes[..end])?.to_owned();
    Ok(Some(Stored { header, lines: lines(path, &bytes[end + 1..], 0, 0)? }))
}

/// Removes a session that nobody has open.
pub(super) fn remove(path: &Path) -> Result<bool, Error> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io_error("can't open the session", path, error)),
    };
    lock(&file, path)?;
    let failed = |error| io_error("can't remove the session", path, error);
    // First: a snapshot without its session would be taken for that of the next one of the name.
    match fs::remove_file(snapshot_path(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::remove_file(path).map_err(failed)?;
    sync_folder(path)?;
    Ok(true)
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let text = format!(
                "the session `{}` is in use by another process (or open already in this one): wait until that has ended, or use another name",
                path.display()
            );
            Err(Error::new(ErrorKind::Journal, text))
        }
        Err(TryLockError::Error(error)) => Err(io_error("can't lock the session", path, error)),
    }
}

/// How many bytes there are up to the last line end.
fn whole(bytes: &[u8]) -> usize {
    memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1)
}

/// The lines behind those that are skipped; the first of them has this number.
fn lines(path: &Path, bytes: &[u8], skipped: u64, from: u64) -> Result<Vec<String>, Error> {
    let mut rest = bytes;
    for _ in 0..skipped {
        let Some(end) = memchr::memchr(b'\n', rest) else { return Ok(Vec::new()) };
        rest = &rest[end + 1..];
    }
    let mut lines = Vec::new();
    while let Some(end) = memchr::memchr(b'\n', rest) {
        // The header is line 1.
        let number = from + lines.len() as u64 + 2;
        lines.push(text(path, number, &rest[..end])?.to_owned());
        rest = &rest[end + 1..];
    }
    Ok(lines)
}

fn text<'a>(path: &Path, line: u64, bytes: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let why = format!("it is not UTF-8: {error}");
        damaged(&path.display().to_string(), line, &why)
    })
}

fn snapshot_path(path: &Path) -> PathBuf {
    path.with_extension("snapshot")
}
