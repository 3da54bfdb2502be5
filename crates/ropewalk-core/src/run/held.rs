//! What has happened already, and waits for the answer to a question before it counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::model::ModelTurn;

/// What a model call came to, while a hook after it waits for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldAnswer {
    /// It answered.
    Answered(Box<ModelTurn>),
    /// It failed.
    Failed {
        /// What kind of failure it was.
        kind: ErrorKind,
        /// What it said, with its causes.
        message: String,
        /// How long the provider asked to wait, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

impl HeldAnswer {
    /// A failure, as far as it can be stored.
    pub(crate) fn failed(error: &Error) -> Self {
        let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self::Failed {
            kind: error.kind(),
            message: error.report(),
            retry_after_ms: error.retry_after().map(millis),
        }
    }

    /// What it came to.
    pub(crate) fn into_outcome(self) -> Result<Box<ModelTurn>, Error> {
        match self {
            Self::Answered(turn) => Ok(turn),
            Self::Failed { kind, message, retry_after_ms } => {
                let error = Error::new(kind, message);
                Err(match retry_after_ms {
                    Some(wait) => error.with_retry_after(Duration::from_millis(wait)),
                    None => error,
                })
            }
        }
    }
}

/// What the hooks after a call will be told of it, as far as it can be stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldReport {
    /// The tool that ran or would have; none if it is unknown or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The name in the tool use, as the hooks left it.
    pub name: String,
    /// The arguments, as the hooks left them.
    pub input: Value,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_message: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}
