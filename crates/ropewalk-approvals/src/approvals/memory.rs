//! Answers that were given before.

use ropewalk_core::{Approval, ApprovalScope, Decision, Error};
use serde_json::json;

use super::Approvals;
use super::case::Case;
use super::covered::Covered;
use crate::canonical::{canonical, sha256};
use crate::grant::Grant;

impl Approvals {
    /// The answer to such calls, if one was given on a scope that the rule still offers. A no goes
    /// before a yes.
    pub(super) async fn remembered(
        &self,
        run_id: &str,
        key: &str,
        scopes: &[ApprovalScope],
    ) -> Result<Option<Grant>, Error> {
        let mut found = None;
        if scopes.contains(&ApprovalScope::Session) {
            found = self.kept(&run_key(run_id, key), Some(run_id)).await?;
        }
        let denied = found.as_ref().is_some_and(|grant| grant.decision == Decision::Deny);
        if !denied && scopes.contains(&ApprovalScope::Always) {
            found = self.kept(key, None).await?.or(found);
        }
        Ok(found)
    }

    /// Whatever a store gives: only what has this key, and holds for this run, covers this call.
    async fn kept(&self, key: &str, run_id: Option<&str>) -> Result<Option<Grant>, Error> {
        let fits = |grant: &Grant| grant.key == key && grant.run_id.as_deref() == run_id;
        Ok(self.grants.find(key).await?.filter(fits))
    }

    /// Keeps an answer for as long as it says.
    pub(super) async fn remember(
        &self,
        run_id: &str,
        case: Case<'_>,
        Covered { key, text }: Covered,
        approval: &Approval,
    ) -> Result<(), Error> {
        let (rule, tool) = (&case.rule.label, &case.call.name);
        let (decision, by) = (approval.decision, approval.by.clone());
        let grant = if approval.scope == ApprovalScope::Always {
            Grant::new(key, rule, tool, text, decision, by)?
        } else {
            Grant::new(run_key(run_id, &key), rule, tool, text, decision, by)?.for_run(run_id)
        };
        self.grants.add(grant).await
    }
}

/// The key of an answer that holds for one run.
fn run_key(run_id: &str, key: &str) -> String {
    sha256(canonical(&json!({"run": run_id, "key": key})).as_bytes())
}
