//! The lines of a session.
//!
//! The header says what it is; each line behind it is one record with its number and the checksum of its
//! bytes. A snapshot is a line of the same form, with a run in the place of the record.

use ropewalk_core::{Error, ErrorKind, FORMAT_VERSION, Run};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the header says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Always `ropewalk-session`.
    format: String,
    version: u32,
    /// The id of the run that is kept here.
    pub(crate) run_id: String,
    /// What it branched off from, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forked_from: Option<Origin>,
}

/// Where a branch began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) run_id: String,
    /// How many records were taken over.
    pub(crate) records: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    crc: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

const FORMAT: &str = "ropewalk-session";

impl Header {
    pub(crate) fn new(run_id: String) -> Self {
        Self { format: FORMAT.to_owned(), version: FORMAT_VERSION, run_id, forked_from: None }
    }

    pub(crate) fn forked_from(self, origin: Origin) -> Self {
        Self { forked_from: Some(origin), ..self }
    }

    pub(crate) fn to_json(&self) -> Result<String, Error> {
        json(self)
    }

    /// Whether these bytes may be a header that was cut off while it was written.
    pub(crate) fn may_begin_with(bytes: &[u8]) -> bool {
        let start = format!(r#"{{"format":"{FORMAT}""#);
        let start = start.as_bytes();
        bytes.starts_with(start) || start.starts_with(bytes)
    }

    /// # Errors
    /// [`ErrorKind::Journal`] for what is no header; [`ErrorKind::Unsupported`] if a newer version wrote it.
    pub(crate) fn parse(text: &str, place: &str) -> Result<Self, Error> {
        let header: Self =
            serde_json::from_str(text).map_err(|error| damaged(place, 1, &error.to_string()))?;
        if header.format != FORMAT {
            return Err(damaged(place, 1, &format!("its format is `{}`", header.format)));
        }
        Run::check_version(header.version).map_err(|error| error.context(place))?;
        Ok(header)
    }
}

/// That a line is not as it was written; the header is line 1.
pub(crate) fn damaged(place: &str, line: u64, why: &str) -> Error {
    let text = format!(
        "the session `{place}` is damaged in line {line}: {why}. Nothing was changed; restore it from a copy, or begin a new session"
    );
    Error::new(ErrorKind::Journal, text)
}

/// A value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| {
        let text = format!("a record can't be written as JSON: {error}");
        Error::new(ErrorKind::Journal, text).with_source(error)
    })
}

/// A record, as JSON, in its line, without a line end.
pub(crate) fn encode(seq: u64, json: &str) -> String {
    let crc = checksum(json.as_bytes());
    format!(r#"{{"seq":{seq},"crc":"{crc}","record":{json}}}"#)
}

/// What a line holds, which must be the one of this number.
///
/// # Errors
/// Says what is wrong with the line.
pub(crate) fn decode<T: DeserializeOwned>(seq: u64, line: &str) -> Result<T, String> {
    match parse(line)? {
        (found, value) if found == seq => Ok(value),
        (found, _) => Err(format!("it holds record {found}, where {seq} is expected")),
    }
}

/// What a line holds, with its number.
///
/// # Errors
/// Says what is wrong with the line.
pub(crate) fn parse<T: DeserializeOwned>(line: &str) -> Result<(u64, T), String> {
    let (seq, json) = match as_written(line) {
        Some(found) => found,
        None => read(line)?,
    };
    let value =
        serde_json::from_str(json).map_err(|error| format!("its record can't be read: {error}"))?;
    Ok((seq, value))
}

/// The number and the record of a line, if it is the very one that [`encode`] makes of them: then nobody has to look for
/// the end of the record.
fn as_written(line: &str) -> Option<(u64, &str)> {
    let (seq, rest) = line.strip_prefix(r#"{"seq":"#)?.split_once(',')?;
    let (crc, rest) = rest.strip_prefix(r#""crc":""#)?.split_once('"')?;
    let json = rest.strip_prefix(r#","record":"#)?.strip_suffix('}')?;
    let number: u64 = seq.parse().ok()?;
    let fits = number.to_string() == seq && checksum(json.as_bytes()) == crc;
    fits.then_some((number, json))
}

/// The number and the record of a line in any form, its checksum compared.
fn read(line: &str) -> Result<(u64, &str), String> {
    let line: Line<'_> =
        serde_json::from_str(line).map_err(|error| format!("it is no record: {error}"))?;
    let json = line.record.get();
    if checksum(json.as_bytes()) != line.crc {
        return Err("its checksum does not fit: it was changed or damaged".to_owned());
    }
    Ok((line.seq, json))
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}
