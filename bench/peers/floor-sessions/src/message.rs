//! Messages, as they are kept.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(tag = "role", content = "content", rename_all = "lowercase")]
pub(crate) enum Message {
    User(String),
    Assistant(String),
}
