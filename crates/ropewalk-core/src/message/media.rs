//! Pictures, documents, films and sound inside a message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Blob, Extra};

tagged_enum! {
    /// Where the bytes of a picture, document, film or sound are.
    pub enum Source("a source") {
        /// Here.
        Bytes(Blob) = "bytes",
        /// Elsewhere: `{"type": "s3", "uri": …, "bucketOwner"?: …}`.
        Location(Value) = "location",
    }
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageBlock {
    /// `png`, `jpeg`, `gif` or `webp`.
    pub format: String,
    /// Its bytes.
    pub source: Source,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentBlock {
    /// `pdf`, `csv`, `doc`, `docx`, `xls`, `xlsx`, `html`, `txt` or `md`.
    pub format: String,
    /// Its name, as the model will read it.
    pub name: String,
    /// Its bytes.
    pub source: Source,
    /// Keys such as `citations` and `context`, kept as they came.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoBlock {
    /// `flv`, `mkv`, `mov`, `mpeg`, `mpg`, `mp4`, `three_gp`, `webm` or `wmv`.
    pub format: String,
    /// Its bytes.
    pub source: Source,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AudioBlock {
    /// `mp3`, `wav`, `flac`, `ogg`, `m4a` and others.
    pub format: String,
    /// Its bytes.
    pub source: Source,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
