//! What a policy, a rule or a person decided: the entries of a decision log.

use serde::{Deserialize, Serialize};

/// One decision about a step of a run: who decided what about which call, and why.
///
/// Hooks note them with `event.record_decision(…)`; they are made durable with the run's records
/// and announced as a [`DecisionEvent`](crate::DecisionEvent) before the step goes on.
///
/// ```
/// use ropewalk_core::DecisionRecord;
///
/// let decision = DecisionRecord::new("limits", "BeforeToolCallEvent", "deny")
///     .with_rule("no-shell")
///     .with_reason("this agent may not start programs");
/// assert_eq!(decision.verdict, "deny");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecisionRecord {
    /// Who decided: the name of a handler, a provider or a callback.
    pub handler: String,
    /// The event at which it was decided: the name of its type.
    pub event: String,
    /// What was decided: `proceed`, `deny`, `guide`, `confirm`, `transform`, `allow`, `approve` or a
    /// word of the handler's own.
    pub verdict: String,
    /// The rule or policy that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The person or system that answered, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The tool use that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// The tool that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The SHA-256 of the arguments that it is about, as hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_hash: Option<String>,
}

impl DecisionRecord {
    /// A decision of a handler at an event.
    pub fn new(
        handler: impl Into<String>,
        event: impl Into<String>,
        verdict: impl Into<String>,
    ) -> Self {
        Self {
            handler: handler.into(),
            event: event.into(),
            verdict: verdict.into(),
            rule: None,
            reason: None,
            by: None,
            tool_use_id: None,
            tool: None,
            input_hash: None,
        }
    }

    /// Names the rule or policy that led to it.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Says why.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Names who answered.
    #[must_use]
    pub fn with_by(mut self, by: impl Into<String>) -> Self {
        self.by = Some(by.into());
        self
    }

    /// Names the call that it is about, with the hash of its arguments.
    #[must_use]
    pub fn with_call(mut self, tool_use: &crate::message::ToolUse) -> Self {
        self.tool_use_id = Some(tool_use.tool_use_id.clone());
        self.tool = Some(tool_use.name.clone());
        self.input_hash = Some(crate::interrupt::input_hash(&tool_use.input));
        self
    }
}
