//! The lines of a session file.
//!
//! The first line says what the file is; each further line is one record with its number and the
//! checksum of its bytes. A line counts once its line end is written.

use ropewalk_core::{FORMAT_VERSION, Record, Run};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the first line says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// Always `ropewalk-session`.
    format: String,
    version: u32,
    /// The id of the run that is kept here.
    pub(super) run_id: String,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    seq: u64,
    crc: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

const FORMAT: &str = "ropewalk-session";

impl Header {
    pub(super) fn new(run_id: String) -> Self {
        Self { format: FORMAT.to_owned(), version: FORMAT_VERSION, run_id }
    }

    /// Whether these bytes may be a first line that was cut off while it was written.
    pub(super) fn may_begin_with(bytes: &[u8]) -> bool {
        let start = format!(r#"{{"format":"{FORMAT}""#);
        let start = start.as_bytes();
        bytes.starts_with(start) || start.starts_with(bytes)
    }

    pub(super) fn parse(line: &[u8]) -> Result<Self, HeaderError> {
        let header: Self = serde_json::from_slice(line)
            .map_err(|error| HeaderError::Damaged(error.to_string()))?;
        if header.format != FORMAT {
            return Err(HeaderError::Damaged(format!("its format is `{}`", header.format)));
        }
        Run::check_version(header.version).map_err(HeaderError::Version)?;
        Ok(header)
    }
}

/// Why a first line can't be used.
pub(super) enum HeaderError {
    Damaged(String),
    Version(ropewalk_core::Error),
}

/// A record as a line, its line end included.
pub(super) fn encode(seq: u64, record: &Record) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_string(record)?;
    let crc = checksum(json.as_bytes());
    let record = RawValue::from_string(json)?;
    let mut line = serde_json::to_vec(&Line { seq, crc, record: &record })?;
    line.push(b'\n');
    Ok(line)
}

/// The record of a line, without its line end.
///
/// # Errors
/// Says what is wrong with the line.
pub(super) fn decode(seq: u64, line: &[u8]) -> Result<Record, String> {
    let line = std::str::from_utf8(line).map_err(|error| format!("it is not UTF-8: {error}"))?;
    let line: Line<'_> =
        serde_json::from_str(line).map_err(|error| format!("it is no record: {error}"))?;
    if line.seq != seq {
        return Err(format!("it holds record {}, where {seq} is expected", line.seq));
    }
    let json = line.record.get();
    if checksum(json.as_bytes()) != line.crc {
        return Err("its checksum does not fit: the file was changed or damaged".to_owned());
    }
    serde_json::from_str(json).map_err(|error| format!("its record can't be read: {error}"))
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}
