//! Looking through a session for damage.

use ropewalk_core::{Error, ErrorKind, Run};

use super::Sessions;

/// A session in which every record is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The id of its run.
    pub run_id: String,
    /// How many records it has.
    pub records: u64,
    /// How many messages its history has.
    pub messages: usize,
    /// How many questions are open.
    pub questions: usize,
    /// The run that it branched off from, and after how many records, if it did.
    pub forked_from: Option<(String, u64)>,
}

impl Sessions {
    /// Reads every record of a session, checks its number and checksum, and that together they make a run.
    /// Opening a session checks what it reads, which may be the last snapshot and what came after it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is none of the name; [`ErrorKind::Journal`] if it is damaged, naming
    /// the line. Else as for [`session`](Self::session).
    pub async fn verify(&self, name: &str) -> Result<Verified, Error> {
        let (header, records) = self.read(name).await?.ok_or_else(|| self.missing(name))?;
        let run = Run::new(header.run_id.clone()).replay(records).map_err(|error| {
            let text = format!("the records of the session `{name}` make no run: {error}");
            Error::new(ErrorKind::Journal, text).with_source(error)
        })?;
        Ok(Verified {
            run_id: header.run_id,
            records: run.applied(),
            messages: run.transcript().len(),
            questions: run.open_interrupts().len(),
            forked_from: header.forked_from.map(|origin| (origin.run_id, origin.records)),
        })
    }
}
