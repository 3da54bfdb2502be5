//! How a pass begins: the prompt, the answers, `BeforeInvocation`.

use super::fire::Fired;
use super::{Driver, well_formed};
use crate::error::{Error, ErrorKind};
use crate::hook::{AgentInitializedEvent, BeforeInvocationEvent};
use crate::message::{InterruptResponse, Message, Prompt, Role};
use crate::run::{Record, Site, Step};

/// How a pass begins, once the prompt is known to fit.
pub(super) enum Opening {
    /// With these messages.
    Messages(Vec<Message>),
    /// With these answers.
    Answers(Vec<InterruptResponse>),
    /// Where the run stands.
    Continue,
}

/// What came of the hooks before a pass.
pub(super) enum Opened {
    /// It goes on: with new messages, or where the run stands. A hook may have denied it.
    Go { messages: Option<Vec<Message>>, denied: Option<String> },
    /// Questions are open.
    Waits,
    /// There was nothing to do but to answer.
    Answered,
}

impl Driver<'_> {
    /// `by` says in whose name the prompt's answers are given.
    pub(super) async fn open(&self, prompt: Prompt, by: Option<&str>) -> Result<Opened, Error> {
        let by = by.map(str::to_owned);
        let opening = self.opening(prompt, by.as_ref())?;
        let answered = matches!(opening, Opening::Answers(_));
        let messages = match opening {
            Opening::Messages(messages) => Some(messages),
            Opening::Answers(responses) => {
                self.commit(Record::Answered { responses, by }).await?;
                self.note_token().await?;
                None
            }
            Opening::Continue => {
                self.note_token().await?;
                None
            }
        };
        self.initialize_again().await?;
        if matches!(self.run().next(), Step::Wait(_)) {
            return Ok(Opened::Waits);
        }
        if answered && self.run().is_idle() {
            return Ok(Opened::Answered);
        }
        self.before_invocation(messages).await
    }

    fn opening(&self, prompt: Prompt, by: Option<&String>) -> Result<Opening, Error> {
        let run = self.run();
        let open = !run.open_interrupts().is_empty();
        let messages = match prompt {
            Prompt::Answers(responses) => {
                let by = by.cloned();
                run.check(&Record::Answered { responses: responses.clone(), by })?;
                return Ok(Opening::Answers(responses));
            }
            Prompt::Nothing if run.is_idle() && !open => Vec::new(),
            Prompt::Nothing => return Ok(Opening::Continue),
            _ if open => {
                let names: Vec<String> =
                    run.open_interrupts().into_iter().map(|asked| asked.name).collect();
                return Err(Error::new(
                    ErrorKind::Interrupt,
                    format!(
                        "open questions must be answered first ({}): call `resume` with answers, or `abandon` to give up what waits for them",
                        names.join(", ")
                    ),
                ));
            }
            Prompt::Text(text) => vec![Message::user(text)],
            Prompt::Blocks(blocks) if blocks.is_empty() => Vec::new(),
            Prompt::Blocks(blocks) => vec![Message::new(Role::User, blocks)],
            Prompt::Messages(messages) => messages,
        };
        well_formed(&messages, ErrorKind::InvalidInput, "the prompt")?;
        Ok(Opening::Messages(messages))
    }

    /// Tells the hooks of a new agent; what they ask must be answered before anything else.
    pub(in crate::agent) async fn initialize(&self) -> Result<(), Error> {
        match self.fire(Site::AgentInitialized, AgentInitializedEvent::new).await? {
            Fired::Asked => Ok(()),
            Fired::Done(_) | Fired::Nobody => self.settled(Site::AgentInitialized).await,
        }
    }

    async fn initialize_again(&self) -> Result<(), Error> {
        let asked = {
            let run = self.run();
            let mut there =
                run.questions().iter().filter(|asked| asked.site == Site::AgentInitialized);
            there.clone().next().is_some() && there.all(|asked| !asked.is_open())
        };
        if asked { self.initialize().await } else { Ok(()) }
    }

    /// Fires `BeforeInvocation`. Without messages the pass goes on where the run stands.
    async fn before_invocation(&self, messages: Option<Vec<Message>>) -> Result<Opened, Error> {
        let is_new = messages.is_some();
        let messages = messages.or_else(|| match self.run().next() {
            Step::Begin(held) => Some(held.to_vec()),
            _ => None,
        });
        if !self.hooks.listens_to::<BeforeInvocationEvent>() {
            if is_new {
                self.make_room().await?;
            }
            return Ok(Opened::Go { messages, denied: None });
        }
        // What was left behind is given up only once it is sure that something else will be done.
        let left = is_new && !self.run().is_idle();
        let number = self.run().invocation() + u64::from(left);
        let place = format!("v1:before_invocation:{number}");
        let site = Site::BeforeInvocation;
        let shown = messages.clone().unwrap_or_default();
        let (event, asked) =
            self.dispatch(&site, place, |frame| BeforeInvocationEvent::new(frame, shown)).await?;
        // A cancel goes before a question: what begins now ends at its first step.
        if let Some(asked) = asked.filter(|_| !self.is_stopping()) {
            if is_new {
                self.make_room().await?;
                let messages = messages.unwrap_or_default();
                let state = self.state.to_map();
                let mut records = vec![Record::PromptHeld { messages, state }];
                records.extend(self.limits_record());
                records.extend(self.token_record());
                records.extend(self.output_to_ask());
                self.commit_all(records).await?;
            }
            self.ask(site, asked).await?;
            return Ok(Opened::Waits);
        }
        let (changed, cancel) = event.into_parts();
        well_formed(&changed, ErrorKind::Hook, "what a BeforeInvocation hook gave")?;
        if messages.is_none() && !changed.is_empty() {
            return Err(Error::new(
                ErrorKind::Hook,
                "a BeforeInvocation hook can't add messages while a run goes on: tools are under way",
            ));
        }
        if is_new {
            self.make_room().await?;
        }
        let denied = cancel.text("invocation denied by hook");
        Ok(Opened::Go { messages: messages.is_some().then_some(changed), denied })
    }

    /// Parts the prompt where its beginning belongs to the last message: tool results that nobody
    /// answered. Models don't take two messages of the user in a row.
    pub(super) fn join(&self, mut messages: Vec<Message>) -> (Option<Record>, Vec<Message>) {
        let answered = {
            let run = self.run();
            run.transcript().last().is_none_or(|last| last.results().next().is_none())
        };
        let plain = |first: &Message| first.role == Role::User && first.metadata.is_none();
        if answered || !messages.first().is_some_and(plain) {
            return (None, messages);
        }
        let content = messages.remove(0).content;
        (Some(Record::PromptJoined { content }), messages)
    }

    async fn make_room(&self) -> Result<(), Error> {
        let idle = self.run().is_idle();
        if idle { Ok(()) } else { self.give_up().await }
    }

    /// Ends what an earlier invocation left behind, so that a new one can begin.
    pub(in crate::agent) async fn give_up(&self) -> Result<(), Error> {
        self.note_cut_off();
        let ended = matches!(self.run().next(), Step::Finish(_));
        let from = {
            let run = self.run();
            // The message that asked for the tools was announced when it came.
            run.transcript().len() + usize::from(run.pending_message().is_some())
        };
        self.commit_loss(if ended { Record::InvocationEnded } else { Record::Abandoned }).await?;
        // Boxed: it is rare, and every invocation would have room for it on the stack.
        Box::pin(self.announce_given_up(from)).await
    }
}
