//! Before a model call: the hooks, what they want the model to be told, and the request.

use std::sync::Arc;

use crate::agent::driver::Driver;
use crate::agent::driver::fire::Fired;
use crate::error::Error;
use crate::hook::BeforeModelCallEvent;
use crate::message::{Message, Metrics, Role, Usage};
use crate::model::{ModelRequest, ModelTurn, StopReason};
use crate::run::{Record, Site, Step};

/// What the hooks before a model call made of it.
pub(super) enum Before {
    Go,
    Denied(Box<ModelTurn>),
    Asked,
}

impl Driver<'_> {
    /// Fires the hooks before a model call.
    pub(super) async fn before_model_call(&self) -> Result<Before, Error> {
        let projected = || self.run().projected_input_tokens();
        let make = |frame| BeforeModelCallEvent::new(frame, projected());
        let (cancel, guidance) = match self.fire(Site::BeforeModelCall, make).await? {
            Fired::Nobody => return Ok(Before::Go),
            Fired::Asked => return Ok(Before::Asked),
            Fired::Done(event) => event.into_parts(),
        };
        // The event fires again for another attempt, or after a question: what was said then stands.
        let guidance = guidance.into_iter().filter(|message| !self.was_said(message)).collect();
        if !self.guide(guidance).await? {
            return Ok(Before::Asked);
        }
        let Some(text) = cancel.text("model call denied by hook") else { return Ok(Before::Go) };
        Ok(Before::Denied(Box::new(ModelTurn {
            message: Message::assistant(text),
            stop_reason: StopReason::EndTurn,
            usage: Usage::default(),
            metrics: Metrics::default(),
            malformed: Vec::new(),
            redact_user: None,
        })))
    }

    /// True if this was said behind the last answer of the model.
    fn was_said(&self, message: &Message) -> bool {
        let run = self.run();
        let since = run.transcript().iter().rev().take_while(|said| said.role == Role::User);
        since.into_iter().any(|said| said.content == message.content)
    }

    /// Adds what hooks want the model to be told; false if that led to a question.
    pub(super) async fn guide(&self, messages: Vec<Message>) -> Result<bool, Error> {
        if messages.is_empty() {
            return Ok(true);
        }
        let from = self.run().transcript().len();
        self.commit(Record::GuidanceAdded { messages }).await?;
        self.announce_new(from).await?;
        Ok(matches!(self.run().next(), Step::Model))
    }

    /// What the model will be asked.
    pub(in crate::agent::driver) fn model_request(&self) -> ModelRequest {
        // Each by itself: what is locked stays so to the end of the statement.
        let messages = self.run().transcript().clone();
        let tools = Arc::clone(&self.renew_tools().specs);
        let mut request = ModelRequest {
            messages,
            system: self.agent.identity.system_prompt.clone(),
            tools,
            tool_choice: None,
            output_schema: None,
            max_output_tokens: self.output_left(),
            cancel: self.cancel.child_token(),
        };
        self.ask_for_output(&mut request);
        request
    }
}

impl Driver<'_> {
    /// About how many tokens the model will read, also before its first answer.
    pub(in crate::agent::driver) fn projected_or_estimated(&self) -> u64 {
        let run = self.run();
        if let Some(projected) = run.projected_input_tokens() {
            return projected;
        }
        // A model that does not count can't be held to what it reads: only what is not its own is
        // estimated, and only until it has answered.
        let counted = |message: &&Arc<Message>| {
            message.metadata.as_ref().is_none_or(|metadata| metadata.usage.is_none())
        };
        let unanswered = run.transcript().iter().rev().take_while(counted);
        unanswered.map(|said| said.estimated_tokens()).fold(0, u64::saturating_add)
    }
}
