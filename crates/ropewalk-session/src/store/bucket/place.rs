//! Where things lie, and the requests that are made there.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutResult};
use ropewalk_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::problem::Problem;

/// The sessions under a prefix.
#[derive(Clone, Debug)]
pub(super) struct Place {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// The log of one session.
#[derive(Clone, Debug)]
pub(super) struct SessionPlace {
    place: Place,
    name: String,
    /// The name of its log: a session that is removed and begun anew has another one.
    log: String,
}

/// What `NAME.json` says.
#[derive(Serialize, Deserialize)]
struct Begun {
    header: String,
    log: String,
}

/// What came of creating an object.
#[derive(Debug)]
pub(super) enum Created {
    Done(PutResult),
    /// There is one already.
    There,
}

impl Place {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self { store, prefix }
    }

    /// A session as people may see it.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{name} in {self}")
    }

    /// Makes sure that of two who create an object the second is told so.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let path = self.path(&format!("probe-{}", Uuid::new_v4().simple()));
        let probe = || {
            self.create(
                &path,
                Bytes::from_static(b"Ropewalk looks whether objects are created on condition.\n"),
            )
        };
        let first = probe().await?;
        let second = probe().await;
        // It has no other use; one that stays does no harm.
        let _ = self.store.delete(&path).await;
        match (first, second?) {
            (Created::Done(_), Created::There) => Ok(()),
            _ => {
                let text = format!(
                    "{self} ignores the condition under which objects are created (If-None-Match), so that two processes could write one session: use a store that keeps to it"
                );
                Err(Error::new(ErrorKind::Unsupported, text))
            }
        }
    }

    /// Finds a session, or begins it with the header.
    pub(super) async fn begin(
        &self,
        name: &str,
        header: &str,
    ) -> Result<(SessionPlace, String), Error> {
        loop {
            if let Some(found) = self.find(name).await? {
                return Ok(found);
            }
            let log = Uuid::new_v4().simple().to_string();
            let begun = Begun { header: header.to_owned(), log: log.clone() };
            let body = crate::line::json(&begun)?;
            if let Created::Done(_) = self.create(&self.session(name), body.into()).await? {
                let place = SessionPlace { place: self.clone(), name: name.to_owned(), log };
                return Ok((place, header.to_owned()));
            }
        }
    }

    /// Finds a session, with its header.
    pub(super) async fn find(&self, name: &str) -> Result<Option<(SessionPlace, String)>, Error> {
        let path = self.session(name);
        let Some((_, body)) = self.get(&path).await? else { return Ok(None) };
        let Begun { header, log } = serde_json::from_slice(&body)
            .map_err(|error| crate::line::damaged(&self.named(name), 1, &error.to_string()))?;
        // It becomes part of a path.
        if log.is_empty() || !log.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let why = format!("`{log}` is no name of a log");
            return Err(crate::line::damaged(&self.named(name), 1, &why));
        }
        Ok(Some((SessionPlace { place: self.clone(), name: name.to_owned(), log }, header)))
    }

    pub(super) async fn names(&self) -> Result<Vec<String>, Error> {
        let folder = self.path("sessions");
        let listed = self.store.list_with_delimiter(Some(&folder)).await;
        let listed = listed.map_err(|error| self.problem("list the sessions").error(error))?;
        let names = listed.objects.iter().filter_map(|object| {
            object.location.filename()?.strip_suffix(".json").map(str::to_owned)
        });
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Creates an object, if there is none.
    pub(super) async fn create(&self, path: &Path, body: Bytes) -> Result<Created, Error> {
        match self.put(path, body, PutMode::Create).await {
            Ok(put) => Ok(Created::Done(put)),
            // Some say the one, some the other.
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(Created::There),
            Err(error) => Err(self.problem("write").error(error)),
        }
    }

    pub(super) async fn put(
        &self,
        path: &Path,
        body: Bytes,
        mode: PutMode,
    ) -> object_store::Result<PutResult> {
        self.store.put_opts(path, body.into(), mode.into()).await
    }

    /// Reads an object whole; none if there is none.
    pub(super) async fn get(&self, path: &Path) -> Result<Option<(ObjectMeta, Bytes)>, Error> {
        self.get_with(path, GetOptions::default()).await
    }

    /// Reads the first bytes of an object; none if there is none.
    pub(super) async fn get_start(&self, path: &Path, length: u64) -> Result<Option<Bytes>, Error> {
        let options = GetOptions { range: Some((0..length).into()), ..GetOptions::default() };
        Ok(self.get_with(path, options).await?.map(|(_, start)| start))
    }

    async fn get_with(
        &self,
        path: &Path,
        options: GetOptions,
    ) -> Result<Option<(ObjectMeta, Bytes)>, Error> {
        let got = match self.store.get_opts(path, options).await {
            Ok(got) => {
                let meta = got.meta.clone();
                got.bytes().await.map(|body| (meta, body))
            }
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => Err(error),
        };
        got.map(Some).map_err(|error| self.problem("read").error(error))
    }

    /// When an object was written, by the clock of the store, in milliseconds.
    pub(super) async fn written_at(&self, path: &Path) -> Result<i64, Error> {
        let meta = self.store.head(path).await;
        let meta = meta.map_err(|error| self.problem("read").error(error))?;
        Ok(meta.last_modified.timestamp_millis())
    }

    pub(super) fn problem<'a>(&'a self, what: &'a str) -> Problem<'a> {
        Problem::new(what, self)
    }

    fn session(&self, name: &str) -> Path {
        self.path("sessions").join(format!("{name}.json"))
    }

    fn path(&self, part: &str) -> Path {
        self.prefix.clone().join(part)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.store, self.prefix)
    }
}

impl SessionPlace {
    pub(super) fn objects(&self) -> &Place {
        &self.place
    }

    pub(super) fn lease(&self) -> Path {
        self.folder().join("lease.json")
    }

    /// An object that is only written to learn what time it is.
    pub(super) fn clock(&self) -> Path {
        self.folder().join("clock")
    }

    pub(super) fn snapshot(&self) -> Path {
        self.folder().join("snapshot.jsonl")
    }

    pub(super) fn record(&self, number: u64) -> Path {
        self.records().join(format!("{number:020}.jsonl"))
    }

    /// The numbers of the objects of records from one on, in their order.
    pub(super) async fn list(&self, from: u64) -> Result<Vec<u64>, Error> {
        let (store, folder) = (&self.place.store, self.records());
        let listed = match from.checked_sub(1) {
            Some(before) => store.list_with_offset(Some(&folder), &self.record(before)),
            None => store.list(Some(&folder)),
        };
        let found = listed.try_collect::<Vec<_>>().await;
        let found = found.map_err(|error| self.place.problem("list the records").error(error))?;
        let number = |object: &ObjectMeta| {
            let number = object.location.filename()?.strip_suffix(".jsonl")?.parse::<u64>().ok()?;
            // Nothing comes behind the last number there is: it is none of ours.
            (number < u64::MAX).then_some(number)
        };
        let mut numbers: Vec<_> = found.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Removes the session, and then all of its log but the lease, which keeps others out until the end.
    pub(super) async fn remove(&self) -> Result<(), Error> {
        let (place, lease) = (&self.place, self.lease());
        let failed = |error| place.problem("remove").error(error);
        place.store.delete(&place.session(&self.name)).await.map_err(failed)?;
        let listed = place.store.list(Some(&self.folder())).map_ok(|object| object.location);
        let mut paths = listed.try_collect::<Vec<_>>().await.map_err(failed)?;
        paths.retain(|path| *path != lease);
        let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
        place.store.delete_stream(paths).try_collect::<Vec<_>>().await.map(drop).map_err(failed)
    }

    pub(super) async fn remove_lease(&self) -> Result<(), Error> {
        match self.place.store.delete(&self.lease()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.place.problem("remove").error(error)),
        }
    }

    fn folder(&self) -> Path {
        self.place.path("logs").join(self.name.as_str()).join(self.log.as_str())
    }

    fn records(&self) -> Path {
        self.folder().join("records")
    }
}

/// The same log of the same place.
impl PartialEq for SessionPlace {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.log) == (&other.name, &other.log)
    }
}

impl fmt::Display for SessionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place.named(&self.name))
    }
}
