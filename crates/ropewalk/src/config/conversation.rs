//! What is left out of the conversation.

use ropewalk_core::{
    AgentBuilder, NullConversationManager, SlidingWindowConversationManager,
    SummarizingConversationManager,
};
use serde::Deserialize;

/// What is left out of the conversation, and when. In a file: `conversation_manager = "null"`, or a table
/// `[conversation_manager.sliding_window]` or `[conversation_manager.summarizing]` with what follows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConversationConfig {
    /// Nothing is left out: [`NullConversationManager`].
    Null,
    /// The oldest messages go: [`SlidingWindowConversationManager`].
    SlidingWindow(SlidingWindowConfig),
    /// The oldest messages become a summary: [`SummarizingConversationManager`].
    Summarizing(SummarizingConfig),
}

/// How a window slides. What is not said is as in [`SlidingWindowConversationManager::new`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SlidingWindowConfig {
    /// How many messages stay.
    pub window_size: Option<usize>,
    /// Whether long tool results are shortened first.
    pub should_truncate_results: Option<bool>,
    /// Before every how many model calls it is looked at too.
    pub per_turn: Option<u32>,
    /// How many of the first messages stay.
    pub pin_first: Option<usize>,
    /// From which part of the model's window on the conversation is made smaller beforehand.
    pub compression_threshold: Option<f64>,
}

/// How a summary is made. What is not said is as in [`SummarizingConversationManager::new`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SummarizingConfig {
    /// Which part of the messages is summarised.
    pub summary_ratio: Option<f64>,
    /// How many of the newest messages are never summarised.
    pub preserve_recent_messages: Option<usize>,
    /// What the model is told that makes the summary.
    pub summarization_system_prompt: Option<String>,
    /// From which part of the model's window on the conversation is made smaller beforehand.
    pub compression_threshold: Option<f64>,
}

impl ConversationConfig {
    pub(super) fn add(self, builder: AgentBuilder) -> AgentBuilder {
        match self {
            Self::Null => builder.conversation_manager(NullConversationManager::new()),
            Self::SlidingWindow(config) => builder.conversation_manager(config.manager()),
            Self::Summarizing(config) => builder.conversation_manager(config.manager()),
        }
    }
}

impl SlidingWindowConfig {
    fn manager(self) -> SlidingWindowConversationManager {
        let mut manager = SlidingWindowConversationManager::new();
        if let Some(messages) = self.window_size {
            manager = manager.window_size(messages);
        }
        if let Some(truncate) = self.should_truncate_results {
            manager = manager.should_truncate_results(truncate);
        }
        if let Some(calls) = self.per_turn {
            manager = manager.per_turn(calls);
        }
        if let Some(messages) = self.pin_first {
            manager = manager.pin_first(messages);
        }
        if let Some(part) = self.compression_threshold {
            manager = manager.compression_threshold(part);
        }
        manager
    }
}

impl SummarizingConfig {
    fn manager(self) -> SummarizingConversationManager {
        let mut manager = SummarizingConversationManager::new();
        if let Some(ratio) = self.summary_ratio {
            manager = manager.summary_ratio(ratio);
        }
        if let Some(messages) = self.preserve_recent_messages {
            manager = manager.preserve_recent_messages(messages);
        }
        if let Some(prompt) = self.summarization_system_prompt {
            manager = manager.summarization_system_prompt(prompt);
        }
        if let Some(part) = self.compression_threshold {
            manager = manager.compression_threshold(part);
        }
        manager
    }
}
