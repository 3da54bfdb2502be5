//! The last word on a call: the guards, and denials that stand whatever they say.

use std::sync::Arc;

use serde::Deserialize as _;

use crate::agent::driver::Driver;
use crate::error::Error;
use crate::hook::ToolCallGuardEvent;
use crate::interrupt::{Approval, input_hash};
use crate::message::ToolUse;
use crate::tool::Tool;

impl Driver<'_> {
    /// Fires the guards. None: one of them asked; a text: one of them refused.
    pub(super) async fn guard(
        &self,
        tool: &Arc<dyn Tool>,
        tool_use: &Arc<ToolUse>,
    ) -> Result<Option<Option<String>>, Error> {
        let id = &tool_use.tool_use_id;
        let hash = input_hash(&tool_use.input);
        let name = &tool.spec().name;
        let place = self.run().guard_place(id, name, &hash);
        let site = self.asking_site(id);
        let denied = self.denied_at(id, &place);
        if !self.hooks.listens_to::<ToolCallGuardEvent>() {
            return Ok(Some(denied.first().map(Denied::text)));
        }
        // A hook may have put another tool in place of the one that was named.
        let shown = match tool_use.name == *name {
            true => Arc::clone(tool_use),
            false => Arc::new(ToolUse { name: name.clone(), ..ToolUse::clone(tool_use) }),
        };
        let make = |frame| ToolCallGuardEvent::new(frame, Arc::clone(tool), shown, hash);
        let (event, asked, looked_up) = self.dispatch_noting(&site, place, make).await?;
        // A refusal stands, whatever others want to ask.
        if let Some(text) = event.into_cancel().text("tool cancelled by user") {
            return Ok(Some(Some(text)));
        }
        // A denial is enforced, also if whoever asked is not there any more, did not look, or let the call
        // through all the same.
        let enforced = |denied: &&Denied| denied.approval || !looked_up.contains(&denied.id);
        if let Some(denied) = denied.iter().find(enforced) {
            return Ok(Some(Some(denied.text())));
        }
        match asked {
            None => Ok(Some(None)),
            Some(asked) => self.ask(site, asked).await.map(|()| None),
        }
    }

    /// The questions of a place that were answered with a denial.
    fn denied_at(&self, tool_use_id: &str, place: &str) -> Vec<Denied> {
        let run = self.run();
        let there = run.questions().iter().filter(|question| {
            question.site.tool_use_id() == Some(tool_use_id)
                && question.interrupt.id.starts_with(place)
                && Approval::deserialize(&question.interrupt.response)
                    .is_ok_and(|approval| !approval.is_approved())
        });
        let denied = there.map(|question| Denied {
            id: question.interrupt.id.clone(),
            approval: question.terms.is_some(),
        });
        denied.collect()
    }
}

/// A question about a call that was answered with a denial.
struct Denied {
    id: String,
    /// It was asked whether the call may be made, and nothing else.
    approval: bool,
}

impl Denied {
    /// What the model is told where no guard refuses the call.
    fn text(&self) -> String {
        tracing::warn!(id = self.id, "a call was denied, and no guard says so: it stays denied");
        "This call was denied.".to_owned()
    }
}
