//! The agent's state in its run: what a turn changes stands with the turn, or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::view::StateValues;

/// The agent's state, and what it was before the turn under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TurnState {
    #[serde(skip_serializing_if = "no_values")]
    values: StateValues,
    /// What the keys held that the turn under way has changed.
    #[serde(skip_serializing_if = "Map::is_empty")]
    before: Map<String, Value>,
    /// The keys that were not there before the turn under way.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    added: BTreeSet<String>,
}

impl TurnState {
    pub(super) fn values(&self) -> &StateValues {
        &self.values
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.before.is_empty() && self.added.is_empty()
    }

    /// Changes values. What is to be kept stands whatever becomes of the turn under way.
    pub(super) fn change(&mut self, set: Map<String, Value>, deleted: Vec<String>, keep: bool) {
        let set = set.into_iter().map(|(key, value)| (key, Some(value)));
        for (key, value) in set.chain(deleted.into_iter().map(|key| (key, None))) {
            let values = Arc::make_mut(&mut self.values);
            let earlier = match value {
                Some(value) => values.insert(key.clone(), value),
                None => values.remove(&key),
            };
            if keep {
                self.before.remove(&key);
                self.added.remove(&key);
            } else if !self.before.contains_key(&key) && !self.added.contains(&key) {
                match earlier {
                    Some(earlier) => drop(self.before.insert(key, earlier)),
                    None => drop(self.added.insert(key)),
                }
            }
        }
    }

    /// Puts other values in the place of all.
    pub(super) fn replace(&mut self, values: Map<String, Value>) {
        *self = Self { values: Arc::new(values), ..Self::default() };
    }

    /// The turn stands: so does what it changed.
    pub(super) fn settle(&mut self) {
        self.before.clear();
        self.added.clear();
    }

    /// The turn is thrown away, and with it what it changed.
    pub(super) fn roll_back(&mut self) {
        if self.before.is_empty() && self.added.is_empty() {
            return;
        }
        let values = Arc::make_mut(&mut self.values);
        for key in std::mem::take(&mut self.added) {
            values.remove(&key);
        }
        values.extend(std::mem::take(&mut self.before));
    }
}

fn no_values(values: &StateValues) -> bool {
    values.is_empty()
}
