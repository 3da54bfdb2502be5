//! The objects of records of one session, numbered without a gap.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::PutMode;
use ropewalk_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use super::group::Group;
use super::place::{Created, SessionPlace};
use crate::line::json;
use crate::store::lease::{in_use, taken_over};

/// As many objects are read at the same time.
const TOGETHER: usize = 16;

/// As often is a session tried to be taken from one that still adds to it, though its lease has ended.
const TRIES: u32 = 20;

/// The first line of a snapshot is not longer.
const FIRST_LINE: u64 = 128;

/// A place between two records: which object begins there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// The number of the object.
    object: u64,
    /// The number of its first record.
    record: u64,
}

/// The records of a session that this process has.
#[derive(Debug)]
pub(super) struct Records {
    place: SessionPlace,
    writer: String,
    /// Where the next object goes.
    end: Position,
    /// From where on to read what the last snapshot does not hold.
    snapshot: Position,
    /// What was to be the next object may be there, or may yet come.
    in_doubt: bool,
}

impl Records {
    /// Takes the records of a session: whoever added to them before can't any more.
    pub(super) async fn take_over(place: SessionPlace, writer: &str) -> Result<Self, Error> {
        let snapshot = snapshot_position(&place).await?;
        let mut records =
            Self { place, writer: writer.to_owned(), end: snapshot, snapshot, in_doubt: false };
        for _ in 0..TRIES {
            let numbers = records.place.list(records.end.object).await?;
            if let Some(last) = numbers.last() {
                let group = group(&records.place, *last).await?;
                records.end = Position { object: last + 1, record: group.end() };
            }
            match records.put(Vec::new()).await? {
                None => return Ok(records),
                // Somebody else took it at the same time.
                Some(other) if other.lines.is_empty() => {
                    let place = records.place.to_string();
                    return Err(in_use(&place, &other.writer, std::time::Duration::ZERO));
                }
                Some(_) => {}
            }
        }
        let text = format!(
            "the session `{}` can't be taken: somebody adds to it all the time, though its lease has ended",
            records.place
        );
        Err(Error::new(ErrorKind::Journal, text))
    }

    pub(super) fn place(&self) -> &SessionPlace {
        &self.place
    }

    /// The number of the next record.
    pub(super) fn next(&self) -> u64 {
        self.end.record
    }

    pub(super) async fn append(&mut self, first: u64, lines: Vec<String>) -> Result<(), Error> {
        self.settle().await?;
        if first != self.end.record {
            let text = format!(
                "the session `{}` has {} records, where {first} were expected",
                self.place, self.end.record
            );
            return Err(Error::new(ErrorKind::Journal, text));
        }
        match self.put(lines).await? {
            None => Ok(()),
            Some(other) => Err(taken_over(&self.place.to_string(), Some(&other.writer))),
        }
    }

    /// The records from one on.
    pub(super) async fn read(&mut self, from: u64) -> Result<Vec<String>, Error> {
        self.settle().await?;
        let start = if from >= self.snapshot.record { self.snapshot } else { Position::default() };
        let lines = read(&self.place, start).await?;
        let skipped = usize::try_from(from - start.record).unwrap_or(usize::MAX);
        Ok(lines.into_iter().skip(skipped).collect())
    }

    /// All records of a session that this process does not have.
    pub(super) async fn read_all(place: &SessionPlace) -> Result<Vec<String>, Error> {
        read(place, Position::default()).await
    }

    pub(super) async fn snapshot(&self) -> Result<Option<String>, Error> {
        read_snapshot(&self.place).await
    }

    /// Puts a snapshot in place of the last one. One that somebody who lost the session puts holds what the
    /// session once was: it can be read on from as well as any other.
    pub(super) async fn put_snapshot(&mut self, snapshot: &str) -> Result<(), Error> {
        self.settle().await?;
        let body = format!("{}\n{snapshot}", json(&self.end)?);
        let objects = self.place.objects();
        let put = objects.put(&self.place.snapshot(), body.into(), PutMode::Overwrite).await;
        put.map_err(|error| objects.problem("write the snapshot").error(error))?;
        self.snapshot = self.end;
        Ok(())
    }

    /// Makes sure that an object of which nobody knows whether it was written is there now or never will be:
    /// its number is used for one without records.
    async fn settle(&mut self) -> Result<(), Error> {
        if !self.in_doubt {
            return Ok(());
        }
        match self.put(Vec::new()).await? {
            None => Ok(()),
            Some(other) => Err(taken_over(&self.place.to_string(), Some(&other.writer))),
        }
    }

    /// Puts the next object. If somebody else was before, it is that one's that is there; if we were, in a
    /// request that broke off, what it held counts.
    async fn put(&mut self, lines: Vec<String>) -> Result<Option<Group>, Error> {
        let Position { object, record } = self.end;
        let group = Group { first: record, writer: self.writer.clone(), lines };
        let path = self.place.record(object);
        let body = group.encode()?;
        self.in_doubt = true;
        let there = match self.create_at(&path, body).await? {
            Created::Done(_) => group,
            Created::There => self::group(&self.place, object).await?,
        };
        self.in_doubt = false;
        if there.writer != self.writer {
            return Ok(Some(there));
        }
        self.end = Position { object: object + 1, record: there.end() };
        Ok(None)
    }

    async fn create_at(
        &self,
        path: &object_store::path::Path,
        body: Bytes,
    ) -> Result<Created, Error> {
        let objects = self.place.objects();
        match objects.create(path, body.clone()).await {
            // The same once more can't do harm: one of the two is refused.
            Err(error) if error.kind() == ErrorKind::Journal => {
                tracing::info!("{error}: it is asked for again");
                objects.create(path, body).await
            }
            ended => ended,
        }
    }
}

/// The records from a position on.
async fn read(place: &SessionPlace, start: Position) -> Result<Vec<String>, Error> {
    let numbers = place.list(start.object).await?;
    let mut groups = stream::iter(numbers.into_iter().map(|number| {
        let place = place.clone();
        async move { group(&place, number).await.map(|group| (number, group)) }
    }))
    .buffered(TOGETHER);
    let mut lines = Vec::new();
    let mut at = start;
    while let Some((number, group)) = groups.try_next().await? {
        if (number, group.first) != (at.object, at.record) {
            let why = format!(
                "object {number} begins with record {}, where object {} with record {} was expected",
                group.first, at.object, at.record
            );
            return Err(damaged(place, &why));
        }
        at = Position { object: number + 1, record: group.end() };
        lines.extend(group.lines);
    }
    Ok(lines)
}

async fn group(place: &SessionPlace, number: u64) -> Result<Group, Error> {
    let found = place.objects().get(&place.record(number)).await?;
    let Some((_, body)) = found else {
        return Err(damaged(place, &format!("object {number} of its records is gone")));
    };
    Group::decode(&body)
        .map_err(|why| damaged(place, &format!("object {number} of its records is damaged: {why}")))
}

/// The snapshot. What can't be read is as good as none.
async fn read_snapshot(place: &SessionPlace) -> Result<Option<String>, Error> {
    let Some((_, body)) = place.objects().get(&place.snapshot()).await? else { return Ok(None) };
    let text = std::str::from_utf8(&body).ok();
    Ok(text.and_then(|text| text.split_once('\n')).map(|(_, snapshot)| snapshot.to_owned()))
}

/// From where on to read what the snapshot does not hold: it says so in its first line.
async fn snapshot_position(place: &SessionPlace) -> Result<Position, Error> {
    let start = place.objects().get_start(&place.snapshot(), FIRST_LINE).await?.unwrap_or_default();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(serde_json::from_slice(line).unwrap_or_default())
}

fn damaged(place: &SessionPlace, why: &str) -> Error {
    let text = format!(
        "the session `{place}` is damaged: {why}. Nothing was changed; restore it from a copy, or begin a new session"
    );
    Error::new(ErrorKind::Journal, text)
}
