//! The body of a request, put together from pieces of JSON.

use ropewalk_core::{Error, ErrorKind};
use serde::Serialize;

use crate::json;

/// A JSON object that grows key by key; what is rendered already is copied into it as it is.
#[derive(Debug)]
pub(crate) struct Body {
    json: Vec<u8>,
    /// Whether a comma stands before the next key.
    has_keys: bool,
}

impl Body {
    /// An empty object, with room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut json = Vec::with_capacity(bytes + 1024);
        json.push(b'{');
        Self { json, has_keys: false }
    }

    /// What follows on a list that [`open_list`](Self::open_list) began.
    #[cfg(feature = "openai")]
    pub(crate) fn behind_list() -> Self {
        Self { json: vec![b']'], has_keys: true }
    }

    fn key(&mut self, key: &str) {
        if std::mem::replace(&mut self.has_keys, true) {
            self.json.push(b',');
        }
        // Keys are names of parameters: as a rule nothing in them must be escaped.
        if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.json.push(b'"');
            self.json.extend_from_slice(key.as_bytes());
            self.json.push(b'"');
        } else {
            self.json.extend_from_slice(json::text(&key).as_bytes());
        }
        self.json.push(b':');
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it can't be written as JSON.
    pub(crate) fn value(&mut self, key: &str, value: &impl Serialize) -> Result<(), Error> {
        self.key(key);
        serde_json::to_writer(&mut self.json, value).map_err(|error| {
            let text = format!("`{key}` of the request can't be written as JSON");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })
    }

    /// Adds a list of pieces that are rendered already: each is JSON, or several values with commas between them, or
    /// nothing.
    pub(crate) fn list<'a>(&mut self, key: &str, pieces: impl IntoIterator<Item = &'a str>) {
        self.key(key);
        self.json.push(b'[');
        let mut is_first = true;
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            if !std::mem::take(&mut is_first) {
                self.json.push(b',');
            }
            self.json.extend_from_slice(piece.as_bytes());
        }
        self.json.push(b']');
    }

    /// Adds a list up to the end of its first piece: nothing, or JSON. What it has so far is given; the rest of the
    /// list is for the caller.
    #[cfg(feature = "openai")]
    pub(crate) fn open_list(mut self, key: &str, first: &str) -> Vec<u8> {
        self.key(key);
        self.json.push(b'[');
        self.json.extend_from_slice(first.as_bytes());
        self.json
    }

    /// Adds a value that is rendered already, in parts that are put together as they are.
    #[cfg(any(feature = "bedrock", feature = "gemini"))]
    pub(crate) fn parts<'a>(&mut self, key: &str, parts: impl IntoIterator<Item = &'a str>) {
        self.key(key);
        parts.into_iter().for_each(|part| self.json.extend_from_slice(part.as_bytes()));
    }

    /// The JSON.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.json.push(b'}');
        self.json
    }
}
