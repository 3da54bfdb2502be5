//! The body of a request, put together from pieces of JSON.

use ropewalk_core::{Error, ErrorKind};
use serde::Serialize;

use crate::json;

/// A JSON object that grows key by key; what is rendered already is copied into it as it is.
#[derive(Debug)]
pub(crate) struct Body(Vec<u8>);

impl Body {
    /// An empty object, with room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut json = Vec::with_capacity(bytes + 1024);
        json.push(b'{');
        Self(json)
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        // Keys are names of parameters; as a JSON value they are written with what must be escaped.
        self.0.extend_from_slice(json::text(&key).as_bytes());
        self.0.push(b':');
    }

    /// Adds a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: it can't be written as JSON.
    pub(crate) fn value(&mut self, key: &str, value: &impl Serialize) -> Result<(), Error> {
        self.key(key);
        serde_json::to_writer(&mut self.0, value).map_err(|error| {
            let text = format!("`{key}` of the request can't be written as JSON");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })
    }

    /// Adds a list of pieces that are rendered already: each is JSON, or several values with commas between them, or
    /// nothing.
    pub(crate) fn list<'a>(&mut self, key: &str, pieces: impl IntoIterator<Item = &'a str>) {
        self.key(key);
        self.0.push(b'[');
        let mut is_first = true;
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            if !std::mem::take(&mut is_first) {
                self.0.push(b',');
            }
            self.0.extend_from_slice(piece.as_bytes());
        }
        self.0.push(b']');
    }

    /// Adds a value that is rendered already, in parts that are put together as they are.
    #[cfg(any(feature = "bedrock", feature = "gemini"))]
    pub(crate) fn parts<'a>(&mut self, key: &str, parts: impl IntoIterator<Item = &'a str>) {
        self.key(key);
        parts.into_iter().for_each(|part| self.0.extend_from_slice(part.as_bytes()));
    }

    /// The JSON.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}
