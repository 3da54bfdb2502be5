//! The form of an answer as it is stored with the run.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::convert::WRAP;
use super::lenient::unquoted;

/// The form that the answer of an invocation must have, as it is stored with the run: whoever goes on
/// after a question or a crash needs not say it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// What it is called: the type's name. The tool through which a model gives the value has it too.
    pub name: String,
    /// What the model is told about that tool.
    pub description: String,
    /// The JSON Schema, always that of an object.
    pub schema: Arc<Value>,
    /// True if the value stands in that object under the key `value`, because it is no object itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrapped: bool,
    /// What the model is told if it ends its turn without the value.
    pub prompt: String,
    /// How often it may correct a value that does not have the form.
    pub corrections: u32,
}

impl OutputSpec {
    /// The value that stands in what a model gave. Quoted numbers and truth values, which small models
    /// like to give, are taken out of their quotes.
    pub(crate) fn value_of(&self, given: &Value) -> Value {
        let mut given = unquoted(given, &self.schema);
        match given.as_object_mut().filter(|_| self.wrapped) {
            Some(object) => object.remove(WRAP).unwrap_or_default(),
            None => given,
        }
    }

    /// The same of what is not whole yet; none if nothing of the value is there.
    pub(crate) fn partial_value_of(&self, mut given: Value) -> Option<Value> {
        if self.wrapped { given.as_object_mut()?.remove(WRAP) } else { Some(given) }
    }

    /// True if both are the same form, whatever is said to the model about it.
    pub(crate) fn is_form_of(&self, other: &Self) -> bool {
        self.name == other.name && self.schema == other.schema && self.wrapped == other.wrapped
    }
}
