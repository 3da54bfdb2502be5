//! What a person may say to a tool that asks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What a person may say. As JSON: `true`, `false` or `"always"`; the words `yes`, `y`, `no`, `n`
/// and `a` are read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Yes,
    No,
    /// Yes, and for this tool from now on.
    Always,
}

impl Decision {
    /// The decision in a word that somebody typed, if it is one.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word.trim().to_lowercase().as_str() {
            "y" | "yes" => Some(Self::Yes),
            "n" | "no" => Some(Self::No),
            "a" | "always" => Some(Self::Always),
            _ => None,
        }
    }

    pub(crate) fn to_json(self) -> Value {
        match self {
            Self::Yes => Value::Bool(true),
            Self::No => Value::Bool(false),
            Self::Always => Value::from("always"),
        }
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let decision = match &value {
            Value::Bool(true) => Some(Self::Yes),
            Value::Bool(false) => Some(Self::No),
            Value::String(word) => Self::from_word(word),
            _ => None,
        };
        decision.ok_or_else(|| {
            serde::de::Error::custom(format!("{value} is none of true, false and \"always\""))
        })
    }
}
