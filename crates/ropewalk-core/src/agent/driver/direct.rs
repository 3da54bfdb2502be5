//! A tool call that no model asked for.

use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};
use std::sync::Arc;
use uuid::Uuid;

use super::Driver;
use crate::error::{Error, ErrorKind};
use crate::message::{ContentBlock, Message, Metrics, Role, ToolResult, ToolUse, Usage};
use crate::model::{ModelTurn, StopReason};
use crate::run::{DIRECT_CALL, Record, Step, ToolCall, UNRECORDED_CALL};
use crate::tool::Tool;

/// A tool call by hand, as it was asked for.
pub(in crate::agent) struct DirectCall {
    /// The tool's name as the caller wrote it.
    pub(in crate::agent) name: String,
    pub(in crate::agent) input: Value,
    /// What the history says before it says that the tool was called.
    pub(in crate::agent) user_message: Option<String>,
    /// Whether the history says anything.
    pub(in crate::agent) record: bool,
}

impl Driver<'_> {
    /// Calls a tool as a turn of its own, which the run knows to be none of the model's. Of the agent's
    /// limits that of time holds for it: it is one call, and no model is asked.
    pub(in crate::agent) async fn call_directly(
        &self,
        call: DirectCall,
    ) -> Result<ToolResult, Error> {
        // On the heap: it is large, and stands within what watches it.
        self.watched(Box::pin(self.make_call(call)), self.time_left(false)).await
    }

    async fn make_call(&self, call: DirectCall) -> Result<ToolResult, Error> {
        self.refresh().await?;
        self.keep_state().await?;
        let _reset = self.reset_state_on_drop();
        self.settle_expired().await?;
        let DirectCall { name: called, input, user_message, record } = call;
        let tool = self.tool_called(&called)?;
        let name = &tool.spec().name;
        if !matches!(self.run().next(), Step::Idle) {
            let text = format!(
                "`{name}` can't be called while something else is unfinished: go on with `invoke(())`, answer what is asked, or `abandon` it"
            );
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let input = known_arguments(&tool.spec().input_schema, input);
        let id = format!("tooluse_{called}_{}", Uuid::new_v4().simple());
        let start = self.run().transcript().len();
        let messages = match record {
            true => vec![announcement(name, &input, user_message)],
            false => Vec::new(),
        };
        let tool_use = ContentBlock::from(ToolUse::new(&id, name, input));
        let reason = if record { DIRECT_CALL } else { UNRECORDED_CALL };
        let turn = ModelTurn {
            message: Message::new(Role::Assistant, vec![tool_use]),
            stop_reason: StopReason::Other(reason.to_owned()),
            usage: Usage::default(),
            metrics: Metrics::default(),
            malformed: Vec::new(),
            redact_user: None,
        };
        // In one: what was cut off in between would be a prompt for the model.
        self.commit_all(vec![
            Record::InvocationStarted { messages, state: self.state.to_map() },
            Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
        ])
        .await?;
        if record {
            self.announce_from(start).await?;
        }
        self.finish_directly(&id).await
    }

    async fn finish_directly(&self, id: &str) -> Result<ToolResult, Error> {
        let cancelled = || self.stopped_beside("the tool call came to its end");
        loop {
            if self.cancel.is_cancelled() {
                self.stopped(None).await?;
                self.commit(Record::InvocationEnded).await?;
                return Err(cancelled());
            }
            match self.calls_to_make()? {
                Some(calls) => self.run_tools(calls).await?,
                None => break,
            }
        }
        let result = self.result_of(id);
        self.manage().await?;
        self.commit(Record::InvocationEnded).await?;
        result.ok_or_else(cancelled)
    }

    /// The result of a call that has ended: it stands in the history, or else in the run's outcome.
    fn result_of(&self, id: &str) -> Option<ToolResult> {
        let run = self.run();
        let outcome = match run.next() {
            Step::Finish(outcome) => Some(&outcome.message),
            _ => None,
        };
        let mut results =
            outcome.into_iter().chain(run.transcript().iter().rev()).flat_map(|it| it.results());
        results.find(|result| result.tool_use_id == id).cloned()
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
    fn tool_called(&self, name: &str) -> Result<Arc<dyn Tool>, Error> {
        let tools = &self.tools().registry;
        let alike = || tools.iter().find(|tool| tool.spec().name.replace('-', "_") == name);
        tools.get(name).or_else(alike).cloned().ok_or_else(|| {
            let known = tools.names().collect::<Vec<_>>().join(", ");
            let text = format!("Tool '{name}' not found; there are: {known}");
            Error::new(ErrorKind::InvalidInput, text)
        })
    }
}

/// The message that says that a tool was called by hand, in the words of Strands.
fn announcement(name: &str, input: &Value, user_message: Option<String>) -> Message {
    let parameters = spaced(input);
    let said = user_message.map(|text| ContentBlock::from(format!("{text}\n")));
    let called = format!("agent.tool.{name} direct tool call.\nInput parameters: {parameters}\n");
    Message::new(Role::User, said.into_iter().chain([ContentBlock::from(called)]).collect())
}

/// Of the arguments those that the schema knows, where it lists what it knows.
fn known_arguments(schema: &Value, mut input: Value) -> Value {
    let takes_others = ["additionalProperties", "patternProperties"]
        .iter()
        .any(|key| schema.get(key).is_some_and(|others| *others != Value::Bool(false)));
    if let (Value::Object(arguments), Some(known)) =
        (&mut input, schema["properties"].as_object().filter(|_| !takes_others))
    {
        arguments.retain(|key, _| known.contains_key(key));
    }
    input
}

/// JSON with a blank behind each comma and colon, as Strands writes it into histories.
fn spaced(value: &Value) -> String {
    let mut text = Vec::new();
    match value.serialize(&mut Serializer::with_formatter(&mut text, Spaced)) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        // Writing to memory does not fail; the same JSON, only denser.
        Err(_) => value.to_string(),
    }
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { to.write_all(b", ") }
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}
