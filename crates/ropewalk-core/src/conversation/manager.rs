//! Who says what is left out of a conversation.

use std::sync::Arc;

use serde_json::Value;

use super::Conversation;
use crate::error::Error;
use crate::message::TranscriptEdit;
use crate::tool::BoxFuture;

/// What a conversation manager comes to: a change, nothing, or an error.
pub type Managed<'a> = BoxFuture<'a, Result<Option<ConversationChange>, Error>>;

/// Says what is left out of a conversation so that it fits the model's window (Strands'
/// `ConversationManager`).
///
/// It looks at the conversation and *gives back* what should change; it changes nothing itself. The
/// change becomes one durable record of the run, so that a restored session is the very history that
/// the model saw. A change that would part a tool use from its result is refused.
///
/// ```
/// use ropewalk_core::{
///     Conversation, ConversationChange, ConversationManager, Error, Managed, TranscriptEdit,
/// };
///
/// /// Forgets everything as soon as a pass has ended.
/// struct Goldfish;
///
/// impl ConversationManager for Goldfish {
///     fn name(&self) -> &str {
///         "Goldfish"
///     }
///
///     fn apply_management<'a>(&'a self, conversation: &'a Conversation<'a>) -> Managed<'a> {
///         Box::pin(async move {
///             let all = 0..conversation.messages().len();
///             let waits = conversation.is_under_way();
///             Ok((!waits).then(|| ConversationChange::new(TranscriptEdit::new().remove(all))))
///         })
///     }
///
///     fn reduce_context<'a>(
///         &'a self,
///         _: &'a Conversation<'a>,
///         _: Option<&'a Error>,
///     ) -> Managed<'a> {
///         Box::pin(async { Ok(None) })
///     }
/// }
/// ```
pub trait ConversationManager: Send + Sync + 'static {
    /// The name that its state is kept under (Strands' `__name__`). The state of a manager with another
    /// name is not shown to this one.
    fn name(&self) -> &str;

    /// Called once, when the agent is built: says whether the settings can be used.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the setting and its value.
    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// With `Some(n)`, [`apply_management`](Self::apply_management) is called before every `n`th model
    /// call too, counted over all invocations.
    fn per_turn(&self) -> Option<u32> {
        None
    }

    /// With a part of the model's window, above 0 and up to 1, [`reduce_context`](Self::reduce_context)
    /// is called before a model call that would fill that much of it.
    fn compression_threshold(&self) -> Option<f64> {
        None
    }

    /// Called at the end of every pass, before `AfterInvocation`, also after an error or when the run
    /// waits for answers; and after a tool was called by hand. Unless it is overridden nothing changes.
    ///
    /// # Errors
    /// What is said here stops the invocation.
    fn apply_management<'a>(&'a self, conversation: &'a Conversation<'a>) -> Managed<'a> {
        let _ = conversation;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Called when the conversation must become smaller: the model said that it does not fit
    /// (`error`), or it soon will not (no error). Called again if that did not suffice;
    /// [`Conversation::reductions`] tells how often it was. None: nothing can be left out.
    ///
    /// # Errors
    /// What is said here takes the place of the model's error. With no error at hand, it is reported
    /// and the model is asked all the same.
    fn reduce_context<'a>(
        &'a self,
        conversation: &'a Conversation<'a>,
        error: Option<&'a Error>,
    ) -> Managed<'a>;
}

/// What should change of a conversation.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConversationChange {
    /// What changes in the history.
    pub edit: TranscriptEdit,
    /// What the manager keeps from here on, in place of what it kept; none: that stays.
    pub state: Option<Value>,
}

impl ConversationChange {
    /// A change of the history.
    pub fn new(edit: TranscriptEdit) -> Self {
        Self { edit, state: None }
    }

    /// Sets what the manager keeps.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<Value>) -> Self {
        self.state = Some(state.into());
        self
    }
}

impl<M: ConversationManager + ?Sized> ConversationManager for Arc<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn validate(&self) -> Result<(), Error> {
        (**self).validate()
    }

    fn per_turn(&self) -> Option<u32> {
        (**self).per_turn()
    }

    fn compression_threshold(&self) -> Option<f64> {
        (**self).compression_threshold()
    }

    fn apply_management<'a>(&'a self, conversation: &'a Conversation<'a>) -> Managed<'a> {
        (**self).apply_management(conversation)
    }

    fn reduce_context<'a>(
        &'a self,
        conversation: &'a Conversation<'a>,
        error: Option<&'a Error>,
    ) -> Managed<'a> {
        (**self).reduce_context(conversation, error)
    }
}
