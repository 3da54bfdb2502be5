//! Answers that were given before.

use std::sync::PoisonError;

use ropewalk_core::{Approval, ApprovalScope, Decision, Error};

use super::Approvals;
use super::case::Case;
use super::covered::Covered;
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
            let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            found = session.get(&(run_id.to_owned(), key.to_owned())).cloned();
        }
        let denied = found.as_ref().is_some_and(|grant| grant.decision == Decision::Deny);
        if !denied && scopes.contains(&ApprovalScope::Always) {
            // Whatever a store gives: only what has this key covers this call.
            let always = self.grants.find(key).await?.filter(|grant| grant.key == key);
            found = always.or(found);
        }
        Ok(found)
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
        let by = approval.by.clone();
        let grant = Grant::new(key.as_str(), rule, tool, text, approval.decision, by)?;
        if approval.scope == ApprovalScope::Always {
            return self.grants.add(grant).await;
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.insert((run_id.to_owned(), key), grant);
        Ok(())
    }
}
