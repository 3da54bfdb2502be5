//! Making records durable, and with them what was changed of the agent's state.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use super::Driver;
use crate::agent::Agent;
use crate::error::{Error, ErrorKind};
use crate::journal::Journal;
use crate::run::{Record, Run};

/// Records that the run knows, and the journal gets together with the next one.
#[derive(Default)]
pub(in crate::agent) enum Staged {
    #[default]
    Nothing,
    Records(Vec<Record>),
    /// They are on their way. If that fails, nobody knows where the journal stands.
    Sent,
}

impl Staged {
    fn add(&mut self, more: Vec<Record>) -> Result<(), Error> {
        match self {
            Self::Nothing => *self = Self::Records(more),
            Self::Records(records) => records.extend(more),
            Self::Sent => return Err(uncertain()),
        }
        Ok(())
    }

    /// What is to be written first.
    fn send(&mut self) -> Result<Option<Vec<Record>>, Error> {
        match self {
            Self::Nothing => Ok(None),
            Self::Records(records) => {
                let records = std::mem::take(records);
                *self = Self::Sent;
                Ok(Some(records))
            }
            Self::Sent => Err(uncertain()),
        }
    }
}

fn uncertain() -> Error {
    let text = "nobody knows whether an earlier record reached the journal: nothing is added before the run is read anew";
    Error::new(ErrorKind::Journal, text)
}

impl Driver<'_> {
    /// Makes a record durable and applies it.
    pub(in crate::agent) async fn commit(&self, record: Record) -> Result<(), Error> {
        if self.agent.journal.is_none() && !self.agent.state.is_changed() {
            return self.run().apply(record);
        }
        // Apart, so that the steps of an agent whose run is in memory have no room for it.
        Box::pin(self.commit_with_state(record)).await
    }

    /// Applies a record that becomes durable together with the next one, in one write: for one behind which nothing
    /// happens that others could see before that. Should it not come to that, the run is read anew.
    pub(super) fn stage(&self, record: Record) -> Result<(), Error> {
        self.run().check(&record)?;
        let records: Vec<Record> = self.changes_for(&record).into_iter().chain([record]).collect();
        self.agent.in_doubt.fetch_add(records.len(), Ordering::AcqRel);
        self.staged().add(records.clone())?;
        let mut run = self.run();
        records.into_iter().try_for_each(|record| run.apply(record))
    }

    async fn commit_with_state(&self, record: Record) -> Result<(), Error> {
        self.run().check(&record)?;
        let idle = self.run().is_idle();
        let records = match self.changes_for(&record) {
            None => return self.write_one(record).await,
            // What happened before an invocation began belongs to its first turn.
            Some(changes) if idle => vec![record, changes],
            Some(changes) => vec![changes, record],
        };
        self.write(records).await
    }

    /// Makes records durable, all or none, and applies them.
    pub(super) async fn commit_all(&self, mut records: Vec<Record>) -> Result<(), Error> {
        let changes = records.first().and_then(|record| self.changes_for(record));
        if let Some(changes) = changes {
            records.insert(1, changes);
        }
        let mut next = self.run().clone();
        records.iter().try_for_each(|record| next.apply(record.clone()))?;
        if let Some(journal) = &self.agent.journal {
            self.append(&**journal, &records).await?;
            self.note_applied();
        }
        // Nothing else is under way where several records are committed at once.
        *self.run() = next;
        Ok(())
    }

    /// Commits a record that may throw away a turn, and with it what the turn changed of the state.
    pub(super) async fn commit_loss(&self, record: Record) -> Result<(), Error> {
        self.commit(record).await?;
        self.agent.state.rebase(self.run().agent_state_values());
        Ok(())
    }

    /// Makes durable what was changed of the agent's state by nobody's turn.
    pub(in crate::agent) async fn keep_state(&self) -> Result<(), Error> {
        match self.state_changes(true) {
            Some(changes) => self.write_one(changes).await,
            None => Ok(()),
        }
    }

    /// Makes durable what the turn under way changed of the agent's state.
    pub(super) async fn save_agent_state(&self) -> Result<(), Error> {
        match self.state_changes(false) {
            Some(changes) => self.write_one(changes).await,
            None => Ok(()),
        }
    }

    /// What was changed of the agent's state and has no record yet.
    pub(super) fn state_changes(&self, keep: bool) -> Option<Record> {
        let changes = self.agent.state.take_changes()?;
        Some(Record::AgentStateChanged { set: changes.set, deleted: changes.deleted, keep })
    }

    /// What becomes durable together with a record.
    fn changes_for(&self, record: &Record) -> Option<Record> {
        let fits = match record {
            // What is given up is another turn than that of the hooks that were called since.
            Record::Abandoned | Record::PromptWithdrawn => false,
            Record::InvocationStarted { .. } | Record::PromptHeld { .. } => true,
            _ => !self.run().is_idle(),
        };
        if fits { self.state_changes(false) } else { None }
    }

    async fn write_one(&self, record: Record) -> Result<(), Error> {
        let Some(journal) = &self.agent.journal else { return self.run().apply(record) };
        self.append(&**journal, std::slice::from_ref(&record)).await?;
        self.run().apply(record)?;
        self.note_applied();
        Ok(())
    }

    async fn write(&self, records: Vec<Record>) -> Result<(), Error> {
        if let Some(journal) = &self.agent.journal {
            self.append(&**journal, &records).await?;
        }
        let mut run = self.run();
        records.into_iter().try_for_each(|record| run.apply(record))?;
        if self.agent.journal.is_some() {
            self.note_applied();
        }
        Ok(())
    }

    /// Writes records, behind those that are staged. They are in doubt until they are applied.
    async fn append(&self, journal: &dyn Journal, records: &[Record]) -> Result<(), Error> {
        self.agent.in_doubt.fetch_add(1, Ordering::AcqRel);
        let Some(mut staged) = self.staged().send()? else { return journal.append(records).await };
        let count = staged.len();
        staged.extend_from_slice(records);
        journal.append(&staged).await?;
        *self.staged() = Staged::Nothing;
        self.agent.in_doubt.fetch_sub(count, Ordering::AcqRel);
        Ok(())
    }

    /// What was written was applied too.
    fn note_applied(&self) {
        self.agent.in_doubt.fetch_sub(1, Ordering::AcqRel);
    }

    fn staged(&self) -> MutexGuard<'_, Staged> {
        self.agent.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the run anew if nobody knows whether the last record reached the journal.
    pub(in crate::agent) async fn refresh(&self) -> Result<(), Error> {
        if let Some(journal) = &self.agent.journal
            && self.agent.in_doubt.load(Ordering::Acquire) > 0
        {
            let run = journal.restore().await?;
            *self.staged() = Staged::Nothing;
            self.agent.state.rebase(run.agent_state_values());
            *self.run() = run;
            self.agent.in_doubt.store(0, Ordering::Release);
        }
        Ok(())
    }
}

impl<'agent> Driver<'agent> {
    /// Lets the state be what the run has of it, when the work is over or dropped: what was cut off has
    /// changed nothing.
    pub(super) fn reset_state_on_drop(&self) -> impl Drop + Send + use<'agent> {
        ResetState(self.agent)
    }
}

struct ResetState<'agent>(&'agent Agent);

impl Drop for ResetState<'_> {
    fn drop(&mut self) {
        let run: &Run = &self.0.lock();
        self.0.state.reset(run.agent_state_values());
    }
}
