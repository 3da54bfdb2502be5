//! The lines of a log.
//!
//! A line is one JSON object in its canonical form: sorted keys, no white space. `hash` is the
//! SHA-256 of the line without that key; `prev` is the hash of the line before.

use ropewalk_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::canonical::{canonical, sha256};

/// What stands as `prev` in the first line.
pub(super) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const FORMAT: &str = "ropewalk-decisions";
const VERSION: u32 = 1;

/// One line of a log of decisions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Its number. The line that opens the log is 0.
    pub seq: u64,
    /// When it was written: RFC 3339, in UTC.
    pub time: String,
    /// What it says.
    pub kind: LogKind,
    /// The hash of the line before it.
    pub prev: String,
    /// The hash of this line: 64 hexadecimal digits.
    pub hash: String,
}

/// What a line of a log says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogKind {
    /// The log begins.
    Opened {
        /// The log's own id, so that no two logs begin alike.
        id: String,
    },
    /// Something was decided.
    Decision {
        /// The run.
        run_id: String,
        /// The agent's name.
        agent: String,
        /// The decision as it was written: see [`DecisionRecord`](ropewalk_core::DecisionRecord).
        decision: Value,
    },
    /// A line that was cut off while it was written stood here.
    Repaired {
        /// How many bytes of it there were.
        bytes: u64,
        /// Their SHA-256.
        sha256: String,
        /// What they said, as far as that is text; at most 4096 characters.
        text: String,
    },
}

/// What a line says besides its place in the chain.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Opened,
    Decision { run_id: String, agent: String, decision: Value },
    Repaired { torn: Vec<u8> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    time: String,
    prev: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opened: Option<OpenedLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repaired: Option<RepairedLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenedLine {
    format: String,
    version: u32,
    id: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RepairedLine {
    bytes: u64,
    sha256: String,
    text: String,
}

/// A line ready to be written, its line end included, and its hash.
pub(super) fn encode(seq: u64, prev: &str, body: Body) -> Result<(Vec<u8>, String), Error> {
    let mut line = Line {
        seq,
        time: jiff::Timestamp::now().to_string(),
        prev: prev.to_owned(),
        hash: None,
        run_id: None,
        agent: None,
        decision: None,
        opened: None,
        repaired: None,
    };
    match body {
        Body::Opened => {
            let id = Uuid::new_v4().to_string();
            line.opened = Some(OpenedLine { format: FORMAT.to_owned(), version: VERSION, id });
        }
        Body::Decision { run_id, agent, decision } => {
            line.run_id = Some(run_id);
            line.agent = Some(agent);
            line.decision = Some(decision);
        }
        Body::Repaired { torn } => {
            let text = String::from_utf8_lossy(&torn).chars().take(4096).collect();
            line.repaired =
                Some(RepairedLine { bytes: torn.len() as u64, sha256: sha256(&torn), text });
        }
    }
    let unwritable = |error: serde_json::Error| {
        let text = format!("a decision can't be written as JSON: {error}");
        Error::new(ErrorKind::Journal, text).with_source(error)
    };
    let mut json = serde_json::to_value(&line).map_err(unwritable)?;
    let hash = sha256(canonical(&json).as_bytes());
    json["hash"] = Value::from(hash.as_str());
    let mut text = canonical(&json);
    // A line that does not read back as it stands would look like one that was changed.
    decode(text.as_bytes()).map_err(|why| {
        let text = format!(
            "a decision can't be written as it is ({why}): use texts for numbers with a fraction, and nest less deeply"
        );
        Error::new(ErrorKind::InvalidInput, text)
    })?;
    text.push('\n');
    Ok((text.into_bytes(), hash))
}

/// The entry of a line, without its line end, if the line is whole in itself.
///
/// # Errors
/// Says what is wrong with the line.
pub(super) fn decode(line: &[u8]) -> Result<LogEntry, String> {
    let json: Value =
        serde_json::from_slice(line).map_err(|error| format!("it is no JSON: {error}"))?;
    if canonical(&json).as_bytes() != line {
        return Err("it was not written like this by a log: something in it was changed".to_owned());
    }
    let mut bare = json.clone();
    let hash =
        bare.as_object_mut().and_then(|fields| fields.remove("hash")).ok_or("it has no `hash`")?;
    let real = sha256(canonical(&bare).as_bytes());
    if hash != real.as_str() {
        return Err(format!("its hash is {hash}, but what it says has {real}: it was changed"));
    }
    let line: Line =
        serde_json::from_value(json).map_err(|error| format!("it is no entry: {error}"))?;
    let kind = match line {
        Line {
            opened: Some(opened),
            run_id: None,
            agent: None,
            decision: None,
            repaired: None,
            ..
        } => {
            if opened.format != FORMAT {
                return Err(format!("its format is `{}`, not `{FORMAT}`", opened.format));
            }
            if opened.version != VERSION {
                return Err(format!(
                    "its version is {}, and this program reads {VERSION}: use a newer program",
                    opened.version
                ));
            }
            LogKind::Opened { id: opened.id }
        }
        Line {
            run_id: Some(run_id),
            agent: Some(agent),
            decision: Some(decision),
            opened: None,
            repaired: None,
            ..
        } => LogKind::Decision { run_id, agent, decision },
        Line {
            repaired: Some(repaired),
            opened: None,
            run_id: None,
            agent: None,
            decision: None,
            ..
        } => {
            let RepairedLine { bytes, sha256, text } = repaired;
            LogKind::Repaired { bytes, sha256, text }
        }
        _ => return Err("it is neither a decision nor a note of the log".to_owned()),
    };
    Ok(LogEntry { seq: line.seq, time: line.time, kind, prev: line.prev, hash: real })
}

/// Whether these bytes may be the first line of a log, cut off while it was written.
pub(super) fn may_begin_with(bytes: &[u8]) -> bool {
    let start = br#"{"hash":""#;
    bytes.starts_with(start) || start.starts_with(bytes)
}
