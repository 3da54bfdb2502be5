//! One session, open in this process.

mod checkpoint;
mod writer;

use std::sync::Arc;

use ropewalk_core::{BoxFuture, Error, Journal, Record, Run};

use crate::line::{self, Header};
use crate::store::{Opened, SessionStore};

use checkpoint::Checkpoints;
use writer::Writer;

/// One session, open in this process and in no other: the journal of one agent. Clones share it; it is
/// given back when the last of them is dropped.
///
/// Records that are added at the same time, by tools that run together, are written as one, unless the place adds
/// them at once.
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    run_id: String,
    repaired: Option<String>,
    writer: Arc<Writer>,
    checkpoints: Checkpoints,
}

impl Session {
    pub(crate) async fn open(
        store: &dyn SessionStore,
        name: &str,
        header: &Header,
    ) -> Result<Self, Error> {
        let Opened { header, next, log, repaired } = store.open(name, &header.to_json()?).await?;
        let header = Header::parse(&header, &log.place())?;
        let inner = Inner {
            name: name.to_owned(),
            run_id: header.run_id,
            repaired,
            writer: Arc::new(Writer::new(log, next)),
            checkpoints: Checkpoints::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Where it lies, for people: a path, an address.
    pub fn place(&self) -> String {
        self.inner.writer.place()
    }

    /// What was found damaged and mended when the session was opened: records that were cut off
    /// while they were written, and so never counted.
    pub fn repaired(&self) -> Option<&str> {
        self.inner.repaired.as_deref()
    }

    /// The records from a number on.
    async fn records(&self, from: u64) -> Result<Vec<Record>, Error> {
        let lines = self.inner.writer.read(from).await?;
        decoded(&self.place(), from, &lines)
    }
}

/// The records of lines of which the first has this number.
pub(crate) fn decoded(place: &str, from: u64, lines: &[String]) -> Result<Vec<Record>, Error> {
    (from..)
        .zip(lines)
        // The header is line 1.
        .map(|(seq, text)| {
            line::decode(seq, text).map_err(|why| line::damaged(place, seq + 2, &why))
        })
        .collect()
}

impl Journal for Session {
    fn run_id(&self) -> &str {
        &self.inner.run_id
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        Box::pin(self.records(0))
    }

    fn restore(&self) -> BoxFuture<'_, Result<Run, Error>> {
        Box::pin(checkpoint::restore(self))
    }

    fn checkpoint<'a>(&'a self, run: &Run) -> BoxFuture<'a, Result<(), Error>> {
        checkpoint::offer(self, run)
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        // The turn is taken here, not at the first poll: what is asked later happens later.
        let written = records
            .iter()
            .map(line::json)
            .collect::<Result<Vec<_>, _>>()
            .map(|records| self.inner.writer.enqueue(records));
        Box::pin(async move { written?.await })
    }
}
