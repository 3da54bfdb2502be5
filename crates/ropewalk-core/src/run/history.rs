//! Edits of the history: what conversation managers leave out, and what is kept for it.

use serde::{Deserialize, Serialize};

use super::batch::DIRECT_CALL;
use super::record::Record;
use super::site::Site;
use super::{Phase, Run};
use crate::conversation::ManagerState;
use crate::error::Error;
use crate::message::{Transcript, TranscriptEdit, TranscriptError};
use crate::model::ModelTurn;

/// What a run keeps for the edits of its history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Edits {
    /// What the conversation manager keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    manager: Option<ManagerState>,
    /// Model calls of all invocations.
    #[serde(skip_serializing_if = "is_zero")]
    model_calls: u64,
    /// About how many tokens the history has more or less than the model said last.
    #[serde(skip_serializing_if = "is_even")]
    tokens: i64,
    /// How it was before a prompt that may yet be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Box<Before>>,
}

/// A history as it was, with what the manager had kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Before {
    transcript: Transcript,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manager: Option<ManagerState>,
    #[serde(default, skip_serializing_if = "is_even")]
    tokens: i64,
}

impl Edits {
    /// True if the history is kept as it was before a prompt.
    pub(super) fn keeps_before(&self) -> bool {
        self.before.is_some()
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// A turn was taken, by a model or by hand: the prompt stands.
    pub(super) fn answered(&mut self, turn: &ModelTurn) {
        self.before = None;
        let asked = u64::from(turn.stop_reason.as_str() != DIRECT_CALL);
        self.model_calls = self.model_calls.saturating_add(asked);
        // The model has said anew how many tokens the history is.
        if turn.message.metadata.as_ref().is_some_and(|metadata| metadata.usage.is_some()) {
            self.tokens = 0;
        }
    }

    /// The prompt stands, whatever became of it.
    pub(super) fn settled(&mut self) {
        self.before = None;
    }
}

impl Run {
    /// What the conversation manager keeps with the run, and whose it is.
    pub fn manager_state(&self) -> Option<&ManagerState> {
        self.edits.manager.as_ref()
    }

    /// How many model calls all invocations made.
    pub fn model_calls(&self) -> u64 {
        self.edits.model_calls
    }

    /// About how many tokens the model will read: those of its last call, with an estimate of what came
    /// and went since. None before its first answer, or if it does not say how many it took.
    pub fn projected_input_tokens(&self) -> Option<u64> {
        self.transcript.projected_tokens(self.edits.tokens)
    }

    /// See [`Conversation::projected_tokens`](crate::Conversation::projected_tokens).
    pub(crate) fn edited_tokens(&self) -> i64 {
        self.edits.tokens
    }

    /// Puts what a conversation manager kept in the place of what this run has; the history is another.
    pub(super) fn restore_manager(&mut self, manager: Option<ManagerState>) {
        self.edits.manager = manager;
    }

    /// True if the history may be edited: no question stands at a place in it.
    pub(crate) fn is_editable(&self) -> bool {
        !self.questions.iter().any(|asked| matches!(asked.site, Site::MessageAdded { .. }))
    }

    /// True if the last message is what the model is to answer, or has asked for tools about.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.phase, Phase::Model | Phase::Answer(_) | Phase::Tools(_))
    }

    pub(super) fn check_edit(&self, record: &Record, edit: &TranscriptEdit) -> Result<(), Error> {
        if !self.is_editable() {
            return self.misfit(record);
        }
        self.transcript.check_edit(edit).map_err(super::check::illegal)?;
        let length = self.transcript.len();
        let last_goes = edit.splices().last().is_some_and(|splice| {
            splice.removed > 0 && splice.at + splice.removed == length && splice.inserted.is_empty()
        });
        if self.is_under_way() && last_goes {
            let last = TranscriptError::Misplaced {
                message: length - 1,
                problem: "the invocation goes on with this message: it can be replaced, not left out",
            };
            return Err(super::check::illegal(last));
        }
        Ok(())
    }

    pub(super) fn edited(
        &mut self,
        edit: &TranscriptEdit,
        manager: Option<ManagerState>,
    ) -> Result<(), TranscriptError> {
        if !edit.is_empty() {
            let edited = self.transcript.edited(edit)?;
            if self.is_under_way() && self.cycles == 0 && self.edits.before.is_none() {
                let mut transcript = self.transcript.clone();
                transcript.truncate(self.started_at);
                let Edits { manager, tokens, .. } = self.edits.clone();
                self.edits.before = Some(Box::new(Before { transcript, manager, tokens }));
            }
            let tokens = self.transcript.edited_tokens(edit);
            self.edits.tokens = self.edits.tokens.saturating_add(tokens);
            self.started_at = edit.moved(self.started_at);
            self.transcript = edited;
        }
        if manager.is_some() {
            self.edits.manager = manager;
        }
        Ok(())
    }

    /// Takes the prompt back. What was left out to make room for it, in vain, is there again.
    pub(super) fn withdraw(&mut self) {
        match self.edits.before.take() {
            None => self.transcript.truncate(self.started_at),
            Some(before) => {
                self.transcript = before.transcript;
                self.started_at = self.transcript.len();
                self.edits.manager = before.manager;
                self.edits.tokens = before.tokens;
            }
        }
        self.transcript.shorten(self.started_at.saturating_sub(1), self.joined);
        self.agent_state.roll_back();
        self.tokens.forget();
        self.rest();
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_even(tokens: &i64) -> bool {
    *tokens == 0
}
