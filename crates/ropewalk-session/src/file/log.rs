//! The file of one session: read whole, added to at its end.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ropewalk_core::{Error, ErrorKind, Record};
use uuid::Uuid;

use super::format::{self, Header, HeaderError};
use super::io_error;

/// The file of one session, locked for this process.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    run_id: String,
    /// How many records it holds.
    records: u64,
    /// How many of its bytes count.
    length: u64,
    repaired: Option<String>,
    /// Why nothing may be added any more.
    broken: Option<String>,
}

impl Log {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file =
            options.open(path).map_err(|error| io_error("can't open the session", path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = format!(
                    "the session `{}` is in use by another process (or open already in this one): wait until that has ended, or use another name",
                    path.display()
                );
                return Err(Error::new(ErrorKind::Journal, text));
            }
            Err(TryLockError::Error(error)) => {
                return Err(io_error("can't lock the session", path, error));
            }
        }
        let mut log = Self {
            path: path.to_owned(),
            file,
            run_id: String::new(),
            records: 0,
            length: 0,
            repaired: None,
            broken: None,
        };
        log.start()?;
        Ok(log)
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    pub(super) fn repaired(&self) -> Option<&str> {
        self.repaired.as_deref()
    }

    /// All records.
    pub(super) fn read(&mut self) -> Result<Vec<Record>, Error> {
        let bytes = self.bytes()?;
        self.parse(&bytes).map(|(_, records)| records)
    }

    /// Adds records and waits until they are on the disk. If that fails, none of them counts.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), Error> {
        if let Some(why) = &self.broken {
            let text =
                format!("the session `{}` can't be written any more: {why}", self.path.display());
            return Err(Error::new(ErrorKind::Journal, text));
        }
        let mut lines = Vec::new();
        for (seq, record) in (self.records..).zip(records) {
            let line = format::encode(seq, record).map_err(|error| {
                let text = format!("a record can't be written as JSON: {error}");
                Error::new(ErrorKind::Journal, text).with_source(error)
            })?;
            lines.extend(line);
        }
        self.write(&lines)?;
        self.records += records.len() as u64;
        Ok(())
    }

    /// Reads what is there, or writes the first line. Whatever follows the last line end was cut
    /// off while it was written and never counted: it is taken away, once all before it was found
    /// to be a session.
    fn start(&mut self) -> Result<(), Error> {
        let bytes = self.bytes()?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole > 0 {
            let (header, records) = self.parse(&bytes[..whole])?;
            self.run_id = header.run_id;
            self.records = records.len() as u64;
            self.length = whole as u64;
        } else if !Header::may_begin_with(&bytes) {
            return Err(self.damaged(1, "it is no session of Ropewalk"));
        }
        if whole < bytes.len() {
            self.cut_tail(whole as u64, bytes.len() - whole)?;
        }
        if whole == 0 { self.begin() } else { Ok(()) }
    }

    fn cut_tail(&mut self, whole: u64, torn: usize) -> Result<(), Error> {
        self.file
            .set_len(whole)
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

    fn damaged(&self, line: usize, why: &str) -> Error {
        let text = format!(
            "the session `{}` is damaged in line {line}: {why}. Nothing was changed; restore the file from a copy, or begin a new session",
            self.path.display()
        );
        Error::new(ErrorKind::Journal, text)
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.run_id = Uuid::new_v4().to_string();
        let header = Header::new(self.run_id.clone());
        let mut line = serde_json::to_vec(&header).map_err(|error| {
            Error::new(ErrorKind::Journal, format!("can't write the session's first line: {error}"))
        })?;
        line.push(b'\n');
        self.write(&line)?;
        // The file's name must last as well as what is in it.
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            let here = folder.as_os_str().is_empty();
            let folder = if here { Path::new(".") } else { folder };
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| io_error("can't write the folder", folder, error))?;
        }
        Ok(())
    }

    fn parse(&self, bytes: &[u8]) -> Result<(Header, Vec<Record>), Error> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let header =
            Header::parse(lines.next().unwrap_or_default()).map_err(|error| match error {
                HeaderError::Damaged(why) => self.damaged(1, &why),
                HeaderError::Version(error) => error.context(self.path.display()),
            })?;
        let mut lines: Vec<&[u8]> = lines.collect();
        // Behind the last line end there is nothing.
        lines.pop();
        let mut records = Vec::with_capacity(lines.len());
        for (seq, line) in lines.into_iter().enumerate() {
            let record =
                format::decode(seq as u64, line).map_err(|why| self.damaged(seq + 2, &why))?;
            records.push(record);
        }
        Ok((header, records))
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_to_end(&mut bytes))
            .map_err(|error| io_error("can't read the session", &self.path, error))?;
        Ok(bytes)
    }

    /// Adds bytes at the end that counts. If they can't be written whole, what was written is taken
    /// back; if that fails too, nothing more is added.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(bytes))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            let back = self.file.set_len(self.length).and_then(|()| self.file.sync_data());
            if let Err(worse) = back {
                self.broken = Some(format!("a failed write could not be taken back: {worse}"));
            }
            return Err(io_error("can't write the session", &self.path, error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}
