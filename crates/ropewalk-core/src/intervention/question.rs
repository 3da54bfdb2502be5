//! The questions of verdicts.

use std::fmt;

use serde_json::Value;

use crate::error::BoxError;
use crate::hook::{BeforeToolCallEvent, ToolCallGuardEvent};
use crate::interrupt::ApprovalRequest;

/// Whether a person agreed, and who it was, if that is known.
#[derive(Debug)]
#[allow(unreachable_pub)]
pub struct Answer {
    pub(super) agreed: bool,
    pub(super) by: Option<String>,
}

/// A question that can be put at an event of type `E`.
#[allow(unreachable_pub)]
pub trait Ask<E>: Send + 'static {
    /// What is asked.
    fn prompt(&self) -> &str;

    /// The answer, if there is one; else leaves with the question.
    fn ask(self, event: &mut E, name: &str, rule: Option<&str>) -> Result<Answer, BoxError>;
}

impl Ask<BeforeToolCallEvent> for Confirm {
    fn prompt(&self) -> &str {
        &self.prompt
    }

    fn ask(
        self,
        event: &mut BeforeToolCallEvent,
        name: &str,
        _rule: Option<&str>,
    ) -> Result<Answer, BoxError> {
        let prompt = self.prompt.as_str().into();
        let answer: Value = event.interrupt_with(name, prompt, self.response.clone())?;
        Ok(Answer { agreed: self.accepts(&answer), by: None })
    }
}

impl Ask<ToolCallGuardEvent> for ApprovalRequest {
    fn prompt(&self) -> &str {
        &self.title
    }

    fn ask(
        mut self,
        event: &mut ToolCallGuardEvent,
        name: &str,
        rule: Option<&str>,
    ) -> Result<Answer, BoxError> {
        if self.rule.is_none() {
            self.rule = rule.map(str::to_owned);
        }
        let approval = event.ask_approval(name, self)?;
        Ok(Answer { agreed: approval.is_approved(), by: approval.by })
    }
}

impl From<&str> for ApprovalRequest {
    fn from(title: &str) -> Self {
        Self::new(title)
    }
}

impl From<String> for ApprovalRequest {
    fn from(title: String) -> Self {
        Self::new(title)
    }
}

/// The question of [`Verdict::confirm`](super::Verdict::confirm) before a tool call: made of its text, and more where that is not enough.
///
/// ```
/// use ropewalk_core::{BeforeToolCallEvent, Confirm, Verdict};
///
/// let question = Confirm::new("Type the name of the customer to delete it")
///     .accept(|answer| answer == "hemp & sons");
/// let verdict = Verdict::<BeforeToolCallEvent>::confirm(question);
/// assert_eq!(verdict.kind(), "confirm");
/// ```
pub struct Confirm {
    prompt: String,
    response: Value,
    accept: Option<Accept>,
}

type Accept = Box<dyn FnOnce(&Value) -> bool + Send>;

impl Confirm {
    /// A question with this text.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), response: Value::Null, accept: None }
    }

    /// An answer that is known beforehand: unless it is null, nobody is asked.
    #[must_use]
    pub fn answered(mut self, response: impl Into<Value>) -> Self {
        self.response = response.into();
        self
    }

    /// Which answers agree, instead of `true`, `"y"` and `"yes"`.
    #[must_use]
    pub fn accept(mut self, accept: impl FnOnce(&Value) -> bool + Send + 'static) -> Self {
        self.accept = Some(Box::new(accept));
        self
    }

    /// True if this answer agrees.
    fn accepts(self, answer: &Value) -> bool {
        match (self.accept, answer) {
            (Some(accept), answer) => accept(answer),
            (None, Value::Bool(yes)) => *yes,
            (None, Value::String(text)) => {
                let text = text.trim();
                text.eq_ignore_ascii_case("y") || text.eq_ignore_ascii_case("yes")
            }
            (None, _) => false,
        }
    }
}

impl fmt::Debug for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirm")
            .field("prompt", &self.prompt)
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

impl From<&str> for Confirm {
    fn from(prompt: &str) -> Self {
        Self::new(prompt)
    }
}

impl From<String> for Confirm {
    fn from(prompt: String) -> Self {
        Self::new(prompt)
    }
}
