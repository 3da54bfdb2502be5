//! The question whether a call may be made, and its answer.

use std::time::Duration;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a person is asked to approve. An event adds the call itself: tool, whole arguments and their
/// hash; see [`ToolCallGuardEvent::ask_approval`](crate::ToolCallGuardEvent::ask_approval).
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::{ApprovalRequest, Risk};
///
/// let request = ApprovalRequest::new("Delete 3 objects?")
///     .with_risk(Risk::High)
///     .with_approvers(["ops@example.org"])
///     .with_expires_in(Duration::from_secs(3600));
/// assert_eq!(request.risk, Risk::High);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// What is asked, in one line.
    pub title: String,
    /// How bad it would be if it went wrong; [`Risk::Medium`] unless set.
    pub risk: Risk,
    /// For how long the person may say yes; only this once unless set.
    pub scopes: Vec<ApprovalScope>,
    /// What the call would do, as far as the tool can say before it runs.
    pub preview: Option<Preview>,
    /// The rule or policy because of which it is asked.
    pub rule: Option<String>,
    /// What exactly an answer for longer than once would cover, in words.
    pub covers: Option<String>,
    /// Who may answer; whoever, if empty.
    pub approvers: Vec<String>,
    /// How long an answer is waited for; without end, unless set.
    pub expires_in: Option<Duration>,
    /// How long before its end a warning is given, if at all.
    pub warn_before: Option<Duration>,
    /// What stands as the answer when nobody gave one in time; [`Decision::Deny`] unless set.
    pub on_expiry: Decision,
}

impl ApprovalRequest {
    /// A question with this title.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            risk: Risk::Medium,
            scopes: vec![ApprovalScope::Once],
            preview: None,
            rule: None,
            covers: None,
            approvers: Vec::new(),
            expires_in: None,
            warn_before: None,
            on_expiry: Decision::Deny,
        }
    }

    /// Sets how bad it would be if it went wrong.
    #[must_use]
    pub fn with_risk(mut self, risk: Risk) -> Self {
        self.risk = risk;
        self
    }

    /// Sets for how long the person may say yes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = ApprovalScope>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self
    }

    /// Shows what the call would do.
    #[must_use]
    pub fn with_preview(mut self, preview: Option<Preview>) -> Self {
        self.preview = preview;
        self
    }

    /// Names the rule or policy because of which it is asked.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Says what exactly an answer for longer than once would cover.
    #[must_use]
    pub fn with_covers(mut self, text: impl Into<String>) -> Self {
        self.covers = Some(text.into());
        self
    }

    /// Sets who may answer: an answer given in any other name is refused.
    #[must_use]
    pub fn with_approvers<N: Into<String>>(
        mut self,
        approvers: impl IntoIterator<Item = N>,
    ) -> Self {
        self.approvers = approvers.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how long an answer is waited for.
    #[must_use]
    pub fn with_expires_in(mut self, time: Duration) -> Self {
        self.expires_in = Some(time);
        self
    }

    /// Sets how long before its end a warning is given.
    #[must_use]
    pub fn with_warn_before(mut self, time: Duration) -> Self {
        self.warn_before = Some(time);
        self
    }

    /// Sets what stands as the answer when nobody gave one in time.
    #[must_use]
    pub fn with_on_expiry(mut self, decision: Decision) -> Self {
        self.on_expiry = decision;
        self
    }

    /// The reason that the person gets to see.
    pub(crate) fn to_reason(&self, tool: &str, input: &Value, input_hash: &str) -> Value {
        let mut reason = json!({
            "type": "approval",
            "title": self.title,
            "tool": tool,
            "input": input,
            "input_hash": input_hash,
            "risk": self.risk,
            "scopes": self.scopes,
        });
        if let Some(preview) = &self.preview {
            reason["preview"] = json!(preview);
        }
        if let Some(rule) = &self.rule {
            reason["rule"] = json!(rule);
        }
        if let Some(covers) = &self.covers {
            reason["covers"] = json!(covers);
        }
        if !self.approvers.is_empty() {
            reason["approvers"] = json!(self.approvers);
        }
        if let Some(time) = self.expires_in {
            reason["expires_in_seconds"] = json!(time.as_secs());
            reason["on_expiry"] = json!(self.on_expiry);
        }
        reason
    }

    /// What the id of the question is made of: who said yes to one question has not said so to another.
    pub(crate) fn variant(&self, name: &str) -> String {
        let parts = json!([self.title, self.risk, self.rule, self.approvers, self.on_expiry]);
        format!("{name} {}", super::hash::input_hash(&parts))
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            approvers: self.approvers.clone(),
            expires_in_ms: self.expires_in.map(millis),
            warn_before_ms: self.warn_before.map(millis),
            on_expiry: self.on_expiry,
            ..Terms::default()
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How bad it would be if a call went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// It can be undone, or harms nobody.
    Low,
    /// It takes effort to undo.
    Medium,
    /// It can't be undone, or costs much.
    High,
}

/// For how long an approval holds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalScope {
    /// For this one call.
    #[default]
    Once,
    /// As long as this run lives.
    Session,
    /// From now on.
    Always,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may.
    Approve,
    /// It may not.
    #[default]
    Deny,
}

/// What a call would do, as far as its tool can say before it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preview {
    /// Words.
    Text(String),
    /// A unified diff.
    Diff(String),
}

/// The answer to an [`ApprovalRequest`].
///
/// Read from `true` or `false`, from `"yes"`, `"y"`, `"approve"`, `"no"`, `"n"`, `"deny"` in any
/// case, or from an object with `decision` and, where wanted, `scope` and `comment`. Anything else
/// puts the question again.
///
/// ```
/// use ropewalk_core::{Approval, ApprovalScope};
/// use serde_json::json;
///
/// let approval: Approval = serde_json::from_value(json!({"decision": "approve", "scope": "session"}))?;
/// assert!(approval.is_approved() && approval.scope == ApprovalScope::Session);
/// assert!(!serde_json::from_value::<Approval>(json!("no"))?.is_approved());
/// assert!(serde_json::from_value::<Approval>(json!("perhaps")).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Approval {
    /// Whether the call may be made.
    pub decision: Decision,
    /// For how long.
    pub scope: ApprovalScope,
    /// Who answered: what the resuming code said with
    /// [`Invocation::answered_by`](crate::Invocation::answered_by), never the answer itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What they said to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// True if nobody answered in time, and this is what stands in that case.
    pub expired: bool,
}

impl Approval {
    /// Yes, this once.
    pub fn approve() -> Self {
        Self { decision: Decision::Approve, ..Self::default() }
    }

    /// No.
    pub fn deny() -> Self {
        Self::default()
    }

    /// Sets for how long.
    #[must_use]
    pub fn with_scope(mut self, scope: ApprovalScope) -> Self {
        self.scope = scope;
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// True if the call may be made.
    pub fn is_approved(&self) -> bool {
        self.decision == Decision::Approve
    }
}

impl From<Approval> for Value {
    fn from(approval: Approval) -> Self {
        let mut value = json!({"decision": approval.decision, "scope": approval.scope});
        if let Some(comment) = approval.comment {
            value["comment"] = json!(comment);
        }
        value
    }
}

/// The object form of an answer. Who gave it and whether it came in time is not for it to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    decision: Decision,
    #[serde(default)]
    scope: ApprovalScope,
    #[serde(default)]
    comment: Option<String>,
}

impl<'de> Deserialize<'de> for Approval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let decided = |yes| if yes { Self::approve() } else { Self::deny() };
        match Value::deserialize(deserializer)? {
            Value::Bool(yes) => Ok(decided(yes)),
            Value::String(word) => match word.trim().to_lowercase().as_str() {
                "y" | "yes" | "approve" => Ok(decided(true)),
                "n" | "no" | "deny" => Ok(decided(false)),
                _ => Err(D::Error::custom(format!(
                    "`{word}` is neither yes nor no: answer `true`, `false`, \"yes\", \"no\" or {{\"decision\": \"approve\"}}"
                ))),
            },
            other => {
                let Answer { decision, scope, comment } =
                    Answer::deserialize(other).map_err(|error| {
                        D::Error::custom(format!(
                            "{error}: answer `true`, `false`, \"yes\", \"no\" or {{\"decision\": \"approve\" or \"deny\"}}"
                        ))
                    })?;
                Ok(Self { decision, scope, comment, ..Self::default() })
            }
        }
    }
}

/// Who may answer a question, and until when. Kept with the question, apart from the four keys of
/// an [`Interrupt`](crate::Interrupt).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Terms {
    /// Who may answer; whoever, if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// How long an answer is waited for, in milliseconds from when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// How long before its end a warning is given, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_before_ms: Option<u64>,
    /// When it was asked, in milliseconds since 1970; set only where the question can expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at_ms: Option<u64>,
    /// What stands as the answer then.
    #[serde(default)]
    pub on_expiry: Decision,
    /// The hash of what a tool asked about: itself and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<String>,
}

impl Terms {
    /// Terms of a question that a tool asked.
    pub(crate) fn bound_to(hash: &str) -> Self {
        Self { bound_to: Some(hash.to_owned()), ..Self::default() }
    }

    /// True if a question on these terms is one that was asked on those, apart from its time.
    pub(crate) fn are_those_of(&self, wanted: &Self) -> bool {
        self.approvers == wanted.approvers
            && self.on_expiry == wanted.on_expiry
            && self.bound_to == wanted.bound_to
    }

    /// When the question expires, in milliseconds since 1970; none if it does not.
    pub fn expires_at_ms(&self) -> Option<u64> {
        Some(self.asked_at_ms?.saturating_add(self.expires_in_ms?))
    }

    /// When to warn of that, in milliseconds since 1970.
    pub fn warn_at_ms(&self) -> Option<u64> {
        Some(self.expires_at_ms()?.saturating_sub(self.warn_before_ms?))
    }
}
