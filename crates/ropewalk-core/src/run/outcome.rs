//! What an invocation came to, as part of the run.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::model::StopReason;

/// What an invocation came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why it ended.
    pub stop_reason: StopReason,
    /// The assistant's last message.
    pub message: Arc<Message>,
}
