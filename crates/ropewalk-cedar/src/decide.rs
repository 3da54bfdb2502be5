//! What the policies say of a call.

use std::collections::BTreeSet;

use cedar_policy::{
    Authorizer, Context, Decision, Diagnostics, PolicyId, Request, Response, RestrictedExpression,
};

use crate::input::{datetime, record};
use crate::load::whole;
use crate::policy::CedarPolicy;
use crate::principal::{Principal, entity};
use crate::request::ToolRequest;

/// What the policies say of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is permitted.
    Permit {
        /// The policies that permit it, sorted.
        policies: Vec<String>,
    },
    /// It is permitted if a person agrees.
    Ask {
        /// What to ask: the `@ask` of the policies, a line each.
        question: String,
        /// The policies that permit it, sorted.
        policies: Vec<String>,
    },
    /// It is denied.
    Deny {
        /// Why, for the model.
        reason: String,
        /// More of it, for the record of decisions: what exactly went wrong.
        detail: Option<String>,
        /// The policies that forbid it or could not be evaluated, sorted. None: nothing permits it.
        policies: Vec<String>,
    },
}

impl CedarPolicy {
    /// What the policies say of a call. Never fails: what can't be decided is denied.
    pub fn decide(&self, call: &ToolRequest) -> Ruling {
        let request = match self.request(call) {
            Ok(request) => request,
            Err(detail) => {
                let reason =
                    format!("the call of `{}` does not fit what policies expect", call.tool);
                return Ruling::Deny { reason, detail: Some(detail), policies: Vec::new() };
            }
        };
        let policies = &self.loaded.policies;
        let response = Authorizer::new().is_authorized(&request, policies, &self.entities);
        self.rule(call, &response)
    }

    fn request(&self, call: &ToolRequest) -> Result<Request, String> {
        let principal = match &call.principal {
            Some(principal) => principal.entity()?,
            None => Principal::agent(&call.agent).entity()?,
        };
        let action = self.actions.of(&call.tool)?;
        let resource = entity("Tool", &call.tool)?;
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let mut pairs = vec![
            ("input".to_owned(), record(&call.input)?),
            ("agent".to_owned(), text(&call.agent)),
            ("tool".to_owned(), text(&call.tool)),
            ("run_id".to_owned(), text(&call.run_id)),
        ];
        if let Some(time) = call.time {
            pairs.push(("time".to_owned(), datetime(time)?));
        }
        let context = Context::from_pairs(pairs).map_err(|error| whole(&error))?;
        Request::new(principal, action, resource, context, self.schema.as_ref())
            .map_err(|error| whole(&error))
    }

    fn rule(&self, call: &ToolRequest, response: &Response) -> Ruling {
        let diagnostics = response.diagnostics();
        let policies = ids(diagnostics.reason());
        if response.decision() == Decision::Deny && !policies.is_empty() {
            let reason = format!("forbidden by {}", self.named(&policies));
            return Ruling::Deny { reason, detail: None, policies };
        }
        // Cedar leaves out what it can't evaluate. It could have been what forbids the call.
        if let Some(ruling) = undecided(diagnostics) {
            return ruling;
        }
        if response.decision() == Decision::Deny {
            let reason = format!("no policy permits `{}` with these arguments", call.tool);
            return Ruling::Deny { reason, detail: None, policies };
        }
        match self.question(&policies, call) {
            Some(question) => Ruling::Ask { question, policies },
            None => Ruling::Permit { policies },
        }
    }

    /// What to ask, if each of these policies wants it.
    fn question(&self, policies: &[String], call: &ToolRequest) -> Option<String> {
        let mut questions = BTreeSet::new();
        for id in policies {
            let question = self.annotation(id, "ask")?.trim();
            questions.insert(match question {
                "" => format!("May the agent use the tool `{}`?", call.tool),
                question => question.to_owned(),
            });
        }
        Some(questions.into_iter().collect::<Vec<_>>().join("\n"))
    }

    /// Policies by their ids, with their reasons.
    fn named(&self, policies: &[String]) -> String {
        let name = |id: &String| match self.annotation(id, "reason") {
            Some(reason) if !reason.trim().is_empty() => format!("`{id}`: {}", reason.trim()),
            _ => format!("`{id}`"),
        };
        policies.iter().map(name).collect::<Vec<_>>().join("; ")
    }

    fn annotation(&self, id: &str, key: &str) -> Option<&str> {
        self.loaded.policies.annotation(&PolicyId::new(id), key)
    }
}

fn ids<'a>(ids: impl Iterator<Item = &'a PolicyId>) -> Vec<String> {
    let ids: BTreeSet<String> = ids.map(|id| AsRef::<str>::as_ref(id).to_owned()).collect();
    ids.into_iter().collect()
}

/// The ruling if some policy could not be evaluated.
fn undecided(diagnostics: &Diagnostics) -> Option<Ruling> {
    let mut broken = BTreeSet::new();
    let mut details = BTreeSet::new();
    for error in diagnostics.errors() {
        let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
        broken.insert(AsRef::<str>::as_ref(error.policy_id()).to_owned());
        details.insert(whole(error));
    }
    if broken.is_empty() {
        return None;
    }
    let policies: Vec<String> = broken.into_iter().collect();
    let names: Vec<String> = policies.iter().map(|id| format!("`{id}`")).collect();
    Some(Ruling::Deny {
        reason: format!("these arguments can't be judged by {}", names.join(", ")),
        detail: Some(details.into_iter().collect::<Vec<_>>().join("; ")),
        policies,
    })
}
