//! How the tools of one answer run.

use std::time::Duration;

/// How many tools of one answer run at once, unless said otherwise.
const AT_ONCE: usize = 32;

/// How the tools of one answer run (Strands' `ToolExecutor`): together, or one after the other. Either
/// way their results stand in the order of the request.
///
/// ```
/// use std::time::Duration;
///
/// use ropewalk_core::{Agent, ToolExecutor};
///
/// let together = ToolExecutor::concurrent().at_most(4).with_timeout(Duration::from_secs(60));
/// let builder = Agent::builder().tool_executor(together);
///
/// let in_turn = Agent::builder().tool_executor(ToolExecutor::sequential());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolExecutor {
    /// None: one after the other.
    at_once: Option<usize>,
    timeout: Option<Duration>,
}

impl ToolExecutor {
    /// Up to 32 run at once (Strands' `ConcurrentToolExecutor`): the default. Calls that share an
    /// [exclusive key](crate::Tool::exclusive_key) do so one after the other all the same.
    #[doc(alias = "ConcurrentToolExecutor")]
    pub fn concurrent() -> Self {
        Self { at_once: Some(AT_ONCE), timeout: None }
    }

    /// They run one after the other, in the order of the request (Strands' `SequentialToolExecutor`).
    /// At the first that asks a question, is cancelled or fails by a hook, the others wait; they run when
    /// the agent goes on.
    #[doc(alias = "SequentialToolExecutor")]
    pub fn sequential() -> Self {
        Self { at_once: None, timeout: None }
    }

    /// How many may run at once, at least one; nothing changes for [`sequential`](Self::sequential).
    #[must_use]
    pub fn at_most(mut self, calls: usize) -> Self {
        self.at_once = self.at_once.map(|_| calls.max(1));
        self
    }

    /// How long a tool may run that says nothing itself: see [`Tool::timeout`](crate::Tool::timeout).
    /// Unless set: for ever.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(crate) fn at_once(self) -> Option<usize> {
        self.at_once
    }

    pub(crate) fn timeout(self) -> Option<Duration> {
        self.timeout
    }
}

impl Default for ToolExecutor {
    fn default() -> Self {
        Self::concurrent()
    }
}
