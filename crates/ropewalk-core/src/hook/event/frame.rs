//! What every event of an agent carries.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::decision::DecisionRecord;
use crate::interrupt::InterruptScope;
use crate::view::{AgentView, InvocationState};

/// What every event of an agent carries: the agent, what the caller handed to the invocation, where
/// questions are asked from, and what was decided.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) agent: AgentView,
    pub(crate) state: InvocationState,
    pub(crate) scope: InterruptScope,
    pub(crate) decisions: Decisions,
    pub(crate) cancel: CancellationToken,
}

/// What was decided at an event. Shared, so that it is not lost with an event whose dispatch failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions(Arc<Mutex<Vec<DecisionRecord>>>);

impl Decisions {
    pub(crate) fn push(&self, decision: DecisionRecord) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(decision);
    }

    pub(crate) fn take(&self) -> Vec<DecisionRecord> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes what all events of an agent have in common, for a struct with a field `frame`.
macro_rules! agent_event {
    ($event:ident $(, reverse = $reverse:literal)? $(, writable = [$($field:literal),*])?) => {
        impl crate::hook::BaseHookEvent for $event {
            const INTERRUPTIBLE: bool = true;
            $( const REVERSE: bool = $reverse; )?
            $( const WRITABLE: &'static [&'static str] = &[$($field),*]; )?

            fn interrupt_scope(&self) -> Option<&crate::interrupt::InterruptScope> {
                Some(&self.frame.scope)
            }
        }

        impl crate::hook::HookEvent for $event {
            fn agent(&self) -> &crate::view::AgentView {
                &self.frame.agent
            }
        }

        impl $event {
            /// The agent at this moment.
            pub fn agent(&self) -> &crate::view::AgentView {
                &self.frame.agent
            }

            /// The id of the run.
            pub fn run_id(&self) -> &str {
                self.frame.agent.run_id()
            }

            /// What the caller handed to the invocation. Values may be set: later hooks and tools see
            /// them, and they are kept with the run.
            pub fn invocation_state(&self) -> &crate::view::InvocationState {
                &self.frame.state
            }

            /// Cancelled when the invocation is to stop: what takes long watches it. A callback that
            /// has not ended a moment later is dropped.
            pub fn cancel_token(&self) -> &tokio_util::sync::CancellationToken {
                &self.frame.cancel
            }

            /// Puts a question to a person: gives the answer if there is one, else leaves through `?`.
            /// When the answer is there, all callbacks of this event are called again from the start.
            ///
            /// # Errors
            /// As for [`InterruptScope::ask`](crate::InterruptScope::ask).
            pub fn interrupt<A: serde::de::DeserializeOwned>(
                &mut self,
                name: &str,
                reason: impl serde::Serialize,
            ) -> Result<A, crate::error::BoxError> {
                self.frame.scope.ask(name, reason)
            }

            /// Like [`interrupt`](Self::interrupt), with an answer given beforehand: unless it is
            /// null, nobody is asked.
            ///
            /// # Errors
            /// As for [`InterruptScope::ask_with`](crate::InterruptScope::ask_with).
            pub fn interrupt_with<A: serde::de::DeserializeOwned>(
                &mut self,
                name: &str,
                reason: serde_json::Value,
                response: serde_json::Value,
            ) -> Result<A, crate::error::BoxError> {
                self.frame.scope.ask_with(name, reason, response)
            }

            /// Notes what was decided. It is made durable with the run and announced as a
            /// [`DecisionEvent`](crate::DecisionEvent) before the step goes on.
            pub fn record_decision(&mut self, decision: crate::decision::DecisionRecord) {
                self.frame.decisions.push(decision);
            }
        }
    };
}
pub(super) use agent_event;
