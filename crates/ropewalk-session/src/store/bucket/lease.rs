//! Who has a session: an object that its holder writes anew before its time is over.

use std::time::Duration;

use object_store::{Error as StoreError, ObjectMeta, PutMode, UpdateVersion};
use ropewalk_core::Error;
use serde::{Deserialize, Serialize};

use super::place::{Created, SessionPlace};
use crate::line::{damaged, json};
use crate::store::lease::{Lease, in_use};

/// What the object says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    /// None when it was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    /// How long it holds from when it was written.
    milliseconds: u64,
    /// No two are the same: where an object's tag is made of its content, one could not be told from
    /// another otherwise.
    nonce: u64,
}

/// A lease that this process has.
#[derive(Debug)]
pub(super) struct ObjectLease {
    place: SessionPlace,
    held: Held,
    version: UpdateVersion,
}

/// What came of writing the object anew.
enum Written {
    Done(UpdateVersion),
    /// Somebody else wrote it meanwhile.
    Changed,
}

impl ObjectLease {
    /// Takes the lease, if nobody has it or its time is over.
    pub(super) async fn take(
        place: SessionPlace,
        holder: &str,
        lease: Duration,
    ) -> Result<Self, Error> {
        let milliseconds = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
        let mut held = Held { holder: Some(holder.to_owned()), milliseconds, nonce: 0 };
        loop {
            let version = match read(&place).await? {
                None => create(&place, &held).await?,
                Some((found, meta)) => {
                    refuse_while_held(&place, &found, &meta, holder).await?;
                    held.nonce = found.nonce.wrapping_add(1);
                    match write(&place, &held, version_of(meta)).await? {
                        Written::Done(version) => Some(version),
                        Written::Changed => None,
                    }
                }
            };
            if let Some(version) = version {
                return Ok(Self { place, held, version });
            }
        }
    }

    /// Removes the lease of a session that is no more.
    pub(super) async fn forget(&mut self) {
        if let Err(error) = self.place.remove_lease().await {
            tracing::warn!("a lease stays behind: {error}");
        }
    }

    /// Writes the object anew. False if it is somebody else's.
    async fn write(&mut self, held: Held) -> Result<bool, Error> {
        let mut version = self.version.clone();
        loop {
            if let Written::Done(version) = write(&self.place, &held, version).await? {
                self.version = version;
                self.held = held;
                return Ok(true);
            }
            // It may be what we wrote in a request of which we did not hear how it ended.
            match read(&self.place).await? {
                Some((found, meta)) if found.holder == self.held.holder => {
                    version = version_of(meta)
                }
                _ => return Ok(false),
            }
        }
    }
}

impl Lease for ObjectLease {
    async fn renew(&mut self) -> Result<bool, Error> {
        self.write(Held { nonce: self.held.nonce.wrapping_add(1), ..self.held.clone() }).await
    }

    async fn release(&mut self) -> Result<(), Error> {
        let free =
            Held { holder: None, nonce: self.held.nonce.wrapping_add(1), ..self.held.clone() };
        self.write(free).await.map(drop)
    }
}

/// Refuses a lease whose time is not over, by the clock of the store.
async fn refuse_while_held(
    place: &SessionPlace,
    found: &Held,
    meta: &ObjectMeta,
    holder: &str,
) -> Result<(), Error> {
    let other = match &found.holder {
        Some(other) if other != holder => other,
        _ => return Ok(()),
    };
    let (objects, clock) = (place.objects(), place.clock());
    let written = objects.put(&clock, holder.to_owned().into(), PutMode::Overwrite).await;
    written.map_err(|error| objects.problem("write").error(error))?;
    let now = objects.written_at(&clock).await?;
    let passed = now.saturating_sub(meta.last_modified.timestamp_millis());
    let left = found.milliseconds.saturating_sub(u64::try_from(passed).unwrap_or_default());
    if left == 0 {
        return Ok(());
    }
    Err(in_use(&place.to_string(), other, Duration::from_millis(left)))
}

async fn read(place: &SessionPlace) -> Result<Option<(Held, ObjectMeta)>, Error> {
    let Some((meta, body)) = place.objects().get(&place.lease()).await? else { return Ok(None) };
    let held = serde_json::from_slice(&body)
        .map_err(|error| damaged(&place.to_string(), 1, &format!("of its lease: {error}")))?;
    Ok(Some((held, meta)))
}

async fn create(place: &SessionPlace, held: &Held) -> Result<Option<UpdateVersion>, Error> {
    let created = place.objects().create(&place.lease(), json(held)?.into()).await?;
    Ok(match created {
        Created::Done(put) => Some(put.into()),
        Created::There => None,
    })
}

async fn write(
    place: &SessionPlace,
    held: &Held,
    version: UpdateVersion,
) -> Result<Written, Error> {
    let (objects, path) = (place.objects(), place.lease());
    let body = bytes::Bytes::from(json(held)?);
    let written = match objects.put(&path, body.clone(), PutMode::Update(version.clone())).await {
        // A folder can create on condition, but not replace: we look before, which may be too early. Two may
        // then have the lease, and the records tell who has the session.
        Err(StoreError::NotImplemented { .. }) => match read(place).await? {
            Some((_, meta)) if version_of(meta.clone()) == version => {
                objects.put(&path, body, PutMode::Overwrite).await
            }
            _ => return Ok(Written::Changed),
        },
        written => written,
    };
    match written {
        Ok(put) => Ok(Written::Done(put.into())),
        Err(StoreError::Precondition { .. } | StoreError::NotFound { .. }) => Ok(Written::Changed),
        Err(error) => Err(objects.problem("write the lease").error(error)),
    }
}

fn version_of(meta: ObjectMeta) -> UpdateVersion {
    UpdateVersion { e_tag: meta.e_tag, version: meta.version }
}
