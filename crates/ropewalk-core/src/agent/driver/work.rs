//! The loop of one pass: step by step, until there is a result.

use std::sync::Arc;

use super::Driver;
use crate::agent::AgentEvent;
use crate::error::{Error, ErrorKind};
use crate::message::Message;
use crate::run::{HeldAnswer, Outcome, Record, Step, ToolCall};
use crate::view::AgentResult;

/// What must happen now, apart from the run it was read from.
enum Plan {
    Idle,
    Model,
    Answer(HeldAnswer),
    Output(Outcome),
    Tools(Vec<ToolCall>),
    Return(Box<AgentResult>),
}

impl Driver<'_> {
    /// From the first record of a pass to what it comes to.
    pub(super) async fn work(
        &self,
        messages: Option<Vec<Message>>,
        denied: Option<String>,
    ) -> Result<AgentResult, Error> {
        self.sink.send(|| AgentEvent::InitEventLoop);
        match messages {
            Some(messages) => {
                let from = self.run().transcript().len();
                let state = self.state.to_map();
                let (joined, messages) = self.join(messages);
                let from = from - usize::from(joined.is_some());
                let mut records = vec![Record::InvocationStarted { messages, state }];
                records.extend(joined);
                records.extend(self.token_record());
                records.extend(self.output_to_ask());
                let is_denied = denied.is_some();
                records.extend(self.limits_record());
                records.extend(denied.map(|text| Record::Denied { text }));
                // In one: a crash between the two must not let the prompt through, nor must a
                // question about it.
                self.commit_all(records).await?;
                if is_denied {
                    let answer = self.run().transcript().last().cloned();
                    answer.into_iter().for_each(|answer| {
                        self.sink.send(|| AgentEvent::Message(answer));
                    });
                }
                self.announce_from(from).await?;
            }
            None => {
                self.tighten_limits().await?;
                self.announce_rest().await?;
                if let Some(record) = self.output_to_ask() {
                    // One that has ended already, and only waits to be announced, gives what it has.
                    let fits = self.run().check(&record).is_ok();
                    if fits {
                        self.commit(record).await?;
                    }
                }
                // A run that has ended already, and only waits to be announced, can't be denied.
                if let Some(record) = denied.map(|text| Record::Denied { text }) {
                    let fits = self.run().check(&record).is_ok();
                    if fits {
                        self.note_cut_off();
                        self.end_with(record).await?;
                    }
                }
            }
        }
        // Tools that go on belong to a cycle of their own.
        if matches!(self.run().next(), Step::Tools(_)) {
            self.begin_cycle();
            self.sink.send(|| AgentEvent::Start);
            self.sink.send(|| AgentEvent::StartEventLoop);
        }
        // How often the conversation was made smaller for the model call that is to be made.
        let mut reductions = 0;
        loop {
            if self.must_stop() {
                self.unless_stopped(self.stopped(None).await)?;
            }
            let done = match self.plan() {
                Plan::Model => {
                    if self.may_manage_before_model() {
                        self.unless_stopped(Box::pin(self.manage_before_model()).await)?;
                    }
                    match Box::pin(self.ask_model()).await {
                        Err(error) if self.ease_output(&error) => Ok(()),
                        asked => asked,
                    }
                }
                Plan::Answer(held) => Box::pin(self.settle_held(held)).await,
                Plan::Output(outcome) => {
                    self.unless_stopped(Box::pin(self.settle_output(outcome)).await)?;
                    Ok(())
                }
                Plan::Tools(calls) => {
                    self.unless_stopped(Box::pin(self.run_tools(calls)).await)?;
                    Ok(())
                }
                Plan::Return(result) => return Ok(*result),
                Plan::Idle => {
                    let text = "there is nothing to go on with: the run is idle";
                    return Err(Error::new(ErrorKind::InvalidInput, text));
                }
            };
            match done {
                Ok(()) => reductions = 0,
                Err(error) => {
                    self.unless_stopped(Box::pin(self.make_it_fit(error, reductions)).await)?;
                    reductions += 1;
                }
            }
        }
    }

    /// Notes that a cycle begins.
    pub(super) fn begin_cycle(&self) {
        let id = self.run().next_cycle_id();
        self.recorder.cycle(id);
    }

    fn plan(&self) -> Plan {
        let run = self.run();
        match run.next() {
            // An invocation that waits to begin has begun before this is asked.
            Step::Idle | Step::Begin(_) => Plan::Idle,
            Step::Model => Plan::Model,
            Step::Answer(held) => Plan::Answer(held.clone()),
            Step::Output(outcome) => Plan::Output(outcome.clone()),
            Step::Tools(_) if self.waits_in_turn(&run) => {
                drop(run);
                Plan::Return(Box::new(self.waiting()))
            }
            Step::Tools(calls) => Plan::Tools(calls.into_iter().cloned().collect()),
            Step::Finish(outcome) => {
                let reason = outcome.stop_reason.clone();
                Plan::Return(Box::new(self.result(&run, reason, Arc::clone(&outcome.message))))
            }
            Step::Wait(_) => {
                drop(run);
                Plan::Return(Box::new(self.waiting()))
            }
        }
    }
}
