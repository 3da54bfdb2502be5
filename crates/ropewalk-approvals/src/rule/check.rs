//! A rule whose words were checked and read.

use globset::GlobMatcher;
use ropewalk_core::ToolUse;
use serde_json::json;

use super::argument::Argument;
use super::pattern::{Fit, name_glob};
use super::{Action, Remember, Rule, pointer};
use crate::canonical::{canonical, sha256};

/// A rule whose words were checked and read.
#[derive(Clone, Debug)]
pub(crate) struct CheckedRule {
    pub(crate) rule: Rule,
    /// Its name, or what it says.
    pub(crate) label: String,
    /// Says which rule this is: another one has another, and so has the same one once it was changed.
    pub(crate) fingerprint: String,
    /// None: every tool.
    tool: Option<GlobMatcher>,
    arguments: Vec<Argument>,
}

impl CheckedRule {
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn new(rule: Rule) -> Result<Self, String> {
        let tool = name_glob(&rule.tool)?;
        let arguments = rule
            .arguments
            .iter()
            .map(|(path, glob)| Argument::new(path, glob))
            .collect::<Result<_, _>>()?;
        check_asking(&rule)?;
        Ok(Self {
            label: rule.label(),
            fingerprint: fingerprint(&rule),
            tool: Some(tool),
            arguments,
            rule,
        })
    }

    /// The rule for what no other rule fits.
    pub(crate) fn otherwise(action: Action) -> Self {
        let rule = Rule::new("*".to_owned(), action).named("otherwise");
        Self {
            label: rule.label(),
            fingerprint: fingerprint(&rule),
            tool: None,
            arguments: Vec::new(),
            rule,
        }
    }

    pub(crate) fn action(&self) -> Action {
        self.rule.action
    }

    /// Whether it fits a call.
    pub(crate) fn fits(&self, call: &ToolUse) -> Fit {
        if self.tool.as_ref().is_some_and(|tool| !tool.is_match(&call.name)) {
            return Fit::No;
        }
        let fit = self
            .arguments
            .iter()
            .map(|argument| argument.fits(&call.input))
            .fold(Fit::Yes, Fit::and);
        if fit == Fit::No || !self.rule.predicates.iter().all(|test| test(call)) {
            return Fit::No;
        }
        fit
    }
}

fn fingerprint(rule: &Rule) -> String {
    let what = json!({
        "tool": rule.tool,
        "action": rule.action,
        "arguments": rule.arguments,
        "predicates": rule.predicates.len(),
        "name": rule.name,
        "approvers": rule.asking.approvers,
        "remember": rule.asking.remember,
    });
    sha256(canonical(&what).as_bytes())
}

fn check_asking(rule: &Rule) -> Result<(), String> {
    let asking = &rule.asking;
    if rule.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err("its name is empty".to_owned());
    }
    if rule.action != Action::Ask
        && let Some(setting) = rule.only_for_questions.first()
    {
        return Err(format!("it asks nobody, so `{setting}` has no effect: use an `ask` rule"));
    }
    if asking.scopes.is_empty() {
        return Err("`scopes` is empty: an answer must hold at least once".to_owned());
    }
    let named = rule.only_for_questions.contains(&"approvers");
    if named && (asking.approvers.is_empty() || asking.approvers.iter().any(String::is_empty)) {
        return Err("`approvers` names nobody: nobody could answer".to_owned());
    }
    if asking.expires_in.is_some_and(|time| time.is_zero()) {
        return Err("`expires_in` is zero: nobody could answer in time".to_owned());
    }
    if let Remember::Arguments(names) = &asking.remember {
        if names.is_empty() {
            return Err("`remember` names no argument: use `Remember::Tool`".to_owned());
        }
        for name in names {
            pointer(name)?;
        }
    }
    Ok(())
}
