//! Branching off, and going back.

use ropewalk_core::{CallState, Error, ErrorKind, Journal as _, Record, Run, ToolCall};
use uuid::Uuid;

use super::Sessions;
use crate::line::{Header, Origin};

impl Sessions {
    /// Begins a session `into` that is what `name` was after its first `records` records, or is now. It is a
    /// run of its own: approvals that were given in the other are asked for again. The other one is left as
    /// it is, and may be at work.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is no session `name`, or one named `into`; if it has not so many
    /// records; or if a tool was running then, whose effect can't be had twice. Else as for
    /// [`session`](Self::session).
    pub async fn fork(&self, name: &str, records: Option<u64>, into: &str) -> Result<(), Error> {
        let (header, prefix) = self.prefix(name, records).await?;
        let origin = Origin { run_id: header.run_id.clone(), records: prefix.len() as u64 };
        let fork = Header::new(Uuid::new_v4().to_string()).forked_from(origin);
        let (run, quiet) = replayed(&header, &prefix)?;
        if let Some(call) = at_work(&run) {
            let text = format!(
                "after {} records of `{name}` the tool `{}` was running: branch off before it, after {quiet} records, or later",
                run.applied(),
                call.tool_use.name,
            );
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        self.begin(into, &fork, &prefix).await
    }

    /// Lets a session stand where it stood after its first `records` records. Nothing is removed: that it
    /// went back is one more record, and what came between can still be branched off from.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is no such session or it has not so many records. Else as for
    /// [`session`](Self::session).
    pub async fn rewind(&self, name: &str, records: u64) -> Result<(), Error> {
        let (header, prefix) = self.prefix(name, Some(records)).await?;
        let restored = replayed(&header, &prefix)?.0.parts()?;
        let session = self.session(name).await?;
        let record = Record::SnapshotLoaded { restored: restored.into() };
        session.restore().await?.check(&record)?;
        session.append(&[record]).await
    }

    /// The first records of a session.
    async fn prefix(
        &self,
        name: &str,
        records: Option<u64>,
    ) -> Result<(Header, Vec<Record>), Error> {
        let (header, mut all) = self.read(name).await?.ok_or_else(|| self.missing(name))?;
        if let Some(wanted) = records {
            let length = all.len();
            let wanted = usize::try_from(wanted).ok().filter(|wanted| *wanted <= length);
            let wanted = wanted.ok_or_else(|| {
                let text = format!("the session `{name}` has {length} records, and not so many");
                Error::new(ErrorKind::InvalidInput, text)
            })?;
            all.truncate(wanted);
        }
        Ok((header, all))
    }
}

/// The run that records make, and after how many of them no tool was running for the last time.
fn replayed(header: &Header, records: &[Record]) -> Result<(Run, usize), Error> {
    let mut run = Run::new(header.run_id.clone());
    let mut quiet = 0;
    for (count, record) in (1..).zip(records) {
        run.apply(record.clone())?;
        if at_work(&run).is_none() {
            quiet = count;
        }
    }
    Ok((run, quiet))
}

/// A call of which nobody knows whether it has run.
fn at_work(run: &Run) -> Option<&ToolCall> {
    run.calls().iter().find(|call| matches!(call.state, CallState::Claimed(_)))
}
