//! One agent of a session, as a journal.

use std::sync::Arc;

use ropewalk_core::{BoxFuture, CallState, Error, Journal, Record, Repair, Run};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::layout::{Layout, OWN};
use super::restore::{Restoration, restore};
use super::shelf::Shelf;
use crate::disk::blocking;
use crate::session::Session;
use crate::sessions::Sessions;

/// One agent of a session in Strands' files, open in this process.
///
/// What counts is a log of its own beside these files, to which each record is written before anything
/// else; they show what Strands has to know of the run. So nothing that Ropewalk has done is done again
/// after a crash, and Strands finds the conversation as if it had led it itself.
#[derive(Debug)]
pub struct StrandsSession {
    log: Session,
    book: Arc<Mutex<Book>>,
    repairs: Vec<Repair>,
}

/// The run, and the files that show it.
#[derive(Debug)]
struct Book {
    run: Run,
    shelf: Shelf,
    /// Nobody else may have the files while something here still writes them.
    log: Session,
    /// True if something broke off: the log says what the run is.
    stale: bool,
}

impl StrandsSession {
    pub(super) async fn open(layout: Layout, manager: Option<String>) -> Result<Self, Error> {
        let place = layout.clone();
        let folder = blocking(move || place.create().map(|()| place.agent())).await?;
        // Whoever has the log has all of the agent's files.
        let log = Sessions::in_folder(folder).session(OWN).await?;
        let run = log.restore().await?;
        let run_id = log.run_id().into();
        let mut shelf = blocking(move || Shelf::open(layout, run_id, manager)).await?;
        let (run, repairs) = match shelf.foreign(&run) {
            None => (run, Vec::new()),
            Some((agent, messages)) => {
                note_given_up(&run);
                let Restoration { run, records, repairs } = restore(run, agent, messages)?;
                log.append(&records).await?;
                (run, repairs)
            }
        };
        let held = log.clone();
        let book = blocking(move || {
            shelf.show(&run, false)?;
            Ok(Book { run, shelf, log: held, stale: false })
        })
        .await?;
        if !repairs.is_empty() {
            tracing::warn!(?repairs, "the history that Strands kept was mended");
        }
        Ok(Self { log, book: Arc::new(Mutex::new(book)), repairs })
    }

    /// What had to be mended in the history that Strands kept, when the session was opened.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// The book, as the log has it.
    async fn book(&self) -> Result<OwnedMutexGuard<Book>, Error> {
        let mut book = Arc::clone(&self.book).lock_owned().await;
        if book.stale {
            let run = book.log.restore().await?;
            book = blocking(move || {
                let mut shelf = book.shelf.reopen()?;
                shelf.show(&run, false)?;
                (book.run, book.shelf, book.stale) = (run, shelf, false);
                Ok(book)
            })
            .await?;
        }
        Ok(book)
    }

    async fn add(&self, records: &[Record]) -> Result<(), Error> {
        let mut book = self.book().await?;
        let mut next = book.run.clone();
        for record in records {
            next.apply(record.clone())?;
        }
        let redacted = records.iter().any(redacts);
        // Whatever happens from here on: if it is not seen to its end, the log is asked.
        book.stale = true;
        book.log.append(records).await?;
        blocking(move || {
            book.shelf.show(&next, redacted)?;
            (book.run, book.stale) = (next, false);
            Ok(())
        })
        .await
    }
}

impl Journal for StrandsSession {
    fn run_id(&self) -> &str {
        self.log.run_id()
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        Box::pin(async move {
            let book = self.book().await?;
            book.log.load().await
        })
    }

    fn restore(&self) -> BoxFuture<'_, Result<Run, Error>> {
        Box::pin(async move { Ok(self.book().await?.run.clone()) })
    }

    fn checkpoint<'a>(&'a self, run: &Run) -> BoxFuture<'a, Result<(), Error>> {
        self.log.checkpoint(run)
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.add(records))
    }
}

/// True if what a message said must not be found any more.
fn redacts(record: &Record) -> bool {
    matches!(record, Record::ModelAnswered { turn, .. } if turn.redact_user.is_some())
}

/// Strands has gone on without what was under way here.
fn note_given_up(run: &Run) {
    for call in run.calls() {
        if let CallState::Claimed(claim) = &call.state {
            tracing::warn!(
                tool = claim.tool(),
                tool_use_id = call.tool_use.tool_use_id,
                "Strands went on with the session while this call was under way: whether it has run is not known"
            );
        }
    }
}
