//! All rules together.

use std::collections::BTreeSet;

use ropewalk_core::{Error, ErrorKind, ToolUse};

use super::pattern::Fit;
use super::{Action, CheckedRule, Rule};

/// The rules in their order, and what holds where none fits.
#[derive(Clone, Debug)]
pub(crate) struct RuleSet {
    rules: Vec<CheckedRule>,
    otherwise: CheckedRule,
}

/// What the rules say of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ruling<'a> {
    pub(crate) rule: &'a CheckedRule,
    /// False if the rule only counts because it could not be judged.
    pub(crate) sure: bool,
}

impl Default for RuleSet {
    fn default() -> Self {
        Self { rules: Vec::new(), otherwise: CheckedRule::otherwise(Action::Ask) }
    }
}

impl RuleSet {
    /// # Errors
    /// Says which rule is wrong, and how.
    pub(crate) fn new(rules: impl IntoIterator<Item = Rule>) -> Result<Self, Error> {
        let mut names = BTreeSet::new();
        let mut checked = Vec::new();
        for (at, rule) in rules.into_iter().enumerate() {
            let label = rule.label();
            let wrong = |why: String| {
                let text = format!("approval rule {} (`{label}`): {why}", at + 1);
                Error::new(ErrorKind::InvalidInput, text)
            };
            if let Some(name) = &rule.name
                && !names.insert(name.clone())
            {
                return Err(wrong("another rule has this name: a log could not tell them".into()));
            }
            checked.push(CheckedRule::new(rule).map_err(wrong)?);
        }
        Ok(Self { rules: checked, ..Self::default() })
    }

    pub(crate) fn set_otherwise(&mut self, action: Action) {
        self.otherwise = CheckedRule::otherwise(action);
    }

    /// The first rule that surely fits; but where a rule before it could not be judged and is as
    /// strict, or stricter, that one.
    pub(crate) fn rule_on(&self, call: &ToolUse) -> Ruling<'_> {
        let mut unsure: Option<&CheckedRule> = None;
        let mut sure = &self.otherwise;
        for rule in &self.rules {
            match rule.fits(call) {
                Fit::No => {}
                Fit::Unsure if unsure.is_none_or(|other| rule.action() > other.action()) => {
                    unsure = Some(rule);
                }
                Fit::Unsure => {}
                Fit::Yes => {
                    sure = rule;
                    break;
                }
            }
        }
        match unsure {
            Some(rule) if rule.action() > Action::Allow && rule.action() >= sure.action() => {
                Ruling { rule, sure: false }
            }
            _ => Ruling { rule: sure, sure: true },
        }
    }
}
