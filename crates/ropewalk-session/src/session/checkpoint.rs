//! Snapshots of the run, so that a long session opens without being read whole.

use std::sync::atomic::{AtomicU64, Ordering};

use ropewalk_core::{BoxFuture, Error, ErrorKind, Journal, Run};

use super::{Inner, Session};
use crate::line;

/// As many records at least lie between two snapshots.
const APART: u64 = 256;

/// When the last snapshot was made.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    /// How many records it holds.
    last: AtomicU64,
}

impl Checkpoints {
    /// Whether one is due. They grow further apart as the session grows, so that what is written for
    /// them stays a fixed share of what is written at all.
    fn are_due(&self, records: u64) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        records.saturating_sub(last) >= APART.max(last / 2)
    }
}

/// The run: from the last snapshot and the records behind it, or from all records if there is none that
/// can be used.
pub(super) async fn restore(session: &Session) -> Result<Run, Error> {
    let start = match snapshot(session).await? {
        Some((records, run)) => {
            session.inner.checkpoints.last.store(records, Ordering::Relaxed);
            run
        }
        None => Run::new(session.run_id()),
    };
    let records = session.records(start.applied()).await?;
    start.replay(records).map_err(|error| {
        let text = format!("the session `{}` can't be read: {error}", session.place());
        Error::new(ErrorKind::Journal, text).with_source(error)
    })
}

/// The last snapshot. One that can't be used is as good as none: the records hold all that it holds.
async fn snapshot(session: &Session) -> Result<Option<(u64, Run)>, Error> {
    let Some(text) = session.inner.writer.log().snapshot().await? else { return Ok(None) };
    let there = session.inner.writer.records().await;
    let run = line::parse::<Run>(&text).and_then(|(records, run)| {
        let fits = run.id() == session.run_id() && run.applied() == records;
        if !fits {
            return Err("it is that of another session".to_owned());
        }
        if records > there {
            return Err(format!("it holds {records} records, and the session {there}"));
        }
        Ok((records, run))
    });
    match run {
        Ok(found) => Ok(Some(found)),
        Err(why) => {
            let place = session.place();
            tracing::warn!("the snapshot of `{place}` is not used, all records are read: {why}");
            Ok(None)
        }
    }
}

/// Keeps a snapshot if one is due.
pub(super) fn offer<'a>(session: &'a Session, run: &Run) -> BoxFuture<'a, Result<(), Error>> {
    let Inner { checkpoints, writer, .. } = &*session.inner;
    let records = run.applied();
    if !checkpoints.are_due(records) {
        return Box::pin(std::future::ready(Ok(())));
    }
    let snapshot = line::json(run).map(|json| line::encode(records, &json));
    Box::pin(async move {
        writer.log().put_snapshot(snapshot?).await?;
        checkpoints.last.store(records, Ordering::Relaxed);
        Ok(())
    })
}
