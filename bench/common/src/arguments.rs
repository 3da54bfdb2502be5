//! The command line.

use std::collections::HashMap;
use std::env;

/// A workload, and its numbers.
#[derive(Clone, Debug)]
pub struct Arguments {
    workload: String,
    values: HashMap<String, String>,
}

impl Arguments {
    /// Those that the program was started with: `WORKLOAD [NAME=VALUE…]`.
    pub fn from_env() -> Self {
        let mut arguments = env::args().skip(1);
        let workload = arguments.next().unwrap_or_default();
        let pairs = arguments.filter_map(|argument| {
            argument.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        });
        Self { workload, values: pairs.collect() }
    }

    /// The workload's name.
    pub fn workload(&self) -> &str {
        &self.workload
    }

    /// A number, or what it is unless it is given.
    pub fn number(&self, name: &str, default: usize) -> usize {
        self.text(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// A text, if it is given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}
