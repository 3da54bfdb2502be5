//! One call: what the rules, the remembered answers and the person say of it.

use ropewalk_core::{
    Approval, ApprovalScope, BoxError, Cancel, Decision, HookProvider, HookRegistry, HookResult,
    InterruptException, ToolCallGuardEvent, bind, callback,
};

use super::case::Case;
use super::covered::Covered;
use super::{Approvals, question};
use crate::grant::Grant;
use crate::rule::Action;

impl HookProvider for Approvals {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        let name = self.name.to_string();
        registry.add_callback(callback(bind(self.clone(), Self::guard)).named(name));
    }
}

impl Approvals {
    async fn guard(&self, event: &mut ToolCallGuardEvent) -> HookResult {
        if *event.cancelled() != Cancel::No {
            return Ok(());
        }
        // A hook may have put another tool in place of the one that was named.
        let mut call = event.tool_use().clone();
        call.name.clone_from(&event.tool().spec().name);
        let ruling = self.rules.rule_on(&call);
        let case = Case { handler: &self.name, rule: ruling.rule, call: &call };
        match ruling.rule.action() {
            Action::Allow => case.pass(event, "allow", None, "the rule allows it"),
            Action::Deny => {
                let (rule, tool) = (&ruling.rule.label, &call.name);
                let text = format!("the rule `{rule}` forbids this call of `{tool}`");
                case.refuse(event, None, "the rule forbids it", &text);
            }
            Action::Ask => self.ask(event, case, ruling.sure).await?,
        }
        Ok(())
    }

    async fn ask(&self, event: &mut ToolCallGuardEvent, case: Case<'_>, sure: bool) -> HookResult {
        let covered = Covered::by(case.rule, case.call);
        // What could not be judged is asked about each time, and nothing is concluded from it.
        let scopes: &[ApprovalScope] =
            if sure { &case.rule.rule.asking.scopes } else { &[ApprovalScope::Once] };
        let remembered = self.remembered(event.run_id(), &covered.key, scopes).await?;
        let preview = match &remembered {
            Some(_) => None,
            None => question::preview(&**event.tool(), case.call).await,
        };
        let name = question::name(&self.name, case.rule);
        let request = question::request(case.rule, case.call, scopes, &covered, preview);
        // An answer that was given for this very call goes before one that was given for such calls.
        match event.ask_approval(&name, request) {
            Ok(approval) => {
                let scope = scopes.iter().find(|scope| **scope == approval.scope);
                let scope = scope.copied().unwrap_or(ApprovalScope::Once);
                self.answered(event, case, covered, approval.with_scope(scope)).await
            }
            Err(error) => match remembered {
                Some(grant) if is_open_question(&error) => {
                    remembered_answer(event, case, &grant);
                    Ok(())
                }
                _ => Err(error),
            },
        }
    }

    /// What follows from an answer, whose scope is one that was offered.
    async fn answered(
        &self,
        event: &mut ToolCallGuardEvent,
        case: Case<'_>,
        covered: Covered,
        approval: Approval,
    ) -> HookResult {
        if approval.expired {
            expired(event, case, &approval);
            return Ok(());
        }
        let tool = &case.call.name;
        let by = approval.by.as_deref();
        // The run refuses such answers already; here nothing depends on that.
        let approvers = &case.rule.rule.asking.approvers;
        if !approvers.is_empty() && !approvers.iter().any(|name| Some(name.as_str()) == by) {
            let text = format!("whoever answered may not approve this call of `{tool}`");
            case.refuse(event, by, "the answer came from somebody who may not give it", &text);
            return Ok(());
        }
        if approval.scope != ApprovalScope::Once {
            self.remember(event.run_id(), case, covered, &approval).await?;
        }
        let length = match approval.scope {
            ApprovalScope::Once => "once",
            ApprovalScope::Session => "for this run",
            ApprovalScope::Always => "from now on",
        };
        let said = approval.comment.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        let reason = format!("answered, {length}{said}");
        if approval.is_approved() {
            case.pass(event, "approve", by, &reason);
        } else {
            let text = format!("a person refused this call of `{tool}`{said}");
            case.refuse(event, by, &reason, &text);
        }
        Ok(())
    }
}

fn expired(event: &mut ToolCallGuardEvent, case: Case<'_>, approval: &Approval) {
    if approval.is_approved() {
        let reason = "nobody answered in time, and the rule says yes then";
        case.pass(event, "approve", None, reason);
    } else {
        let tool = &case.call.name;
        let text =
            format!("the question whether `{tool}` may run expired: nobody answered in time");
        case.refuse(event, None, "nobody answered in time", &text);
    }
}

fn remembered_answer(event: &mut ToolCallGuardEvent, case: Case<'_>, grant: &Grant) {
    let by = grant.by.as_deref();
    let reason = format!("remembered from {}: {}", grant.given_at, grant.covers);
    match grant.decision {
        Decision::Approve => case.pass(event, "allow", by, &reason),
        Decision::Deny => {
            let text = format!("a person refused such calls earlier: {}", grant.covers);
            case.refuse(event, by, &reason, &text);
        }
    }
}

/// Whether this is the question itself, and not something that went wrong with it.
fn is_open_question(error: &BoxError) -> bool {
    error.downcast_ref::<InterruptException>().is_some()
}
