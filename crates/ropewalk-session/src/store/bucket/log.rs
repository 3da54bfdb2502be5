//! The log of one session, open in this process.

use ropewalk_core::{BoxFuture, Error};
use tokio::sync::Mutex;

use super::records::Records;
use crate::store::SessionLog;
use crate::store::lease::Keeper;

#[derive(Debug)]
pub(super) struct BucketLog {
    place: String,
    records: Mutex<Records>,
    _keeper: Keeper,
}

impl BucketLog {
    pub(super) fn new(records: Records, keeper: Keeper) -> Self {
        Self { place: records.place().to_string(), records: Mutex::new(records), _keeper: keeper }
    }
}

impl SessionLog for BucketLog {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move { self.records.lock().await.read(from).await })
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.records.lock().await.append(first, lines).await })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(async move { self.records.lock().await.snapshot().await })
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.records.lock().await.put_snapshot(&snapshot).await })
    }
}
