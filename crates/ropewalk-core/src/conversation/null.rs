//! A manager that leaves everything as it is.

use super::{Conversation, ConversationManager, Managed};
use crate::error::Error;

/// Leaves everything as it is (Strands' `NullConversationManager`): a conversation that does not fit
/// the model's window is an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullConversationManager;

impl NullConversationManager {
    /// One such manager.
    pub fn new() -> Self {
        Self
    }
}

impl ConversationManager for NullConversationManager {
    fn name(&self) -> &str {
        "NullConversationManager"
    }

    fn reduce_context<'a>(&'a self, _: &'a Conversation<'a>, _: Option<&'a Error>) -> Managed<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
