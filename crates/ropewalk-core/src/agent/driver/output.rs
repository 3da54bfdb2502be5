//! The value that an invocation is to give: how the model is asked for it, and where it is found.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::Driver;
use crate::agent::AgentEvent;
use crate::error::{Error, ErrorKind};
use crate::message::{ContentBlock, Message, Prompt};
use crate::model::{
    BlockDelta, MessageAssembler, ModelChunk, ModelRequest, NativeOutput, StopReason, ToolChoice,
    ToolSpec,
};
use crate::output::{OutputSchema, OutputSpec, PartialOutput, read};
use crate::run::{Outcome, OutputState, Record};
use crate::tool::ToolRegistry;

/// The value that the invocation is to give, and how its model is asked for it.
pub(super) struct Asked {
    pub(super) schema: OutputSchema,
    /// The tools that it was put to last, and these with the one through which it comes.
    tools: Mutex<[Arc<ToolRegistry>; 2]>,
    /// What the model is told of that one.
    spec: Arc<ToolSpec>,
    /// The model has refused to hold to the schema by itself.
    not_native: AtomicBool,
    /// The model has refused to be forced to call a tool.
    not_forced: AtomicBool,
    partial: Mutex<PartialOutput>,
}

impl Asked {
    pub(super) fn new(schema: OutputSchema) -> Self {
        Self {
            spec: Arc::new(schema.tool_spec()),
            schema,
            tools: Mutex::default(),
            not_native: AtomicBool::new(false),
            not_forced: AtomicBool::new(false),
            partial: Mutex::default(),
        }
    }

    /// These tools, with the one through which the value comes.
    fn added_to(&self, tools: Arc<ToolRegistry>) -> Arc<ToolRegistry> {
        let mut known = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&known[0], &tools) {
            match self.schema.added_to(&tools) {
                Ok(with_output) => *known = [tools, Arc::new(with_output)],
                // One that came later has its name: those of before are called.
                Err(error) => tracing::warn!("tools are not renewed: {}", error.report()),
            }
        }
        Arc::clone(&known[1])
    }

    /// True if the model holds to the schema by itself, and its text is the value.
    fn is_native(&self, offers: NativeOutput, alone: bool) -> bool {
        let can = match offers {
            NativeOutput::No => false,
            NativeOutput::WithoutTools => alone,
            NativeOutput::WithTools => true,
        };
        can && !self.not_native.load(Ordering::Relaxed)
    }

    /// Asks for nothing but the value.
    pub(super) fn force(&self, request: &mut ModelRequest, offers: NativeOutput) {
        if self.is_native(offers, true) {
            request.tools = Arc::default();
            request.output_schema = Some(Arc::clone(&self.schema.spec().schema));
        } else {
            request.tools = Arc::from([Arc::clone(&self.spec)]);
            let refused = self.not_forced.load(Ordering::Relaxed);
            let name = self.spec.name.clone();
            request.tool_choice = (!refused).then_some(ToolChoice::Tool { name });
        }
    }

    /// After a refusal: true if the model can be asked in a way in which it was not asked yet. Some
    /// models can't be forced while they think, and some servers know no schemas.
    pub(super) fn ease(&self, error: &Error, native: bool, forced: bool) -> bool {
        if error.kind() != ErrorKind::InvalidRequest {
            return false;
        }
        let flag = match (native, forced) {
            (true, _) => &self.not_native,
            (false, true) => &self.not_forced,
            (false, false) => return false,
        };
        let eased = !flag.swap(true, Ordering::Relaxed);
        if eased {
            tracing::warn!(
                output = self.spec.name,
                "the model refused how it was asked for structured output; it is asked with less: {}",
                error.report()
            );
        }
        eased
    }
}

impl Driver<'_> {
    /// Finds out which value this pass is to give, before anything of it happens.
    pub(super) fn prepare_output(&self, prompt: &Prompt) -> Result<(), Error> {
        let default = &self.blueprint.output;
        let (goes_on, stored) = {
            let run = self.run();
            let goes_on = matches!(prompt, Prompt::Nothing | Prompt::Answers(_)) && !run.is_idle();
            (goes_on, run.output().filter(|_| goes_on).map(|output| output.spec.clone()))
        };
        let schema = match stored {
            Some(stored) => Some(self.form_of(stored)?),
            // Whoever goes on may ask for a value that was not asked for before.
            None if goes_on => self.wanted.schema.as_ref().and_then(|_| self.wanted.or(default)),
            None => self.wanted.or(default),
        };
        let asked = match schema {
            None => None,
            Some(schema) => {
                let tools = Arc::clone(&self.tools().registry);
                let with_output = Arc::new(schema.added_to(&tools)?);
                let form = Some(Box::new(schema.clone()));
                *self.agent.output.lock().unwrap_or_else(PoisonError::into_inner) = form;
                let tools = Mutex::new([tools, with_output]);
                Some(Arc::new(Asked { tools, ..Asked::new(schema) }))
            }
        };
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }

    /// The invocation is over: nobody goes on with its value.
    pub(super) fn forget_output(&self) {
        *self.agent.output.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The form that was stored with the run: as somebody here knows it, or made of what is stored.
    fn form_of(&self, stored: OutputSpec) -> Result<OutputSchema, Error> {
        if let Some(wanted) = &self.wanted.schema
            && !wanted.spec().is_form_of(&stored)
        {
            let text = format!(
                "the invocation that goes on is to give a `{}`, not a `{}`: ask for that, or `abandon` it",
                stored.name,
                wanted.name()
            );
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let before = self.agent.output.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut known = [
            self.wanted.schema.clone(),
            before.map(|schema| *schema),
            self.blueprint.output.schema.clone(),
        ]
        .into_iter()
        .flatten();
        match known.find(|schema| schema.spec().is_form_of(&stored)) {
            Some(schema) => {
                Ok(schema.with_prompt(&stored.prompt).with_corrections(stored.corrections))
            }
            None => OutputSchema::stored(&stored),
        }
    }

    /// What the run must learn of the value that is asked for, if it does not know yet.
    pub(super) fn output_to_ask(&self) -> Option<Record> {
        let asked = self.asked_output()?;
        let known = self.run().output().is_some();
        (!known).then(|| Record::OutputAsked { output: asked.schema.spec().clone() })
    }

    fn asked_output(&self) -> Option<Arc<Asked>> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tools that can be called: the agent's, with that of the value.
    pub(super) fn callable_tools(&self) -> Arc<ToolRegistry> {
        let tools = Arc::clone(&self.tools().registry);
        match self.asked_output() {
            None => tools,
            Some(asked) => asked.added_to(tools),
        }
    }

    /// Asks for the value in a request that is otherwise made.
    pub(super) fn ask_for_output(&self, request: &mut ModelRequest) {
        let Some(asked) = self.asked_output() else { return };
        let offers = self.blueprint.model.native_output();
        if self.is_forced() {
            asked.force(request, offers);
        } else if asked.is_native(offers, request.tools.is_empty()) {
            request.output_schema = Some(Arc::clone(&asked.schema.spec().schema));
        } else {
            request.tools = request.tools.iter().chain([&asked.spec]).cloned().collect();
        }
    }

    fn is_forced(&self) -> bool {
        self.run().output().is_some_and(|output| output.forced)
    }

    /// True if the model's text is the value, as things stand.
    fn text_is_output(&self, asked: &Asked) -> bool {
        let alone = self.is_forced() || self.tools().registry.is_empty();
        asked.is_native(self.blueprint.model.native_output(), alone)
    }

    /// After a model call that failed: true if it was refused because of how it asked for the value,
    /// and there is another way to ask.
    pub(super) fn ease_output(&self, error: &Error) -> bool {
        let Some(asked) = self.asked_output() else { return false };
        asked.ease(error, self.text_is_output(&asked), self.is_forced())
    }

    /// The model ended its turn without giving the value: it is taken from the text, asked for once
    /// more, or given up.
    pub(super) async fn settle_output(&self, outcome: Outcome) -> Result<(), Error> {
        let (Some(asked), Some(output)) = (self.asked_output(), self.run().output().cloned())
        else {
            let text = "the run misses a value that nobody asks for";
            return Err(Error::new(ErrorKind::IllegalRecord, text));
        };
        if outcome.stop_reason != StopReason::EndTurn {
            // It tried through the tool, and too often.
            return self.fail_output(problem_of(&output)).await;
        }
        let native = self.text_is_output(&asked);
        if !native && !output.forced {
            return self.force_output(&output.spec.prompt, None).await;
        }
        match read(&asked.schema, &outcome.message) {
            Ok(value) => {
                self.commit(Record::OutputFound { value: value.clone() }).await?;
                self.sink.send(|| AgentEvent::StructuredOutput(value));
                Ok(())
            }
            // Whoever was not asked for it in words that it must be JSON is told so.
            Err(missing) if !missing.is_json && !output.forced => {
                self.force_output(&output.spec.prompt, None).await
            }
            Err(missing) if (missing.is_json || native) && output.may_correct() => {
                self.force_output(&missing.problem, Some(missing.problem.clone())).await
            }
            Err(missing) => self.fail_output(missing.problem).await,
        }
    }

    async fn force_output(&self, text: &str, problem: Option<String>) -> Result<(), Error> {
        let from = self.run().transcript().len();
        let messages = vec![Message::user(text)];
        self.commit(Record::OutputForced { messages, problem }).await?;
        self.announce_new(from).await
    }

    async fn fail_output(&self, problem: String) -> Result<(), Error> {
        let from = self.run().transcript().len();
        self.commit(Record::OutputFailed { problem }).await?;
        self.announce_new(from).await
    }

    /// What the tools of an answer gave, with what the turn ends with because of it.
    pub(super) fn output_of_tools(&self) -> Option<(Value, Vec<ContentBlock>)> {
        let value = self.run().given_output()?;
        let said = vec![ContentBlock::from(value.to_string())];
        Some((value, said))
    }

    /// The value so far, if this chunk has changed it.
    pub(super) fn output_so_far(
        &self,
        chunk: &ModelChunk,
        assembler: &MessageAssembler,
    ) -> Option<Value> {
        let asked = self.asked_output()?;
        let mut partial = asked.partial.lock().unwrap_or_else(PoisonError::into_inner);
        let given = match chunk {
            ModelChunk::ContentBlockDelta(block) => match &block.delta {
                BlockDelta::ToolUse(piece) => {
                    let name = assembler.current_tool_use().map(|(_, name, _)| name);
                    (name == Some(asked.schema.name())).then(|| partial.push(&piece.input))
                }
                BlockDelta::Text(piece) if self.text_is_output(&asked) => Some(partial.push(piece)),
                _ => None,
            },
            ModelChunk::ContentBlockStop(_) => Some(partial.finish()),
            // What broke off is begun anew.
            ModelChunk::MessageStart(_) => {
                *partial = PartialOutput::default();
                None
            }
            _ => None,
        };
        asked.schema.spec().partial_value_of(given.flatten()?)
    }
}

fn problem_of(output: &OutputState) -> String {
    let tries = output.failures;
    let name = &output.spec.name;
    match &output.problem {
        Some(problem) => format!("No valid `{name}` was given in {tries} tries. {problem}"),
        None => format!("No valid `{name}` was given in {tries} tries."),
    }
}
