//! Telling the hooks and the listeners of the stream which messages were added.

use std::sync::Arc;

use super::Driver;
use super::fire::Fired;
use crate::agent::AgentEvent;
use crate::error::Error;
use crate::hook::MessageAddedEvent;
use crate::message::Message;
use crate::run::{Record, Site};

impl Driver<'_> {
    /// Commits a record that ends the invocation, and announces the messages that it adds.
    pub(super) async fn end_with(&self, record: Record) -> Result<(), Error> {
        let before = self.run().transcript().len();
        // The message that asked for the tools was announced when it came.
        let known = usize::from(self.run().pending_message().is_some());
        self.commit(record).await?;
        self.announce_new(before + known).await
    }

    /// Announces the messages of the history from here on, to the listeners of the stream too.
    pub(super) async fn announce_new(&self, from: usize) -> Result<(), Error> {
        if self.sink.is_heard() {
            let added: Vec<_> = self.run().transcript().iter().skip(from).cloned().collect();
            for message in added {
                self.sink.send(|| AgentEvent::Message(message));
            }
        }
        self.announce_from(from).await
    }

    /// The message that was added last, where there is one from here on: the one whose tools are under way, too.
    pub(super) fn last_from(&self, from: usize) -> Option<Arc<Message>> {
        let run = self.run();
        let last = run.pending_message().or_else(|| run.transcript().get(from..)?.last());
        last.cloned()
    }

    /// Announces the messages from here on to the hooks, the one whose tools are under way too. Stops
    /// at a question; [`announce_rest`](Self::announce_rest) goes on from there.
    pub(super) async fn announce_from(&self, from: usize) -> Result<(), Error> {
        if !self.hooks.listens_to::<MessageAddedEvent>() {
            return Ok(());
        }
        let messages: Vec<Arc<Message>> = {
            let run = self.run();
            run.transcript().iter().skip(from).chain(run.pending_message()).cloned().collect()
        };
        for (index, message) in (from..).zip(messages) {
            let site = Site::MessageAdded { index };
            let make = |frame| MessageAddedEvent::new(frame, message);
            if matches!(self.fire(site, make).await?, Fired::Asked) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes on with announcements that a question stopped.
    pub(super) async fn announce_rest(&self) -> Result<(), Error> {
        let asked = |site: &Site| match site {
            Site::MessageAdded { index } => Some(*index),
            _ => None,
        };
        let from = self.run().questions().iter().find_map(|question| asked(&question.site));
        let Some(index) = from else { return Ok(()) };
        self.announce_from(index).await?;
        let site = Site::MessageAdded { index };
        let again =
            self.run().questions().iter().any(|asked| asked.site == site && asked.is_open());
        if again { Ok(()) } else { self.settled(site).await }
    }

    /// Announces what was added where work was given up. Nothing is under way then that could wait for
    /// an answer: a question is not put.
    pub(super) async fn announce_given_up(&self, from: usize) -> Result<(), Error> {
        let added: Vec<_> = self.run().transcript().iter().skip(from).cloned().collect();
        for (index, message) in (from..).zip(added) {
            self.sink.send(|| AgentEvent::Message(Arc::clone(&message)));
            if self.hooks.listens_to::<MessageAddedEvent>() {
                let site = Site::MessageAdded { index };
                let place = self.place(&site);
                let make = |frame| MessageAddedEvent::new(frame, message);
                let (_, asked) = self.dispatch(&site, place, make).await?;
                if asked.is_some() {
                    tracing::warn!(
                        "a hook asked about a message of work that was given up: not put"
                    );
                }
            }
        }
        Ok(())
    }
}
