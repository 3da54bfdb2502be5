//! What is left out of a conversation, and when, so that it fits the model's window.

mod ask;
mod manager;
mod null;
mod shorten;
mod summary;
mod threshold;
mod window;

use std::fmt;
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::message::{Transcript, Usage};
use crate::model::Model;
use crate::retry::RetryStrategy;

pub use manager::{ConversationChange, ConversationManager, Managed};
pub use null::NullConversationManager;
pub use summary::SummarizingConversationManager;
pub use threshold::DEFAULT_COMPRESSION_THRESHOLD;
pub use window::SlidingWindowConversationManager;

/// How many tokens the window of a model is taken to hold that does not say so, as in Strands.
pub const DEFAULT_CONTEXT_LIMIT: u64 = 200_000;

/// Why a history is edited. JSON: the name in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EditReason {
    /// A pass has ended, well or not, or a tool was called by hand.
    Routine,
    /// The model will be asked, and the manager wanted to be called then.
    PerTurn,
    /// The model will be asked, and its window is nearly full.
    Proactive,
    /// The model was asked, and the conversation does not fit its window.
    Overflow,
    /// Whoever holds the agent wants it ([`Agent::edit_messages`](crate::Agent::edit_messages)).
    ByHand,
}

/// What a conversation manager keeps with the run, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagerState {
    /// The manager's name.
    pub name: String,
    /// What it keeps.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub state: Value,
}

/// A conversation as its manager sees it: it looks, and says what should change.
pub struct Conversation<'a> {
    messages: &'a Transcript,
    model: &'a Arc<dyn Model>,
    reason: EditReason,
    state: Option<&'a Value>,
    under_way: bool,
    reductions: u32,
    edited_tokens: i64,
    cancel: CancellationToken,
    retry: Option<&'a RetryStrategy>,
    spent: Mutex<Usage>,
}

impl<'a> Conversation<'a> {
    /// A conversation that has come to an end for now, and the model that the agent asks: for tests of
    /// a manager of one's own.
    pub fn new(messages: &'a Transcript, model: &'a Arc<dyn Model>, reason: EditReason) -> Self {
        Self {
            messages,
            model,
            reason,
            state: None,
            under_way: !matches!(reason, EditReason::Routine | EditReason::ByHand),
            reductions: 0,
            edited_tokens: 0,
            cancel: CancellationToken::new(),
            retry: None,
            spent: Mutex::default(),
        }
    }

    /// The same with what the manager kept.
    #[must_use]
    pub fn with_state(mut self, state: &'a Value) -> Self {
        self.state = Some(state);
        self
    }

    /// The same, made smaller so often already for the same model call.
    #[must_use]
    pub fn with_reductions(mut self, reductions: u32) -> Self {
        self.reductions = reductions;
        self
    }

    pub(crate) fn with_under_way(mut self, under_way: bool) -> Self {
        self.under_way = under_way;
        self
    }

    pub(crate) fn with_edited_tokens(mut self, tokens: i64) -> Self {
        self.edited_tokens = tokens;
        self
    }

    pub(crate) fn with_cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    pub(crate) fn with_retry(mut self, retry: &'a RetryStrategy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// What was said so far. A tool turn that is under way is not in it.
    pub fn messages(&self) -> &Transcript {
        self.messages
    }

    /// The model that the agent asks.
    pub fn model(&self) -> &Arc<dyn Model> {
        self.model
    }

    /// Why the manager is called.
    pub fn reason(&self) -> EditReason {
        self.reason
    }

    /// What this manager kept, as it was; none if it kept nothing, or if it is no `S`.
    pub fn state<S: DeserializeOwned>(&self) -> Option<S> {
        self.state.and_then(|state| S::deserialize(state).ok())
    }

    /// True if the invocation goes on: the last message is what the model answers, and stays.
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// How often the conversation was made smaller already for the model call that is to be made, and
    /// did not fit all the same.
    pub fn reductions(&self) -> u32 {
        self.reductions
    }

    /// About how many tokens the model would read now: those of its last call, with an estimate of what
    /// came and went since; before its first answer, an estimate of everything. The system prompt and
    /// the tools are in the former only.
    pub fn projected_tokens(&self) -> u64 {
        let known = self.messages.projected_tokens(self.edited_tokens);
        known.unwrap_or_else(|| self.messages.estimated_tokens())
    }

    /// How many tokens the model's window holds: [`DEFAULT_CONTEXT_LIMIT`] if it does not say.
    pub fn context_limit(&self) -> u64 {
        self.model.context_limit().unwrap_or(DEFAULT_CONTEXT_LIMIT)
    }
}

impl fmt::Debug for Conversation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("messages", &self.messages.len())
            .field("model", &self.model.id())
            .field("reason", &self.reason)
            .field("state", &self.state)
            .field("reductions", &self.reductions)
            .finish_non_exhaustive()
    }
}
