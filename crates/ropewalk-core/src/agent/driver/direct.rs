//! A tool call that no model asked for.

use serde_json::Value;
use uuid::Uuid;

use super::Driver;
use crate::error::{Error, ErrorKind};
use crate::message::{ContentBlock, Message, Metrics, Role, ToolResult, ToolUse, Usage};
use crate::model::{ModelTurn, StopReason};
use crate::run::{DIRECT_CALL, Record, Step, ToolCall};

impl Driver<'_> {
    /// Calls a tool as a turn of its own, which the run knows to be none of the model's.
    pub(in crate::agent) async fn call_directly(
        &self,
        name: &str,
        input: Value,
    ) -> Result<ToolResult, Error> {
        self.refresh().await?;
        self.keep_state().await?;
        let _reset = self.reset_state_on_drop();
        self.settle_expired().await?;
        let name = self.known_name(name)?;
        if !matches!(self.run().next(), Step::Idle) {
            let text = format!(
                "`{name}` can't be called while something else is unfinished: go on with `invoke(())`, answer what is asked, or `abandon` it"
            );
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let id = format!("tooluse_{name}_{}", Uuid::new_v4().simple());
        let asked = format!("agent.tool.{name} direct tool call.\nInput parameters: {input}\n");
        let start = self.run().transcript().len();
        let (messages, state) = (vec![Message::user(asked)], self.state.to_map());
        let tool_use = ContentBlock::ToolUse(ToolUse::new(&id, &name, input));
        let turn = ModelTurn {
            message: Message::new(Role::Assistant, vec![tool_use]),
            stop_reason: StopReason::Other(DIRECT_CALL.to_owned()),
            usage: Usage::default(),
            metrics: Metrics::default(),
            malformed: Vec::new(),
            redact_user: None,
        };
        // In one: what was cut off in between would be a prompt for the model.
        self.commit_all(vec![
            Record::InvocationStarted { messages, state },
            Record::ModelAnswered { turn, discarded: Usage::default() },
        ])
        .await?;
        self.announce_from(start).await?;
        self.finish_directly(&id).await
    }

    async fn finish_directly(&self, id: &str) -> Result<ToolResult, Error> {
        let cancelled = || Error::new(ErrorKind::Cancelled, "the tool call was cancelled");
        loop {
            if self.cancel.is_cancelled() {
                self.cancelled(None).await?;
                self.commit(Record::InvocationEnded).await?;
                return Err(cancelled());
            }
            match self.calls_to_make()? {
                Some(calls) => self.run_tools(calls).await?,
                None => break,
            }
        }
        self.commit(Record::InvocationEnded).await?;
        let run = self.run();
        let mut results = run.transcript().iter().rev().flat_map(|message| message.results());
        results.find(|result| result.tool_use_id == id).cloned().ok_or_else(cancelled)
    }

    /// The calls under way; none once they are over.
    fn calls_to_make(&self) -> Result<Option<Vec<ToolCall>>, Error> {
        match self.run().next() {
            Step::Tools(calls) => Ok(Some(calls.into_iter().cloned().collect())),
            Step::Wait(open) => {
                let names: Vec<&str> = open.iter().map(|asked| asked.name.as_str()).collect();
                let text = format!(
                    "the call waits for answers ({}): `resume` with them finishes it",
                    names.join(", ")
                );
                Err(Error::new(ErrorKind::Interrupt, text))
            }
            _ => Ok(None),
        }
    }

    /// The tool of this name; `_` also stands for `-`, as in Strands.
    fn known_name(&self, name: &str) -> Result<String, Error> {
        let tools = &self.blueprint.tools;
        if tools.get(name).is_some() {
            return Ok(name.to_owned());
        }
        let alike = tools.names().find(|other| other.replace('-', "_") == name);
        alike.map(str::to_owned).ok_or_else(|| {
            let known = tools.names().collect::<Vec<_>>().join(", ");
            let text = format!("Tool '{name}' not found; there are: {known}");
            Error::new(ErrorKind::InvalidInput, text)
        })
    }
}
