//! The question put to a person, and its answer.

mod approval;
mod hash;
mod interrupts;
mod scope;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use approval::{Approval, ApprovalRequest, ApprovalScope, Decision, Preview, Risk, Terms};
pub(crate) use hash::bind;
pub use hash::input_hash;
pub use interrupts::Interrupts;
pub use scope::InterruptScope;
pub(crate) use scope::{BadAnswer, Known};

/// A question that stopped a run until somebody answers it (Strands' `Interrupt`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interrupt {
    /// Says which question this is: built from where it was asked and its name, the same in every
    /// process.
    pub id: String,
    /// The name that the asking code gave it.
    pub name: String,
    /// What the person is told: any JSON.
    #[serde(default)]
    pub reason: Value,
    /// The answer; null as long as there is none.
    #[serde(default)]
    pub response: Value,
}

impl Interrupt {
    /// A question without an answer.
    pub fn new(id: impl Into<String>, name: impl Into<String>, reason: Value) -> Self {
        Self { id: id.into(), name: name.into(), reason, response: Value::Null }
    }

    /// True once there is an answer. `false`, `0` and `""` are answers; null is none.
    pub fn is_answered(&self) -> bool {
        !self.response.is_null()
    }

    /// The four keys `id`, `name`, `reason` and `response`, as the page's `to_dict` gives them.
    pub fn to_dict(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "reason": self.reason,
            "response": self.response,
        })
    }

    /// The answer to this question, for [`Agent::resume`](crate::Agent::resume).
    pub fn answer(&self, response: impl Into<Value>) -> crate::message::InterruptResponse {
        crate::message::InterruptResponse {
            interrupt_id: self.id.clone(),
            response: response.into(),
        }
    }

    /// The id of a question: where it was asked, and the name's UUID version 5 in the namespace of
    /// object ids, as in Strands.
    pub(crate) fn id_for(site: &str, name: &str) -> String {
        format!("{site}:{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
    }
}

/// Leaves a callback or a tool through `?` when its question has no answer yet (Strands'
/// `InterruptException`). Whoever dispatched the callback catches it; the run stops and waits.
#[derive(Clone, Debug, PartialEq)]
pub struct InterruptException {
    interrupt: Box<Interrupt>,
}

impl InterruptException {
    /// Raises a question.
    pub fn new(interrupt: Interrupt) -> Self {
        Self { interrupt: Box::new(interrupt) }
    }

    /// The question.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The question, taken out.
    pub fn into_interrupt(self) -> Interrupt {
        *self.interrupt
    }
}

impl fmt::Display for InterruptException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the run waits for an answer to `{}`", self.interrupt.name)
    }
}

impl std::error::Error for InterruptException {}
