//! How the records of a run become durable.

mod memory;

use std::fmt;

use crate::error::Error;
use crate::run::Record;
use crate::tool::BoxFuture;

pub use memory::MemoryJournal;

/// The effect of a step: what it does, and the records of what happened.
pub type Effect<'a> = BoxFuture<'a, Result<Vec<Record>, Error>>;

/// Keeps the records of one run. This small trait is all that separates a script from a fleet: in
/// memory it just runs the steps; on disk it writes a claim before a side effect and its outcome
/// after; an engine for durable workflows makes a durable step of its own of each.
///
/// Calls for one run may overlap (tools run together); the records of one call stay together and
/// in their order.
pub trait Journal: Send + Sync + 'static {
    /// The id of the run that is kept here: made once, with the journal, and the same ever after.
    fn run_id(&self) -> &str;

    /// All records so far, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](crate::ErrorKind::Journal) if they can't be read, or are damaged.
    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>>;

    /// Adds records; they are durable when the future is done.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](crate::ErrorKind::Journal) if they could not be written. None of
    /// them counts then.
    ///
    /// # Cancel safety
    /// If the future is dropped, or fails, nobody knows whether the records count. The next
    /// [`load`](Self::load) decides it: it waits for appends that are still at work, and what it
    /// did not give must never appear later.
    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>>;

    /// Does one step with a side effect: makes the claim durable, runs the effect, makes its
    /// records durable, and gives them back. An engine that has durable steps of its own does the
    /// step as one of these, under the name it is given, and may give back the records of an
    /// earlier time without running the effect.
    ///
    /// # Errors
    /// Those of [`append`](Self::append), and the effect's own.
    fn step<'a>(
        &'a self,
        step: &'a StepId,
        claim: &'a Record,
        effect: Effect<'a>,
    ) -> BoxFuture<'a, Result<Vec<Record>, Error>> {
        let _ = step;
        Box::pin(async move {
            self.append(std::slice::from_ref(claim)).await?;
            let records = effect.await?;
            self.append(&records).await?;
            Ok(records)
        })
    }
}

/// The name of one step of a run: the same each time that step is done, in every process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StepId(String);

impl StepId {
    /// The step that makes one tool call for the `attempt`th time, from 1; `key` is the call's
    /// idempotency key. A call that asked a question, or that a hook retries, is another step.
    pub(crate) fn tool(key: &str, attempt: u32) -> Self {
        Self(match attempt {
            0 | 1 => format!("tool/{key}"),
            _ => format!("tool/{key}/{attempt}"),
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<J: Journal + ?Sized> Journal for std::sync::Arc<J> {
    fn run_id(&self) -> &str {
        (**self).run_id()
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        (**self).load()
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        (**self).append(records)
    }

    fn step<'a>(
        &'a self,
        step: &'a StepId,
        claim: &'a Record,
        effect: Effect<'a>,
    ) -> BoxFuture<'a, Result<Vec<Record>, Error>> {
        (**self).step(step, claim, effect)
    }
}
