//! Bytes inside a message.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes inside a message: cheap to clone. In JSON they stand as Strands stores them,
/// `{"__bytes_encoded__": true, "data": "<base64>"}`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Blob(Arc<[u8]>);

impl Blob {
    /// Takes the bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes in base64, standard alphabet with padding, as providers want them.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

#[derive(Serialize, Deserialize)]
struct Encoded {
    #[serde(rename = "__bytes_encoded__")]
    encoded: bool,
    data: String,
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Encoded { encoded: true, data: self.to_base64() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let Encoded { encoded, data } = Encoded::deserialize(deserializer)?;
        if !encoded {
            return Err(D::Error::custom("`__bytes_encoded__` must be true"));
        }
        STANDARD.decode(&data).map(Self::from).map_err(|error| {
            D::Error::custom(format!("`data` is not base64 with padding: {error}"))
        })
    }
}
