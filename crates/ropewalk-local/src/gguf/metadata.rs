//! The key-value block of a GGUF file, with getters that say what is missing.

use std::collections::HashMap;

/// A metadata value; arrays are kept compact.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    String(String),
    Strings(Vec<String>),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    /// Arrays of arrays: read over, never needed.
    Nested,
}

/// All key-value pairs of a file.
#[derive(Debug, Default)]
pub(crate) struct Metadata(pub(crate) HashMap<String, Value>);

impl Metadata {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(crate) fn string(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn integer(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Unsigned(n) => Some(*n),
            Value::Signed(n) => u64::try_from(*n).ok(),
            // One number per layer: only usable here when all are the same.
            Value::Integers(all) => {
                let first = *all.first()?;
                let same = all.iter().all(|n| *n == first);
                same.then(|| u64::try_from(first).ok()).flatten()
            }
            _ => None,
        }
    }

    pub(crate) fn float(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Float(n) => Some(*n),
            Value::Unsigned(n) => Some(*n as f64),
            Value::Signed(n) => Some(*n as f64),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(b) => Some(*b),
            Value::Unsigned(n) => Some(*n != 0),
            _ => None,
        }
    }

    pub(crate) fn strings(&self, key: &str) -> Option<&[String]> {
        match self.get(key)? {
            Value::Strings(all) => Some(all),
            _ => None,
        }
    }

    pub(crate) fn integers(&self, key: &str) -> Option<&[i64]> {
        match self.get(key)? {
            Value::Integers(all) => Some(all),
            _ => None,
        }
    }

    pub(crate) fn floats(&self, key: &str) -> Option<&[f32]> {
        match self.get(key)? {
            Value::Floats(all) => Some(all),
            _ => None,
        }
    }
}
