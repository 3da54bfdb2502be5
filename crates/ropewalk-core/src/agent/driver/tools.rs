//! The tools of one answer, with the hooks around all of them.

use std::sync::Arc;

use futures_util::StreamExt as _;

use super::Driver;
use super::fire::Fired;
use crate::agent::AgentEvent;
use crate::error::{Error, ErrorKind};
use crate::hook::{AfterToolsEvent, BeforeToolsEvent};
use crate::message::{ContentBlock, Message, Role, ToolResult, Transcript};
use crate::run::{CallState, Finish, Record, Run, Site, ToolCall, UNKNOWN_OUTCOME};

/// What a turn is to end with, if a hook wants it to end.
type EndOfTurn = Option<Vec<ContentBlock>>;

impl Driver<'_> {
    /// Runs what can run, together; once all calls have their results, puts the turn into the
    /// history.
    pub(super) async fn run_tools(&self, calls: Vec<ToolCall>) -> Result<(), Error> {
        let mut failure = None;
        if self.before_tools().await? {
            let is_limited = !self.run().limits().is_empty();
            let calls = match is_limited {
                true => Box::pin(self.within_limit(calls)).await?,
                false => calls,
            };
            failure = match self.blueprint.executor.at_once() {
                Some(at_once) if calls.len() > 1 => self.run_together(calls, at_once).await,
                _ => self.run_in_turn(calls).await,
            };
        }
        let whole = self.run().calls().iter().all(ToolCall::is_finished);
        match failure {
            None if whole => self.finish_tools().await,
            None if self.cancel.is_cancelled() => self.after_tools().await.map(drop),
            None => Ok(()),
            Some(error) => {
                // What was begun is announced as ended, also now.
                if let Err(later) = Box::pin(self.after_tools()).await {
                    tracing::error!("after a tool call failed, so did its end: {}", later.report());
                }
                Err(error)
            }
        }
    }

    /// Makes these calls, some at once; gives the first failure of a hook.
    async fn run_together(&self, calls: Vec<ToolCall>, at_once: usize) -> Option<Error> {
        let mut failure = None;
        let work = calls.into_iter().map(|call| Box::pin(self.call(call)));
        let mut work = futures_util::stream::iter(work).buffer_unordered(at_once);
        // A hook that failed in one call stops that call; the others are seen to their end, so that
        // what they did is known.
        while let Some(ended) = work.next().await {
            if let Err(error) = ended {
                match &failure {
                    None => failure = Some(error),
                    Some(_) => tracing::error!("another tool call failed: {}", error.report()),
                }
            }
        }
        failure
    }

    /// Makes these calls one after the other, up to the first that does not come to its end; gives the
    /// failure of a hook, if that was why.
    async fn run_in_turn(&self, calls: Vec<ToolCall>) -> Option<Error> {
        for call in calls {
            let tool_use = Arc::clone(&call.tool_use);
            if let Err(error) = Box::pin(self.call(call)).await {
                return Some(error);
            }
            let id = &tool_use.tool_use_id;
            let ended = |call: &ToolCall| call.tool_use.tool_use_id == *id && call.is_finished();
            if !self.run().calls().iter().any(ended) {
                break;
            }
        }
        None
    }

    /// True if no call may begin before a question is answered, since they are made in turn.
    pub(super) fn waits_in_turn(&self, run: &Run) -> bool {
        let in_turn = self.blueprint.executor.at_once().is_none();
        in_turn
            && run
                .questions()
                .iter()
                .any(|asked| asked.is_open() && asked.site.tool_use_id().is_some())
    }

    /// Fires the hooks before the batch; false if a question or a cancel keeps it from running.
    async fn before_tools(&self) -> Result<bool, Error> {
        if self.run().is_direct_call() {
            return Ok(true);
        }
        let Some(message) = self.run().pending_message().cloned() else { return Ok(true) };
        let make = |frame| BeforeToolsEvent::new(frame, message);
        let event = match self.fire(Site::Batch, make).await? {
            Fired::Nobody => return Ok(true),
            Fired::Asked => return Ok(false),
            Fired::Done(event) => event,
        };
        let Some(text) = event.cancelled().text("Tool cancelled by hook") else { return Ok(true) };
        Box::pin(self.cancel_tools(text)).await?;
        Ok(false)
    }

    /// Gives the calls of a batch that a hook cancelled their results.
    async fn cancel_tools(&self, text: String) -> Result<(), Error> {
        // All of them, those that wait for an answer too.
        let mut unfinished = self.run().calls().to_vec();
        unfinished.retain(|call| !call.is_finished());
        for call in unfinished {
            let not_run = match &call.state {
                // What has run already keeps its result.
                CallState::Returned { .. } | CallState::Held { .. } => {
                    Box::pin(self.call(call)).await?;
                    continue;
                }
                // What may have run is not run again now.
                CallState::Claimed(_) => {
                    self.note_unknown(&call.tool_use);
                    let result = ToolResult::error(&call.tool_use.tool_use_id, UNKNOWN_OUTCOME);
                    let finish = Finish::Unknown;
                    self.commit(Record::ToolFinished { result, finish }).await?;
                    continue;
                }
                _ => ToolResult::error(&call.tool_use.tool_use_id, &text),
            };
            let finish = Finish::NotRun;
            self.commit(Record::ToolFinished { result: not_run, finish }).await?;
            self.sink.send(|| AgentEvent::ToolCancelled {
                tool_use: Arc::clone(&call.tool_use),
                message: text.clone(),
            });
        }
        Ok(())
    }

    /// Fires the hooks after the batch; gives what one of them wants the turn to end with. None: one
    /// of them asked a question.
    async fn after_tools(&self) -> Result<Option<EndOfTurn>, Error> {
        if self.run().is_unrecorded() {
            return Ok(Some(None));
        }
        if self.run().is_direct_call() {
            let names: Vec<String> =
                self.run().calls().iter().map(|call| call.tool_use.name.clone()).collect();
            let text = format!("agent.tool.{} was called.", names.join(", "));
            return Ok(Some(Some(vec![ContentBlock::from(text)])));
        }
        let results = || self.run().calls().iter().filter_map(finished).collect::<Vec<_>>();
        let make = |frame| AfterToolsEvent::new(frame, Arc::new(Message::tool_results(results())));
        let event = match self.fire(Site::AfterTools, make).await? {
            Fired::Nobody => return Ok(Some(None)),
            Fired::Asked => return Ok(None),
            Fired::Done(event) => event,
        };
        let end_turn = event.into_end_turn();
        if let Some(blocks) = &end_turn {
            let message = Message::new(Role::Assistant, blocks.clone());
            Transcript::new().push(message).map_err(|error| {
                let text = format!("a turn can't end with what an AfterTools hook gave: {error}");
                Error::new(ErrorKind::Hook, text).with_source(error)
            })?;
        }
        Ok(Some(end_turn))
    }

    async fn finish_tools(&self) -> Result<(), Error> {
        let Some(end_turn) = self.after_tools().await? else { return Ok(()) };
        let (output, said) = self.output_of_tools().unzip();
        let before = self.run().transcript().len();
        // With the value the turn is over, unless a hook ends it in other words.
        let end_turn = end_turn.or(said);
        let stop = end_turn.is_none() && self.state.stops_event_loop();
        self.commit(Record::ToolsFinished { end_turn, stop }).await?;
        if let Some(value) = output {
            self.sink.send(|| AgentEvent::StructuredOutput(value));
        }
        // The assistant's message was announced when it came.
        self.announce_new(before + 1).await
    }
}

fn finished(call: &ToolCall) -> Option<ToolResult> {
    match &call.state {
        CallState::Finished { result, .. } => Some(result.clone()),
        _ => None,
    }
}
