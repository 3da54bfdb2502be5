//! A value asked for beside the conversation: nothing of it is kept.

use std::sync::Arc;

use serde_json::Value;

use super::Driver;
use super::fire::Fired;
use super::model::Called;
use super::output::Asked;
use crate::error::{Error, ErrorKind};
use crate::hook::{AfterInvocationEvent, BeforeInvocationEvent};
use crate::limits::{Ahead, Used};
use crate::message::{Message, Prompt, Role, ToolResult, Transcript, Usage};
use crate::model::{ModelRequest, ModelTurn};
use crate::output::{OutputSchema, read};
use crate::run::{Record, Site};

/// What came of one answer.
enum Tried {
    Value(Value),
    /// What is wrong, and the messages that say so to the model.
    Wrong(String, Transcript),
}

impl Driver<'_> {
    /// Asks for a value with the history and a prompt, and keeps neither. The limits of the agent hold for
    /// it.
    pub(in crate::agent) async fn ask_beside(
        &self,
        schema: OutputSchema,
        prompt: Prompt,
    ) -> Result<Value, Error> {
        self.check_limits()?;
        // On the heap: it is large, and stands within what watches it.
        let work = Box::pin(self.ask_and_announce(schema, prompt));
        self.watched(work, self.time_left(false)).await
    }

    async fn ask_and_announce(&self, schema: OutputSchema, prompt: Prompt) -> Result<Value, Error> {
        self.refresh().await?;
        self.settle_expired().await?;
        let messages = self.messages_beside(prompt)?;
        let value = match self.begin_beside(messages).await? {
            Ok(messages) => self.value_beside(schema, messages).await,
            Err(denied) => Err(denied),
        };
        let make = |frame| AfterInvocationEvent::new(frame, None);
        // What was begun is announced as ended, however it ended.
        let announced = match self.fire(Site::AfterInvocation, make).await {
            Ok(Fired::Done(event)) if event.resume().is_some() => {
                tracing::warn!("a hook wants to go on where there is nothing to go on with");
                Ok(())
            }
            other => other.map(drop),
        };
        match (value, announced) {
            (Err(error), Err(later)) => {
                tracing::error!(
                    "after structured output failed, so did its end: {}",
                    later.report()
                );
                Err(error)
            }
            (value, announced) => announced.and(value),
        }
    }

    /// The prompt as messages, if now is a time to ask.
    fn messages_beside(&self, prompt: Prompt) -> Result<Vec<Message>, Error> {
        let run = self.run();
        let invalid = |text: &str| Err(Error::new(ErrorKind::InvalidInput, text));
        let open = run.open_interrupts();
        if !open.is_empty() {
            let names: Vec<String> = open.into_iter().map(|asked| asked.name).collect();
            let text = format!("open questions must be answered first: {}", names.join(", "));
            return Err(Error::new(ErrorKind::Interrupt, text));
        }
        if !run.is_idle() {
            return invalid(
                "structured output can't be asked for while something else is unfinished: go on with `invoke(())`, or `abandon` it",
            );
        }
        let messages = match prompt {
            Prompt::Nothing => Vec::new(),
            Prompt::Text(text) => vec![Message::user(text)],
            Prompt::Blocks(blocks) if blocks.is_empty() => Vec::new(),
            Prompt::Blocks(blocks) => vec![Message::new(Role::User, blocks)],
            Prompt::Messages(messages) => messages,
            Prompt::Answers(_) => return invalid("there is no open question: send a prompt"),
        };
        if messages.is_empty() && run.transcript().is_empty() {
            return invalid("there is neither a history nor a prompt: give a prompt");
        }
        Ok(messages)
    }

    /// The messages as the hooks leave them; within, an error where one of them denies. Where one fails, nothing
    /// was begun that is announced as ended.
    async fn begin_beside(
        &self,
        messages: Vec<Message>,
    ) -> Result<Result<Vec<Message>, Error>, Error> {
        let shown = messages.clone();
        let make = |frame| BeforeInvocationEvent::new(frame, shown);
        let Fired::Done(event) = self.fire(Site::BeforeInvocation, make).await? else {
            return Ok(Ok(messages));
        };
        let (changed, cancel) = event.into_parts();
        Ok(match cancel.text("invocation denied by hook") {
            Some(text) => Err(Error::new(ErrorKind::Cancelled, text)),
            None => Ok(changed),
        })
    }

    async fn value_beside(
        &self,
        schema: OutputSchema,
        messages: Vec<Message>,
    ) -> Result<Value, Error> {
        let mut transcript = self.run().transcript().clone();
        transcript.append(Transcript::from_messages(messages).map_err(|error| {
            let text = format!("the prompt can't stand in a history: {error}");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?);
        let asked = Asked::new(schema);
        let mut corrections = asked.schema.spec().corrections;
        let mut used = Used::default();
        loop {
            let turn = self.answer_beside(&asked, &transcript, &mut used).await?;
            match tried(&asked, turn, &transcript)? {
                Tried::Value(value) => return Ok(value),
                Tried::Wrong(problem, _) if corrections == 0 => {
                    return Err(Error::new(ErrorKind::StructuredOutput, problem));
                }
                Tried::Wrong(_, told) => transcript = told,
            }
            corrections -= 1;
        }
    }

    /// One answer of the model, which counts for nothing but its tokens. What failed is tried again as in
    /// the conversation.
    async fn answer_beside(
        &self,
        asked: &Asked,
        transcript: &Transcript,
        used: &mut Used,
    ) -> Result<ModelTurn, Error> {
        let offers = self.blueprint.model.native_output();
        let mut attempt = 1;
        loop {
            self.check_beside(used)?;
            let mut request = ModelRequest::new(transcript.clone());
            request.system.clone_from(&self.agent.identity.system_prompt);
            request.max_output_tokens = self.limits().output_left(used);
            request.cancel = self.cancel.child_token();
            asked.force(&mut request, offers);
            let native = request.output_schema.is_some();
            let (called, cost) = self.call_model_beside(request).await;
            used.cost = used.cost.saturating_add(cost);
            let (outcome, usage) = match called {
                Called::Answered(turn) => {
                    used.turns += 1;
                    let usage = turn.usage;
                    (Ok(*turn), usage)
                }
                Called::Failed(error, usage) => (Err(error), usage),
                Called::Cancelled(_, usage) => (Err(self.stopped_beside("it gave a value")), usage),
                Called::Asked => {
                    let text = "a question can't be asked beside the conversation";
                    (Err(Error::new(ErrorKind::Hook, text)), Usage::default())
                }
            };
            if usage != Usage::default() {
                used.usage += usage;
                self.commit(Record::TokensSpent { usage }).await?;
            }
            match outcome {
                Err(error) if asked.ease(&error, native, true) => {}
                Err(error) if !error.is_cancelled() => {
                    self.wait_for_retry(attempt, error).await?;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Refuses a further model call that a limit does not allow; the time is watched from outside.
    fn check_beside(&self, used: &Used) -> Result<(), Error> {
        match self.limits().reached(used, &Ahead::default()) {
            None => Ok(()),
            Some(reached) => {
                let text = format!("no value of the form asked for was given. {}", reached.text);
                Err(Error::new(ErrorKind::StructuredOutput, text))
            }
        }
    }

    /// The error of something beside the conversation, or of a call by hand, that was stopped.
    pub(super) fn stopped_beside(&self, before: &str) -> Error {
        match self.limits().out_of_time().filter(|_| self.is_out_of_time()) {
            Some(reached) => {
                let text = format!("{} It was stopped before {before}.", reached.text);
                Error::new(ErrorKind::Timeout, text)
            }
            None => Error::new(ErrorKind::Cancelled, format!("it was cancelled before {before}")),
        }
    }
}

/// The value of an answer; else what is wrong, with the conversation that says so.
fn tried(asked: &Asked, turn: ModelTurn, transcript: &Transcript) -> Result<Tried, Error> {
    let message = Arc::new(turn.message);
    let mut told = transcript.clone();
    let problem = if message.tool_uses().next().is_none() {
        match read(&asked.schema, &message) {
            Ok(value) => return Ok(Tried::Value(value)),
            Err(missing) => {
                let answered = told.push(message);
                answered
                    .and_then(|()| told.push(Message::user(&missing.problem)))
                    .map(|()| missing.problem)
            }
        }
    } else {
        let mut problem = String::new();
        let mut results = Vec::new();
        for tool_use in message.tool_uses() {
            let malformed =
                turn.malformed.iter().find(|entry| entry.tool_use_id == tool_use.tool_use_id);
            let text = match malformed {
                _ if tool_use.name != asked.schema.name() => {
                    format!("Unknown tool: {}", tool_use.name)
                }
                Some(entry) => format!("The input is not valid JSON: {}", entry.error),
                None => match asked.schema.check_or_refuse(&tool_use.input) {
                    Ok(value) => return Ok(Tried::Value(value)),
                    Err(refusal) => refusal,
                },
            };
            results.push(ToolResult::error(&tool_use.tool_use_id, &text));
            problem = text;
        }
        told.push_tool_turn(Arc::clone(&message), results).map(|_| problem)
    };
    match problem {
        Ok(problem) => Ok(Tried::Wrong(problem, told)),
        Err(error) => {
            let text = format!("the model's answer can't stand in a history: {error}");
            Err(Error::new(ErrorKind::Malformed, text).with_source(error))
        }
    }
}
