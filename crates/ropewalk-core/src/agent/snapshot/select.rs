//! What a snapshot is to hold.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};

/// A part of an agent that a snapshot can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SnapshotField {
    /// The history: `messages`.
    Messages,
    /// The agent's state: `state`.
    State,
    /// What the conversation manager keeps: `conversation_manager_state`.
    ConversationManagerState,
    /// What is under way, with its questions: `interrupt_state`.
    InterruptState,
    /// What the model is told before the conversation: `system_prompt`.
    SystemPrompt,
}

const ALL: [SnapshotField; 5] = [
    SnapshotField::Messages,
    SnapshotField::State,
    SnapshotField::ConversationManagerState,
    SnapshotField::InterruptState,
    SnapshotField::SystemPrompt,
];

impl SnapshotField {
    /// Its name, as Strands has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::State => "state",
            Self::ConversationManagerState => "conversation_manager_state",
            Self::InterruptState => "interrupt_state",
            Self::SystemPrompt => "system_prompt",
        }
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|field| field.name() == name)
    }
}

/// What a snapshot is to hold: the fields of a preset, with those included, without those excluded.
#[derive(Clone, Debug, Default)]
pub struct SnapshotOptions {
    fields: BTreeSet<SnapshotField>,
    excluded: BTreeSet<SnapshotField>,
    app_data: Map<String, Value>,
}

impl SnapshotOptions {
    /// No field yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All that a session keeps: every field but the system prompt (Strands' preset `session`).
    pub fn session() -> Self {
        let session = ALL.into_iter().filter(|field| *field != SnapshotField::SystemPrompt);
        Self::new().include(session)
    }

    /// Adds fields.
    #[must_use]
    pub fn include(mut self, fields: impl IntoIterator<Item = SnapshotField>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// Leaves fields out, whatever includes them.
    #[must_use]
    pub fn exclude(mut self, fields: impl IntoIterator<Item = SnapshotField>) -> Self {
        self.excluded.extend(fields);
        self
    }

    /// Puts in what the program wants to find again: a value under a key.
    #[must_use]
    pub fn app_data(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.app_data.insert(key.into(), value.into());
        self
    }

    pub(super) fn fields(&self) -> Result<Vec<SnapshotField>, Error> {
        let fields: Vec<_> = self.fields.difference(&self.excluded).copied().collect();
        if fields.is_empty() {
            let text = "a snapshot of nothing was asked for: include at least one field";
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        Ok(fields)
    }

    pub(super) fn into_app_data(self) -> Map<String, Value> {
        self.app_data
    }
}
