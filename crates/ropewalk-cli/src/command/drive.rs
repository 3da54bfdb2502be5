//! One prompt from beginning to end: shows what happens, asks what is open.

use std::sync::Arc;

use futures_util::StreamExt as _;
use ropewalk_core::{Agent, AgentEvent, AgentResult, Interrupt, Prompt, StopReason};

use crate::approval::Approvals;
use crate::args::Options;
use crate::exit::{Failure, Status};
use crate::interrupt_key::InterruptKey;
use crate::show::{self, Show};
use crate::{setup, terminal};

/// An agent at work for this command.
pub(crate) struct Session {
    pub(crate) agent: Agent,
    approvals: Arc<Approvals>,
    /// How to go on with this session, if it is kept.
    resume_with: Option<String>,
    show: Show,
    key: InterruptKey,
    json: bool,
}

impl Session {
    pub(crate) async fn open(
        options: &Options,
        name: Option<&str>,
        key: InterruptKey,
    ) -> Result<Self, Failure> {
        let (agent, approvals) = setup::agent(options, name).await?;
        let mut show = Show::new(options.json, options.quiet);
        show.under_way(agent.run().calls());
        let resume_with = name.map(|name| options.resume_command(name));
        Ok(Self { agent, approvals, resume_with, show, key, json: options.json })
    }

    /// Goes on with what an earlier start left: tools that were cut off, an open question. A model
    /// that was not heard is asked again only if nothing else is asked.
    pub(crate) async fn finish_earlier(&mut self, more: bool) -> Result<Status, Failure> {
        let run = self.agent.run();
        if run.is_idle() || (more && run.calls().is_empty()) {
            return Ok(Status::Done);
        }
        if self.agent.interrupts().is_empty() {
            show::note("going on with what was cut off");
        }
        self.drive(Prompt::Nothing).await
    }

    /// Drives a prompt to its end; questions are put to the person, if there is one.
    pub(crate) async fn drive(&mut self, prompt: Prompt) -> Result<Status, Failure> {
        let mut prompt = prompt;
        loop {
            let result = self.stream(prompt).await?;
            let Some(open) = result.interrupts() else {
                let cancelled = result.stop_reason == StopReason::Cancelled;
                return Ok(if cancelled { Status::Failed } else { Status::Done });
            };
            let open = open.to_vec();
            match self.ask(&open).await? {
                Some(answers) => prompt = Prompt::Answers(answers),
                None => {
                    show::paused(&open, self.resume_with.as_deref());
                    return Ok(Status::Paused);
                }
            }
        }
    }

    async fn ask(
        &self,
        open: &[Interrupt],
    ) -> Result<Option<Vec<ropewalk_core::InterruptResponse>>, Failure> {
        if let Some(answers) = self.approvals.answers(open) {
            return Ok(Some(answers));
        }
        // Without a terminal nothing is assumed: nothing runs, the run waits.
        if self.json || !terminal::is_there() {
            return Ok(None);
        }
        Ok(terminal::ask(open, &self.approvals).await?)
    }

    async fn stream(&mut self, prompt: Prompt) -> Result<AgentResult, Failure> {
        let handle = self.agent.cancel_handle();
        let _armed = self.key.cancels(handle.clone());
        let mut stream = self.agent.stream(prompt);
        let (mut last, mut deaf) = (None, None);
        while let Some(event) = stream.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    self.show.end_line()?;
                    return Err(error.into());
                }
            };
            if deaf.is_none()
                && let Err(error) = self.show.event(&event)
            {
                // Nobody reads any more: it is stopped, and its end awaited, so that it is known.
                handle.cancel();
                deaf = Some(error);
            }
            if let AgentEvent::Result(result) = event {
                last = Some(*result);
            }
        }
        if let Some(error) = deaf {
            return Err(error.into());
        }
        last.ok_or_else(|| Failure {
            status: Status::Failed,
            message: "the run ended without a result: this is a defect of ropewalk".to_owned(),
        })
    }
}
