//! What a tool call is given besides its arguments.

use std::sync::{Arc, OnceLock, Weak};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{CallKey, Lease};
use crate::error::BoxError;
use crate::interrupt::{InterruptScope, Known};
use crate::message::ToolUse;
use crate::view::{AgentView, InvocationState};

/// What a tool call is given besides its arguments (Strands' `ToolContext`). Cheap to clone.
#[derive(Clone)]
pub struct ToolContext {
    inner: Arc<Inner>,
}

struct Inner {
    tool_use: Arc<ToolUse>,
    agent: Option<AgentView>,
    state: InvocationState,
    idempotency_key: CallKey,
    /// What was asked from here before.
    known: Vec<Known>,
    /// Made by the first question: most tools ask none.
    interrupts: OnceLock<InterruptScope>,
    /// What the call is cancelled with.
    parent: CancellationToken,
    /// The call's own. Made for the first that looks at it: most tools do not.
    cancel: OnceLock<CancellationToken>,
    progress: Option<Progress>,
    lease: Weak<Lease>,
}

/// Where the values go that a tool sends while it runs.
pub(crate) type Progress = Box<dyn Fn(Value) + Send + Sync>;

impl ToolContext {
    /// A context for calling a tool by hand, as in a test: no agent, nobody to answer.
    ///
    /// ```
    /// use ropewalk_core::{ToolContext, ToolUse};
    ///
    /// let context = ToolContext::detached(ToolUse::new("t1", "add", serde_json::json!({})));
    /// assert_eq!(context.tool_use().name, "add");
    /// ```
    pub fn detached(tool_use: ToolUse) -> Self {
        let key = tool_use.tool_use_id.clone();
        Self::new(
            Arc::new(tool_use),
            None,
            InvocationState::default(),
            key.into(),
            Vec::new(),
            CancellationToken::new(),
            None,
        )
    }

    pub(crate) fn new(
        tool_use: Arc<ToolUse>,
        agent: Option<AgentView>,
        state: InvocationState,
        idempotency_key: CallKey,
        known: Vec<Known>,
        parent: CancellationToken,
        progress: Option<Progress>,
    ) -> Self {
        let inner = Inner {
            tool_use,
            agent,
            state,
            idempotency_key,
            known,
            interrupts: OnceLock::new(),
            parent,
            cancel: OnceLock::new(),
            progress,
            lease: Weak::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The context of a call that runs alone.
    pub(crate) fn with_lease(mut self, lease: &Arc<Lease>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.lease = Arc::downgrade(lease);
        }
        self
    }

    /// What the call holds as long as it runs; whoever goes on after it must hold it too.
    pub(super) fn lease(&self) -> Option<Arc<Lease>> {
        self.inner.lease.upgrade()
    }

    /// Where a tool's questions are asked from.
    pub(crate) fn site(tool_use_id: &str) -> String {
        format!("v1:tool_call:{tool_use_id}")
    }

    /// The use that is being served, as the hooks left it.
    pub fn tool_use(&self) -> &ToolUse {
        &self.inner.tool_use
    }

    /// The agent that calls; none if the tool is called by hand.
    pub fn agent(&self) -> Option<&AgentView> {
        self.inner.agent.as_ref()
    }

    /// What the caller handed to the invocation.
    pub fn invocation_state(&self) -> &InvocationState {
        &self.inner.state
    }

    /// A key that is the same each time this very call is made, and different for every other: give
    /// it to services that take one, and a call that is made again has no second effect.
    pub fn idempotency_key(&self) -> &str {
        self.inner.idempotency_key.as_str()
    }

    /// Cancelled when the result is not wanted any more: after a cancel of the invocation, or when the
    /// call has taken longer than it may.
    pub fn cancel(&self) -> &CancellationToken {
        self.inner.cancel.get_or_init(|| self.inner.parent.child_token())
    }

    fn interrupts(&self) -> &InterruptScope {
        self.inner.interrupts.get_or_init(|| {
            let site = Self::site(&self.inner.tool_use.tool_use_id);
            InterruptScope::with_known(site, self.inner.known.iter().cloned())
        })
    }

    /// Puts a question to a person: gives the answer if there is one, else leaves through `?`; the
    /// call is then made again, from its beginning, when the answer is there.
    ///
    /// # Errors
    /// As for [`InterruptScope::ask`].
    pub fn interrupt<A: DeserializeOwned>(
        &self,
        name: &str,
        reason: impl Serialize,
    ) -> Result<A, BoxError> {
        self.interrupts().ask(name, reason)
    }

    /// Like [`interrupt`](Self::interrupt), with an answer given beforehand: unless it is null,
    /// nobody is asked.
    ///
    /// # Errors
    /// As for [`InterruptScope::ask_with`].
    pub fn interrupt_with<A: DeserializeOwned>(
        &self,
        name: &str,
        reason: Value,
        response: Value,
    ) -> Result<A, BoxError> {
        self.interrupts().ask_with(name, reason, response)
    }

    /// True if somebody listens to what is sent.
    pub(super) fn is_heard(&self) -> bool {
        self.inner.progress.is_some()
    }

    /// Sends a value to whoever listens to the stream while the tool is still running.
    pub fn send(&self, value: impl Into<Value>) {
        if let Some(progress) = &self.inner.progress {
            progress(value.into());
        }
    }
}

impl std::fmt::Debug for ToolContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolContext")
            .field("tool_use", &self.inner.tool_use)
            .field("idempotency_key", &self.inner.idempotency_key)
            .finish_non_exhaustive()
    }
}
