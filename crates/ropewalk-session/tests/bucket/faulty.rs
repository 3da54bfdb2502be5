//! A store whose requests fail when they are told to.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Writes fail, and are done later.
    Before,
    /// Writes are done, and fail nevertheless.
    After,
    IgnoresConditions,
    KnowsNoConditions,
}

#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    inner: Arc<InMemory>,
    plan: Arc<Mutex<(Fault, usize)>>,
    late: Arc<Mutex<Vec<(Path, PutPayload, PutOptions)>>>,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        let plan = Arc::new(Mutex::new((Fault::Before, 0)));
        Self { inner: Arc::new(InMemory::new()), plan, late: Arc::default() }
    }

    /// So many of the next writes fail.
    pub(crate) fn fail(&self, fault: Fault, times: usize) {
        *self.plan.lock().unwrap() = (fault, times);
    }

    /// Does the writes that failed before they were done.
    pub(crate) async fn deliver_late(&self) {
        let late: Vec<_> = self.late.lock().unwrap().drain(..).collect();
        for (path, payload, options) in late {
            // They are done as what they are: on condition.
            let _ = self.inner.put_opts(&path, payload, options).await;
        }
    }

    fn next_fault(&self) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        if plan.1 == 0 {
            return None;
        }
        plan.1 -= 1;
        Some(plan.0)
    }
}

fn broken() -> Error {
    Error::Generic { store: "Faulty", source: "the connection broke off".into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        match self.next_fault() {
            None => self.inner.put_opts(path, payload, options).await,
            Some(Fault::Before) => {
                self.late.lock().unwrap().push((path.clone(), payload, options));
                Err(broken())
            }
            Some(Fault::After) => {
                let _ = self.inner.put_opts(path, payload, options).await;
                Err(broken())
            }
            Some(Fault::IgnoresConditions) => self.inner.put(path, payload).await,
            Some(Fault::KnowsNoConditions) => Err(Error::NotImplemented {
                operation: "put on condition".into(),
                implementer: "Faulty".into(),
            }),
        }
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
