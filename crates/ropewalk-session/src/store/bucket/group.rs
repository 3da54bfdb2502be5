//! One object of records: what one append added. Its first line says who wrote it and the number of the
//! first record; then there is one line a record. One without records says that somebody took the session.

use bytes::Bytes;
use ropewalk_core::Error;
use serde::{Deserialize, Serialize};

use crate::line::json;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) first: u64,
    pub(super) writer: String,
    pub(super) lines: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    first: u64,
    writer: String,
}

impl Group {
    /// The number of the record behind the last one. What is damaged may say any number.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.lines.len() as u64)
    }

    pub(super) fn encode(&self) -> Result<Bytes, Error> {
        let mut text = json(&Head { first: self.first, writer: self.writer.clone() })?;
        text.push('\n');
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        Ok(text.into())
    }

    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn decode(body: &[u8]) -> Result<Self, String> {
        let text =
            std::str::from_utf8(body).map_err(|error| format!("it is not UTF-8: {error}"))?;
        let text = text.strip_suffix('\n').ok_or("it was cut off")?;
        let mut lines = text.split('\n');
        let head = lines.next().unwrap_or_default();
        let Head { first, writer } = serde_json::from_str(head)
            .map_err(|error| format!("its first line can't be read: {error}"))?;
        Ok(Self { first, writer, lines: lines.map(str::to_owned).collect() })
    }
}
