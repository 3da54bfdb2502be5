//! The invocations that were given a token, and what they came to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::outcome::Outcome;
use super::output::OutputState;
use crate::limits::Money;
use crate::message::Usage;

/// The invocations of a run that were given a token, by their tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tokens(BTreeMap<String, Arc<Tokened>>);

/// An invocation that was given a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tokened {
    /// The hash of what was asked under it.
    pub(crate) prompt: String,
    pub(crate) fate: Fate,
}

/// What became of an invocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// It is under way.
    UnderWay {
        /// What its earlier passes took.
        #[serde(default)]
        earlier: Spent,
    },
    /// It came to this.
    Ended {
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        state: Map<String, Value>,
        /// The value that it was to give, if it was to give one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Box<OutputState>>,
        spent: Spent,
    },
    /// It was given up, because something else was asked.
    GivenUp,
}

/// What an invocation took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) usage: Usage,
    pub(crate) cycles: u32,
    #[serde(default)]
    pub(crate) cost: Money,
}

impl Tokens {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, token: &str) -> Option<&Tokened> {
        self.0.get(token).map(|tokened| &**tokened)
    }

    /// The invocation under way has this token. One that has ended goes on when a hook wants another
    /// pass.
    pub(super) fn give(&mut self, token: String, prompt: String) {
        let earlier = match self.get(&token).map(|tokened| &tokened.fate) {
            Some(Fate::UnderWay { earlier }) => *earlier,
            Some(Fate::Ended { spent, .. }) => *spent,
            Some(Fate::GivenUp) | None => Spent::default(),
        };
        let tokened = Tokened { prompt, fate: Fate::UnderWay { earlier } };
        self.0.insert(token, Arc::new(tokened));
    }

    /// The invocation under way has come to this.
    pub(super) fn end(
        &mut self,
        outcome: &Outcome,
        state: &Map<String, Value>,
        output: Option<&OutputState>,
        spent: Spent,
    ) {
        self.settle(|earlier| {
            let mut all = spent;
            all.usage += earlier.usage;
            all.cycles = all.cycles.saturating_add(earlier.cycles);
            all.cost = all.cost.saturating_add(earlier.cost);
            Fate::Ended {
                outcome: outcome.clone(),
                state: state.clone(),
                output: output.cloned().map(Box::new),
                spent: all,
            }
        });
    }

    /// The invocation under way was given up.
    pub(super) fn give_up(&mut self) {
        self.settle(|_| Fate::GivenUp);
    }

    /// The invocation under way was taken back, as if it had never been asked.
    pub(super) fn forget(&mut self) {
        self.0.retain(|_, tokened| !matches!(tokened.fate, Fate::UnderWay { .. }));
    }

    fn settle(&mut self, fate: impl Fn(Spent) -> Fate) {
        for tokened in self.0.values_mut() {
            if let Fate::UnderWay { earlier } = tokened.fate {
                Arc::make_mut(tokened).fate = fate(earlier);
            }
        }
    }
}
