//! Calling the conversation manager, and making durable what it wants changed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::Driver;
use crate::agent::{AgentEvent, RollbackReason};
use crate::conversation::{
    Conversation, ConversationChange, ConversationManager, DEFAULT_CONTEXT_LIMIT, EditReason,
    ManagerState,
};
use crate::error::{Error, ErrorKind};
use crate::hook::{HistoryEditedEvent, panic_error};
use crate::message::{TranscriptEdit, Usage};
use crate::run::{Record, Step};

/// How often a conversation is made smaller for one model call. What is left out doubles each time.
const MOST_REDUCTIONS: u32 = 16;

/// What came of asking the manager.
enum Consulted {
    /// The history is another.
    Edited,
    /// It is the same.
    Nothing,
    /// The manager failed.
    Failed(Error),
}

impl Consulted {
    fn into_result(self) -> Result<(), Error> {
        match self {
            Self::Failed(error) => Err(error),
            Self::Edited | Self::Nothing => Ok(()),
        }
    }
}

impl Driver<'_> {
    /// Lets the manager see to the conversation at the end of a pass.
    pub(super) async fn manage(&self) -> Result<(), Error> {
        self.consult(EditReason::Routine, 0, None).await?.into_result()
    }

    /// Whether the manager may want to see to the conversation before a model call.
    pub(super) fn may_manage_before_model(&self) -> bool {
        let manager = self.manager();
        manager.per_turn().is_some() || manager.compression_threshold().is_some()
    }

    /// Lets the manager see to the conversation before a model call, if it wants to, or if the model's
    /// window is nearly full.
    pub(super) async fn manage_before_model(&self) -> Result<(), Error> {
        let manager = self.manager();
        if let Some(every) = manager.per_turn() {
            let due = (self.run().model_calls() + 1).is_multiple_of(u64::from(every));
            if due {
                self.consult(EditReason::PerTurn, 0, None).await?.into_result()?;
            }
        }
        if let Some(threshold) = manager.compression_threshold()
            && self.is_nearly_full(threshold)
            && let Consulted::Failed(error) = self.consult(EditReason::Proactive, 0, None).await?
        {
            // There is still room: the model is asked all the same.
            tracing::warn!("the conversation could not be made smaller: {}", error.report());
        }
        Ok(())
    }

    /// Makes a conversation smaller that does not fit the model's window, so that the model can be asked
    /// again. Gives the error back if that is not what went wrong, or if it can't be helped.
    pub(super) async fn make_it_fit(&self, error: Error, reductions: u32) -> Result<(), Error> {
        let asks = matches!(self.run().next(), Step::Model);
        if !error.is_context_overflow() || !asks {
            return Err(error);
        }
        let name = self.manager().name();
        if reductions >= MOST_REDUCTIONS {
            let text = format!("`{name}` made the conversation smaller {reductions} times");
            return Err(error.context(text));
        }
        self.roll_back(RollbackReason::ContextOverflow);
        let before = self.run().transcript().estimated_tokens();
        match self.consult(EditReason::Overflow, reductions, Some(&error)).await? {
            // What was begun ends as any other cancel does.
            _ if self.cancel.is_cancelled() => Ok(()),
            Consulted::Edited if self.run().transcript().estimated_tokens() < before => Ok(()),
            Consulted::Edited => Err(error.context(format!("`{name}` made nothing smaller"))),
            Consulted::Nothing => {
                Err(error.context(format!("`{name}` found nothing to leave out")))
            }
            Consulted::Failed(failure) => {
                Err(failure.context("the conversation does not fit the model's window"))
            }
        }
    }

    fn manager(&self) -> &dyn ConversationManager {
        &*self.blueprint.manager
    }

    fn is_nearly_full(&self, threshold: f64) -> bool {
        let model = &self.blueprint.model;
        let limit = model.context_limit().unwrap_or_else(|| {
            self.blueprint.unknown_limit.call_once(|| {
                tracing::warn!(
                    model = model.id(),
                    "the model does not say how many tokens its window holds: it is taken for {DEFAULT_CONTEXT_LIMIT}"
                );
            });
            DEFAULT_CONTEXT_LIMIT
        });
        let run = self.run();
        let projected = run.projected_input_tokens();
        let projected = projected.unwrap_or_else(|| run.transcript().estimated_tokens());
        projected as f64 >= limit as f64 * threshold
    }

    /// Asks the manager, and does what it wants. Fails if that can't be done.
    async fn consult(
        &self,
        reason: EditReason,
        reductions: u32,
        error: Option<&Error>,
    ) -> Result<Consulted, Error> {
        let (messages, kept, tokens, under_way) = {
            let run = self.run();
            // Somebody is asked about a message: it stays where it is until that is answered.
            if !run.is_editable() {
                return Ok(Consulted::Nothing);
            }
            let kept = run.manager_state().cloned();
            (run.transcript().clone(), kept, run.edited_tokens(), run.is_under_way())
        };
        let manager = self.manager();
        let mut conversation = Conversation::new(&messages, &self.blueprint.model, reason)
            .with_under_way(under_way)
            .with_reductions(reductions)
            .with_edited_tokens(tokens)
            .with_cancel(self.cancel.clone())
            .with_retry(&self.blueprint.retry);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.name == manager.name()) {
            conversation = conversation.with_state(&kept.state);
        }
        // Called within the guard: what makes a future may panic as well as the future.
        let called = async {
            match reason {
                EditReason::Routine | EditReason::PerTurn | EditReason::ByHand => {
                    manager.apply_management(&conversation).await
                }
                EditReason::Proactive | EditReason::Overflow => {
                    manager.reduce_context(&conversation, error).await
                }
            }
        };
        let change = AssertUnwindSafe(called).catch_unwind().await.unwrap_or_else(|panic| {
            let text = format!("`{}` {}", manager.name(), panic_error(&*panic));
            Err(Error::new(ErrorKind::Other, text))
        });
        let usage = conversation.spent();
        if !self.run().is_idle() {
            // What another model than the agent's costs is not known here.
            self.charge(&*self.blueprint.model, usage).await?;
        }
        let (change, failure) = match change {
            Ok(change) => (change.unwrap_or_default(), None),
            Err(error) => (ConversationChange::default(), Some(error)),
        };
        let ConversationChange { edit, state } = change;
        let edits = !edit.is_empty();
        if edits || state.is_some() || usage != Usage::default() {
            let name = manager.name().to_owned();
            let state = state.map(|state| ManagerState { name: name.clone(), state });
            self.edit(edit, reason, Some(name), state, usage).await?;
        }
        Ok(match failure {
            Some(error) => Consulted::Failed(error),
            None if edits => Consulted::Edited,
            None => Consulted::Nothing,
        })
    }

    /// Makes an edit durable and announces it.
    pub(in crate::agent) async fn edit(
        &self,
        edit: TranscriptEdit,
        reason: EditReason,
        manager: Option<String>,
        state: Option<ManagerState>,
        usage: Usage,
    ) -> Result<(), Error> {
        let record = Record::HistoryEdited { edit, manager: state.map(Box::new), usage };
        if let Err(error) = self.run().check(&record) {
            let who = manager.as_ref().map_or_else(String::new, |name| format!(" of `{name}`"));
            let text = format!("the history can't be edited: the change{who} does not fit");
            return Err(error.context(text));
        }
        self.commit(record.clone()).await?;
        let Record::HistoryEdited { edit, .. } = record else { return Ok(()) };
        if edit.is_empty() {
            return Ok(());
        }
        let edit = Arc::new(edit);
        self.sink.send(|| AgentEvent::HistoryEdited {
            edit: Arc::clone(&edit),
            reason,
            manager: manager.clone(),
        });
        if self.hooks.listens_to::<HistoryEditedEvent>() {
            let event = HistoryEditedEvent::new(self.view(), edit, reason, manager);
            self.hooks.invoke_callbacks_async(event).await?;
        }
        Ok(())
    }
}
