//! What questions and their answers do to a run.

use std::collections::BTreeMap;

use crate::interrupt::{Interrupt, Terms};
use crate::message::InterruptResponse;
use crate::run::batch::CallState;
use crate::run::site::{Question, Site};
use crate::run::{Phase, Run};

impl Run {
    pub(super) fn interrupted(
        &mut self,
        site: &Site,
        interrupts: Vec<Interrupt>,
        mut terms: BTreeMap<String, Terms>,
    ) {
        if let Site::Call { tool_use_id } = site {
            // Whatever was claimed ended with a question: it starts again when that is answered.
            self.set_call(tool_use_id, |_| CallState::Pending);
            self.forget_output(tool_use_id);
        }
        for interrupt in interrupts {
            // A question that is put again stands in the place of its unfitting answer.
            self.questions
                .retain(|question| question.interrupt.id != interrupt.id || question.site != *site);
            let terms = terms.remove(&interrupt.id);
            self.questions.push(Question::new(site.clone(), interrupt, terms));
        }
        self.sort_questions();
    }

    /// Those about a call last, in the order of the model's request: calls run together, and whose
    /// record came first must make no difference. What one place asks stays in its order.
    fn sort_questions(&mut self) {
        let Phase::Tools(batch) = &self.phase else { return };
        self.questions.sort_by_key(|question| {
            let id = question.site.tool_use_id()?;
            batch.calls.iter().position(|call| call.tool_use.tool_use_id == *id)
        });
    }

    pub(super) fn answered(&mut self, responses: Vec<InterruptResponse>, by: Option<&str>) {
        for InterruptResponse { interrupt_id, response } in responses {
            for question in &mut self.questions {
                if question.is_open() && question.interrupt.id == interrupt_id {
                    question.interrupt.response = response.clone();
                    question.by = by.map(str::to_owned);
                }
            }
        }
    }

    pub(super) fn expired(&mut self, interrupt_ids: &[String]) {
        for question in &mut self.questions {
            if question.is_open() && interrupt_ids.contains(&question.interrupt.id) {
                let decision = question.terms.as_ref().map(|terms| terms.on_expiry);
                let decision = decision.unwrap_or_default();
                question.interrupt.response = serde_json::json!({"decision": decision});
                question.expired = true;
            }
        }
    }
}
