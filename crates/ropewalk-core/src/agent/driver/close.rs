//! How a pass ends: what it came to, what is kept of it, and the announcement.

use std::sync::{Arc, PoisonError};

use super::Driver;
use super::fire::Fired;
use crate::error::Error;
use crate::hook::AfterInvocationEvent;
use crate::message::{Message, Prompt, Role};
use crate::model::StopReason;
use crate::run::{Record, Run, Site, Step};
use crate::view::AgentResult;

impl Driver<'_> {
    /// Keeps what hooks and tools changed, where the run goes on later.
    pub(super) async fn save_state(&self) -> Result<(), Error> {
        self.save_agent_state().await?;
        let state = self.state.to_map();
        let changed = {
            let run = self.run();
            let over = matches!(run.next(), Step::Finish(_) | Step::Idle);
            !over && !run.is_idle() && *run.state() != state
        };
        if changed {
            self.commit(Record::StateChanged { state }).await?;
        }
        self.save_time().await
    }

    /// Takes a prompt back that does not fit the model's window: kept, it would stop every later one.
    pub(super) async fn withdraw_prompt<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        let fits = self.run().check(&Record::PromptWithdrawn).is_ok();
        if !fits {
            return result;
        }
        self.commit(Record::PromptWithdrawn).await?;
        self.agent.state.reset(self.run().agent_state_values());
        result.map_err(|error| error.context("the prompt was taken back"))
    }

    /// The result of a run that waits for answers.
    pub(super) fn waiting(&self) -> AgentResult {
        let run = self.run();
        let last = || run.transcript().last().filter(|last| last.role == Role::Assistant);
        let message = run.pending_message().or_else(last).cloned();
        let message = message.unwrap_or_else(|| Arc::new(Message::assistant("")));
        let mut result = self.result(&run, StopReason::Interrupt, message);
        result.interrupts = run.open_interrupts();
        result
    }

    pub(super) fn result(
        &self,
        run: &Run,
        reason: StopReason,
        message: Arc<Message>,
    ) -> AgentResult {
        let mut result = AgentResult::new(reason, message, run.usage(), run.cycles());
        result.metrics = Arc::new(self.recorder.metrics(run.usage()));
        result.cost = (!self.blueprint.prices.is_empty()).then(|| run.cost());
        result.state = self.state.to_map();
        if let Some(output) = run.output() {
            result.set_output(output.value.clone(), output.problem.clone());
        }
        result
            .unknown_outcomes
            .clone_from(&self.unknown.lock().unwrap_or_else(PoisonError::into_inner));
        result
    }

    /// Announces the end, whatever it is; an error of a hook here stands behind the work's own.
    pub(super) async fn close(
        &self,
        mut result: Result<AgentResult, Error>,
    ) -> (Result<AgentResult, Error>, Option<Prompt>) {
        let managed = self.manage().await;
        let mut resume = None;
        let ended = result.as_ref().ok().cloned();
        let fired =
            self.fire(Site::AfterInvocation, |frame| AfterInvocationEvent::new(frame, ended));
        let mut announced = Ok(());
        match fired.await {
            Ok(Fired::Done(event)) => resume = event.into_resume(),
            Ok(Fired::Asked) if matches!(self.run().next(), Step::Wait(_)) => {
                result = result.map(|_| self.waiting());
            }
            Ok(Fired::Asked) => {}
            Ok(Fired::Nobody) => {}
            Err(error) => announced = self.unless_stopped(Err(error)),
        }
        let over = matches!(self.run().next(), Step::Finish(_));
        if over {
            self.forget_output();
        }
        let recorded = match over {
            true => self.end().await,
            false => self.save_state().await,
        };
        let result = match (result, managed.and(announced).and(recorded)) {
            (Ok(result), Ok(())) => Ok(result),
            (Ok(_), Err(error)) => Err(error),
            (Err(error), Ok(())) => Err(error),
            (Err(error), Err(later)) => {
                tracing::error!("after the invocation failed, so did its end: {}", later.report());
                Err(error)
            }
        };
        (result, resume)
    }

    /// Records that the end was announced; what it came to is kept where it may be asked for again.
    pub(super) async fn end(&self) -> Result<(), Error> {
        self.keep_used();
        if self.token.is_some() {
            let state = self.state.to_map();
            self.commit(Record::StateChanged { state }).await?;
        }
        self.commit(Record::InvocationEnded).await
    }
}
