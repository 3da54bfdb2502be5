//! How the records of a run become durable.

mod memory;

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::run::{Record, Run};
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

    /// The run as its records make it. A journal that keeps checkpoints starts from the last one and reads
    /// only what came after it; without a method of its own, all records are replayed.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and [`ErrorKind::Journal`](crate::ErrorKind::Journal) if the records make
    /// no run.
    fn restore(&self) -> BoxFuture<'_, Result<Run, Error>> {
        Box::pin(async move {
            let records = self.load().await?;
            Run::new(self.run_id()).replay(records).map_err(unreadable)
        })
    }

    /// Offers the run as it stands after an invocation, so that a later [`restore`](Self::restore) may start
    /// from there. Whether it is kept is for the journal to say: one that keeps it each time writes more
    /// the longer the history is. `run` is not to be kept beyond the call itself. Without a method of
    /// its own, nothing is kept.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](crate::ErrorKind::Journal) if it could not be written. Nothing is lost then: the
    /// records are what counts.
    fn checkpoint<'a>(&'a self, run: &Run) -> BoxFuture<'a, Result<(), Error>> {
        let _ = run;
        Box::pin(std::future::ready(Ok(())))
    }

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

/// Records that make no run.
fn unreadable(error: Error) -> Error {
    let text = format!("the stored session can't be read: {error}");
    Error::new(ErrorKind::Journal, text).with_source(error)
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

    fn restore(&self) -> BoxFuture<'_, Result<Run, Error>> {
        (**self).restore()
    }

    fn checkpoint<'a>(&'a self, run: &Run) -> BoxFuture<'a, Result<(), Error>> {
        (**self).checkpoint(run)
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
