//! Who decides whether a tool may run.

mod decision;
mod question;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use ropewalk_core::{HookResult, Interrupt, InterruptResponse, Preview, ToolCallGuardEvent};
use serde_json::json;

pub(crate) use decision::Decision;
pub(crate) use question::Question;

/// The name of the question that is put before a tool runs.
const NAME: &str = "approve";

/// What is done with tools that should be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Ask,
    Allow,
    Deny,
}

/// Asks before a tool runs that may have effects: nothing is assumed, a missing answer runs nothing.
#[derive(Debug)]
pub(crate) struct Approvals {
    policy: Policy,
    /// Tools that do no harm.
    unasked: BTreeSet<String>,
    /// Tools that may run without asking for as long as this command lives.
    always: Mutex<BTreeSet<String>>,
}

impl Approvals {
    pub(crate) fn new(policy: Policy, unasked: BTreeSet<String>) -> Self {
        Self { policy, unasked, always: Mutex::default() }
    }

    /// The guard: it sees what will run, and an answer holds for that and nothing else.
    pub(crate) async fn check(&self, event: &mut ToolCallGuardEvent) -> HookResult {
        let tool = event.tool().spec().name.clone();
        if self.unasked.contains(&tool) {
            return Ok(());
        }
        match self.policy {
            Policy::Allow => return Ok(()),
            Policy::Deny => {
                event.cancel_tool("This call was not allowed: the command runs with --deny.");
                return Ok(());
            }
            Policy::Ask if self.allows(&tool) => return Ok(()),
            Policy::Ask => {}
        }
        let mut reason = json!({"tool": tool, "input": event.tool_use().input});
        match event.tool().preview(&event.tool_use().input).await {
            Ok(None) => {}
            Ok(Some(preview)) => reason["preview"] = json!(preview),
            Err(error) => {
                let text = format!("What it would do can't be shown: {error}");
                reason["preview"] = json!(Preview::Text(text));
            }
        }
        match event.interrupt(NAME, reason)? {
            Decision::Yes => {}
            Decision::Always => {
                self.always.lock().unwrap_or_else(PoisonError::into_inner).insert(tool);
            }
            Decision::No => event.cancel_tool("The user did not allow this call."),
        }
        Ok(())
    }

    /// The answers that the command line gives beforehand, if it does.
    pub(crate) fn answers(&self, open: &[Interrupt]) -> Option<Vec<InterruptResponse>> {
        let decision = match self.policy {
            Policy::Ask => return None,
            Policy::Allow => Decision::Yes,
            Policy::Deny => Decision::No,
        };
        let about_tools = open.iter().all(|question| Question::of(question) != Question::Other);
        about_tools
            .then(|| open.iter().map(|question| question.answer(decision.to_json())).collect())
    }

    fn allows(&self, tool: &str) -> bool {
        self.always.lock().unwrap_or_else(PoisonError::into_inner).contains(tool)
    }

    /// True if an answer given meanwhile allows what this question asks, so that nobody need be
    /// asked again.
    pub(crate) fn settles(&self, interrupt: &Interrupt) -> bool {
        match Question::of(interrupt) {
            Question::MayRun { tool, .. } => self.allows(&tool),
            Question::Other => false,
        }
    }

    /// Notes an answer for the questions after it.
    pub(crate) fn note(&self, interrupt: &Interrupt, decision: Decision) {
        if let (Question::MayRun { tool, .. }, Decision::Always) =
            (Question::of(interrupt), decision)
        {
            self.always.lock().unwrap_or_else(PoisonError::into_inner).insert(tool);
        }
    }
}
