//! Sessions in an object store.

#[cfg(feature = "cloud")]
mod cloud;
mod group;
mod lease;
mod log;
mod place;
mod problem;
mod records;

use std::sync::Arc;
use std::time::Duration;

use object_store::{ObjectStore, path::Path};
use ropewalk_core::{BoxFuture, Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use super::lease::{self as held, Keepers, LEASE};
use super::{Opened, SessionStore, Stored};
use lease::ObjectLease;
use log::BucketLog;
use place::Place;
use records::Records;

/// Sessions in an object store, S3 and its like, for processes on many hosts. Each append is one object, and
/// nothing else runs anywhere.
///
/// ```text
/// PREFIX/sessions/NAME.json                            which log is that of the session
/// PREFIX/logs/NAME/ID/records/00000000000000000042.jsonl   what one append added
/// PREFIX/logs/NAME/ID/snapshot.jsonl                   the last snapshot, and from where on to read
/// PREFIX/logs/NAME/ID/lease.json                       who has the session
/// ```
///
/// An object of records is only ever *created*, and the store lets one alone create the object of a number. That
/// is the fence: whoever takes a session over creates the next one first, and the one before finds its number
/// taken and adds nothing more. Of a request that broke off the same tells whether it counts. The store
/// must create objects on condition (S3, GCS, Azure, R2 and moto do); one that does not, or that ignores the
/// condition, is refused when the first session is opened.
///
/// Whoever opens a session holds it under a lease of 30 s by the store's clock, which is renewed as long as the
/// session is open and given back when it is dropped (see [`Sessions::released`]).
///
/// ```
/// use std::sync::Arc;
///
/// use object_store::memory::InMemory;
/// use ropewalk_session::{BucketStore, Sessions};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// // Any store of the crate `object_store`, made as you like:
/// let store = BucketStore::new(Arc::new(InMemory::new()), "sessions")?;
/// let session = Sessions::new(store).session("ada").await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Sessions::released`]: crate::Sessions::released
#[derive(Clone, Debug)]
pub struct BucketStore {
    place: Place,
    keepers: Arc<Keepers>,
    lease: Duration,
    /// Whether it keeps to its conditions was found out.
    checked: Arc<OnceCell<()>>,
}

impl BucketStore {
    /// The sessions under a prefix (a path without slashes at its ends; it may be empty) of an object store.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) for a prefix that is no path.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self, Error> {
        let prefix = Path::parse(prefix).map_err(|error| {
            let text = format!("`{prefix}` is no prefix of objects: {error}");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?;
        Ok(Self {
            place: Place::new(store, prefix),
            keepers: Arc::default(),
            lease: LEASE,
            checked: Arc::default(),
        })
    }

    /// The sessions at a URL, with the settings of the environment: `s3://BUCKET/PREFIX` (feature `aws`;
    /// `AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT` for what speaks its protocol, …), `gs://BUCKET/PREFIX`
    /// (feature `gcp`), `az://CONTAINER/PREFIX` (feature `azure`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) for a URL that is none or settings that
    /// don't fit; [`ErrorKind::Unsupported`](ropewalk_core::ErrorKind::Unsupported) for one of another store, or of
    /// one that was left out of this build.
    ///
    /// ```no_run
    /// use ropewalk_session::{BucketStore, Sessions};
    ///
    /// # async fn example() -> Result<(), ropewalk_core::Error> {
    /// let store = BucketStore::from_url("s3://my-agents/sessions")?;
    /// let session = Sessions::new(store).session("ada").await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "cloud")]
    pub fn from_url(url: &str) -> Result<Self, Error> {
        let (store, prefix) = cloud::store(url)?;
        Self::new(store, prefix.as_ref())
    }

    /// How long a session is held without a word of its holder: 30 s without this. Shorter means that a session
    /// of a killed process is free sooner, that it is renewed more often, and that one whose network is slow is
    /// lost sooner.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) for less than a second.
    pub fn lease(self, lease: Duration) -> Result<Self, Error> {
        Ok(Self { lease: held::check(lease)?, ..self })
    }

    /// Refuses a store that does not create objects on condition.
    async fn check(&self) -> Result<(), Error> {
        if Handle::try_current().is_err() {
            let text = "sessions in an object store need a Tokio runtime: call this inside of one";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        self.checked.get_or_try_init(|| self.place.check()).await.map(drop)
    }

    async fn open_now(&self, name: &str, header: &str) -> Result<Opened, Error> {
        self.check().await?;
        if !self.keepers.free(name).await {
            return Err(held::open_here(&self.place.named(name)));
        }
        let holder = held::holder();
        loop {
            let (place, header) = self.place.begin(name, header).await?;
            let mut lease = ObjectLease::take(place.clone(), &holder, self.lease).await?;
            // It may have been removed and begun anew meanwhile.
            let still = self.place.find(name).await?.is_some_and(|(found, _)| found == place);
            if !still {
                lease.forget().await;
                continue;
            }
            let keeper = self.keepers.keep(name, self.lease / 3, lease);
            let records = Records::take_over(place, &holder).await?;
            return Ok(Opened {
                header,
                next: records.next(),
                log: Box::new(BucketLog::new(records, keeper)),
                repaired: None,
            });
        }
    }

    async fn remove_now(&self, name: &str) -> Result<bool, Error> {
        self.check().await?;
        if !self.keepers.free(name).await {
            return Err(held::open_here(&self.place.named(name)));
        }
        let Some((place, _)) = self.place.find(name).await? else { return Ok(false) };
        let holder = held::holder();
        let lease = ObjectLease::take(place.clone(), &holder, self.lease).await?;
        let keeper = self.keepers.keep(name, self.lease / 3, lease);
        // Who had it before adds nothing more.
        Records::take_over(place.clone(), &holder).await?;
        place.remove().await?;
        drop(keeper);
        self.keepers.released().await;
        place.remove_lease().await?;
        Ok(true)
    }
}

impl SessionStore for BucketStore {
    fn place(&self) -> String {
        self.place.to_string()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(self.open_now(name, header))
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        Box::pin(async move {
            let Some((place, header)) = self.place.find(name).await? else { return Ok(None) };
            Ok(Some(Stored { header, lines: Records::read_all(&place).await? }))
        })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(self.place.names())
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(self.remove_now(name))
    }

    fn released(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.keepers.released())
    }
}
