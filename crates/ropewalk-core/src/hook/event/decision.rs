//! Announcements about questions and decisions.

use std::time::{Duration, SystemTime};

use super::{BaseHookEvent, HookEvent};
use crate::decision::DecisionRecord;
use crate::interrupt::Interrupt;
use crate::view::AgentView;

/// Something was decided about a step, which has not gone on yet. A log takes it with `&mut`: if it
/// can't write, its error stops the step.
#[derive(Debug)]
pub struct DecisionEvent {
    agent: AgentView,
    decision: DecisionRecord,
}

impl DecisionEvent {
    pub(crate) fn new(agent: AgentView, decision: DecisionRecord) -> Self {
        Self { agent, decision }
    }

    /// The agent at this moment.
    pub fn agent(&self) -> &AgentView {
        &self.agent
    }

    /// The id of the run.
    pub fn run_id(&self) -> &str {
        self.agent.run_id()
    }

    /// What was decided.
    pub fn decision(&self) -> &DecisionRecord {
        &self.decision
    }
}

impl BaseHookEvent for DecisionEvent {}

impl HookEvent for DecisionEvent {
    fn agent(&self) -> &AgentView {
        &self.agent
    }
}

/// A question will expire soon: somebody may still answer it, or be told to. Announced once for each,
/// by [`Agent::check_expiry`](crate::Agent::check_expiry).
#[derive(Debug)]
pub struct InterruptExpiringEvent {
    agent: AgentView,
    interrupt: Interrupt,
    expires_at: SystemTime,
    remaining: Duration,
}

impl InterruptExpiringEvent {
    pub(crate) fn new(
        agent: AgentView,
        interrupt: Interrupt,
        expires_at: SystemTime,
        remaining: Duration,
    ) -> Self {
        Self { agent, interrupt, expires_at, remaining }
    }

    /// The agent at this moment.
    pub fn agent(&self) -> &AgentView {
        &self.agent
    }

    /// The question.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// When it expires.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// How long that is from now.
    pub fn remaining(&self) -> Duration {
        self.remaining
    }
}

impl BaseHookEvent for InterruptExpiringEvent {}

impl HookEvent for InterruptExpiringEvent {
    fn agent(&self) -> &AgentView {
        &self.agent
    }
}
