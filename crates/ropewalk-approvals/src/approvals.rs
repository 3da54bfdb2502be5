//! The provider: it stands before every tool call, and lets through what may pass.

mod case;
mod covered;
mod guard;
mod memory;
mod question;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ropewalk_core::{Error, ErrorKind, ToolUse};

use crate::files::io_error;
use crate::grant::{GrantStore, MemoryGrants};
use crate::rule::{Action, Rule, RuleSet, RulesFile};

/// Who may do what, and who is asked: rules that stand before every tool call of an agent.
///
/// The rules are tried in their order, and the first that fits holds; where none does, somebody is
/// asked. Whatever goes wrong on the way, the call is not made. The rules see the tool that will run
/// and the arguments that it will get, after all other hooks.
///
/// An answer may hold for longer than one call, where its rule offers that: for the run
/// ([`ApprovalScope::Session`](ropewalk_core::ApprovalScope)), or from now on
/// ([`ApprovalScope::Always`](ropewalk_core::ApprovalScope)). Both are kept in a [`GrantStore`], and hold
/// in every process that uses it. A no can hold as long as a yes.
///
/// Every decision is recorded; a [`DecisionLog`](crate::DecisionLog) keeps them.
#[derive(Clone)]
pub struct Approvals {
    name: Arc<str>,
    rules: Arc<RuleSet>,
    grants: Arc<dyn GrantStore>,
}

/// What the rules say of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// What becomes of it.
    pub action: Action,
    /// The rule that says so, by its name; `otherwise` if none fits.
    pub rule: String,
}

impl Approvals {
    /// These rules, in this order.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] says which rule is wrong, and how: a glob that is none, a name
    /// that stands twice, a setting that would have no effect.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Result<Self, Error> {
        Ok(Self { rules: Arc::new(RuleSet::new(rules)?), ..Self::default() })
    }

    /// The rules of a JSON text:
    ///
    /// ```
    /// use ropewalk_approvals::{Action, Approvals};
    /// use ropewalk_core::ToolUse;
    /// use serde_json::json;
    ///
    /// let approvals = Approvals::from_json(r#"{
    ///     "rules": [
    ///         {"allow": "read_*"},
    ///         {"allow": "write_file", "args": {"path": "tmp/**"}},
    ///         {"ask": "delete_*", "name": "deletions", "risk": "high",
    ///          "title": "Delete for good?", "approvers": ["ops@example.org"],
    ///          "expires_in_seconds": 3600, "warn_before_seconds": 600, "on_expiry": "deny",
    ///          "scopes": ["once", "session", "always"], "remember": {"arguments": ["bucket"]}}
    ///     ],
    ///     "otherwise": "deny"
    /// }"#)?;
    /// let call = ToolUse::new("t1", "shell", json!({"command": "ls"}));
    /// assert_eq!(approvals.judge(&call).action, Action::Deny);
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// `remember` is `"call"`, `"tool"` or `{"arguments": [names]}`; `otherwise` is `"ask"` unless
    /// it stands there.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it is no such JSON, holds a key that is unknown, or as for
    /// [`new`](Self::new).
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let invalid = |text: String| Error::new(ErrorKind::InvalidInput, text);
        let file: RulesFile = serde_json::from_str(text)
            .map_err(|error| invalid(format!("the approval rules can't be read: {error}")))?;
        let mut rules = Vec::with_capacity(file.rules.len());
        for (at, rule) in file.rules.into_iter().enumerate() {
            let rule = rule.into_rule();
            rules.push(rule.map_err(|why| invalid(format!("approval rule {}: {why}", at + 1)))?);
        }
        let approvals = Self::new(rules)?;
        Ok(match file.otherwise {
            Some(action) => approvals.otherwise(action),
            None => approvals,
        })
    }

    /// The rules of a file; see [`from_json`](Self::from_json).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the file can't be read, and as for
    /// [`from_json`](Self::from_json).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let error = io_error("can't read the approval rules", path, error);
            Error::new(ErrorKind::InvalidInput, error.to_string()).with_source(error)
        })?;
        Self::from_json(&text).map_err(|error| error.context(path.display()))
    }

    /// Sets what becomes of a call that no rule fits; [`Action::Ask`] unless set.
    #[must_use]
    pub fn otherwise(mut self, action: Action) -> Self {
        Arc::make_mut(&mut self.rules).set_otherwise(action);
        self
    }

    /// Names it, for its questions and its decisions; `approvals` unless set. Where an agent has
    /// several, each needs a name of its own.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets where answers are kept that hold for longer than one call; in the memory of the process unless
    /// set.
    #[must_use]
    pub fn grants(mut self, store: impl GrantStore) -> Self {
        self.grants = Arc::new(store);
        self
    }

    /// What the rules say of a call, remembered answers left aside. Nobody is asked, and nothing is
    /// recorded: for tests, and for those who show their rules.
    pub fn judge(&self, call: &ToolUse) -> Judgement {
        let ruling = self.rules.rule_on(call);
        Judgement { action: ruling.rule.action(), rule: ruling.rule.label.clone() }
    }

    /// Forgets the answers that were given for a run.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn forget_session(&self, run_id: &str) -> Result<(), Error> {
        for grant in self.grants.list().await? {
            if grant.run_id.as_deref() == Some(run_id) {
                self.grants.revoke(&grant.key).await?;
            }
        }
        Ok(())
    }
}

/// No rules: every call is asked about.
impl Default for Approvals {
    fn default() -> Self {
        Self {
            name: "approvals".into(),
            rules: Arc::default(),
            grants: Arc::new(MemoryGrants::new()),
        }
    }
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approvals")
            .field("name", &self.name)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
