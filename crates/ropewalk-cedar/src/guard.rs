//! The policies as an intervention of an agent.

use ropewalk_core::{Intervention, OnError, ToolCallGuardEvent, Verdict, VerdictResult};

use crate::decide::Ruling;
use crate::policy::CedarPolicy;
use crate::principal::Principal;
use crate::request::ToolRequest;

/// Where the invocation state says for whom it is.
const PRINCIPAL: &str = "principal";

/// Asks the policies about each call with its final arguments. What they can't judge is denied.
impl Intervention for CedarPolicy {
    fn name(&self) -> &str {
        &self.name
    }

    fn on_error(&self) -> OnError {
        OnError::Deny
    }

    async fn guard_tool_call(
        &self,
        event: &ToolCallGuardEvent,
    ) -> VerdictResult<ToolCallGuardEvent> {
        let call = ToolRequest {
            principal: self.principal(event)?,
            agent: event.agent().name().to_owned(),
            run_id: event.run_id().to_owned(),
            tool: event.tool().spec().name.clone(),
            input: event.tool_use().input.clone(),
            time: self.clock.map(|now| now()),
        };
        Ok(match self.decide(&call) {
            Ruling::Permit { policies } => by(Verdict::proceed(), &policies),
            Ruling::Ask { question, policies } => by(Verdict::confirm(question), &policies),
            Ruling::Deny { reason, detail, policies } => {
                let recorded = detail.map(|detail| format!("{reason}: {detail}"));
                let verdict = by(Verdict::deny(reason), &policies);
                match recorded {
                    Some(recorded) => verdict.with_reason(recorded),
                    None => verdict,
                }
            }
        })
    }
}

impl CedarPolicy {
    fn principal(&self, event: &ToolCallGuardEvent) -> Result<Option<Principal>, String> {
        match &self.principal {
            Some(find) => Ok(find(event)),
            None => match event.invocation_state().value(PRINCIPAL) {
                Some(value) => Principal::from_state(&value).map(Some),
                None => Ok(None),
            },
        }
    }
}

/// The verdict with the policies that led to it.
fn by(verdict: Verdict<ToolCallGuardEvent>, policies: &[String]) -> Verdict<ToolCallGuardEvent> {
    if policies.is_empty() { verdict } else { verdict.with_rule(policies.join(", ")) }
}
