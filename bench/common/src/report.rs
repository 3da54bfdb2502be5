//! The line that says what was measured.

use std::fmt;

use serde_json::{Map, Value};

use crate::process::peak_kb;

/// What was measured, by name.
#[derive(Clone, Debug, Default)]
pub struct Report(Map<String, Value>);

impl Report {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a figure.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut figures = self.0.clone();
        figures.insert("peak_kb".to_owned(), peak_kb().into());
        write!(f, "RESULT {}", Value::Object(figures))
    }
}
