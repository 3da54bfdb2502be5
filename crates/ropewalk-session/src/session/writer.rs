//! Adding lines: in the order in which it was asked for, and all that wait at one go.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

use futures_util::{FutureExt as _, poll};
use ropewalk_core::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::sync::{Mutex as Turn, oneshot};

use crate::line;
use crate::store::SessionLog;

/// Adds the lines of a session.
#[derive(Debug)]
pub(super) struct Writer {
    log: Box<dyn SessionLog>,
    queue: Arc<Queue>,
}

/// What is to be written. Whoever waits for its turn has this and not the session, which can be given back
/// meanwhile.
#[derive(Debug)]
struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    /// The number of the next line. Held while lines are written or read: nothing comes in between.
    next: Turn<u64>,
}

/// Records that want to be written, as JSON, and who waits for it.
#[derive(Debug)]
struct Waiting {
    records: Vec<String>,
    done: oneshot::Sender<Result<(), Error>>,
}

impl Writer {
    pub(super) fn new(log: Box<dyn SessionLog>, next: u64) -> Self {
        let queue = Queue { waiting: Mutex::default(), next: Turn::new(next) };
        Self { log, queue: Arc::new(queue) }
    }

    pub(super) fn place(&self) -> String {
        self.log.place()
    }

    pub(super) fn log(&self) -> &dyn SessionLog {
        &*self.log
    }

    /// How many records there are, behind all that is at work.
    pub(super) async fn records(&self) -> u64 {
        *self.queue.next.lock().await
    }

    /// The lines from a number on, behind all that is at work.
    pub(super) async fn read(&self, from: u64) -> Result<Vec<String>, Error> {
        let mut next = self.queue.next.lock().await;
        let lines = self.log.read(from).await?;
        // A write of which nobody knew how it ended may have added some: what is there is what counts.
        *next = from + lines.len() as u64;
        Ok(lines)
    }

    /// Sees to it that records are written, behind those that came before. They are written even if nobody
    /// waits for it any more, once it has begun; before that they are dropped.
    pub(super) fn enqueue(
        self: &Arc<Self>,
        records: Vec<String>,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (done, ended) = oneshot::channel();
        self.queue.waiting().push_back(Waiting { records, done });
        let at_once = self.log.adds_at_once();
        let mut work = Box::pin(write_waiting(Arc::downgrade(self), Arc::clone(&self.queue)));
        async move {
            match Handle::try_current() {
                // What is done at once needs no task.
                Ok(runtime) if at_once => match begin(work.as_mut()).await {
                    Ok(Poll::Ready(())) => {}
                    Ok(Poll::Pending) => drop(runtime.spawn(work)),
                    // Whoever waits hears that it broke off, as if it had been in a task.
                    Err(_panic) => drop(work),
                },
                // A task of its own is seen to its end, and finds all that is asked for until it has its turn.
                Ok(runtime) => drop(runtime.spawn(work)),
                Err(_) => work.await,
            }
            ended.await.unwrap_or_else(|_| {
                let text = "the session's write broke off: nobody knows whether the records count";
                Err(Error::new(ErrorKind::Journal, text))
            })
        }
    }

    async fn write(&self, next: &mut u64, records: &[String]) -> Result<(), Error> {
        let lines = (*next..).zip(records).map(|(seq, record)| line::encode(seq, record));
        let lines: Vec<String> = lines.collect();
        let count = lines.len() as u64;
        if count > 0 {
            self.log.append(*next, lines).await?;
            *next += count;
        }
        Ok(())
    }
}

impl Queue {
    /// Takes all that wait and still want it: whoever went away has asked for nothing, and what it asked for
    /// never counts.
    fn take(&self) -> Vec<Waiting> {
        self.waiting().drain(..).filter(|waiting| !waiting.done.is_closed()).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Polls once.
fn begin<T>(
    work: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = Result<Poll<T>, Box<dyn Any + Send>>> {
    AssertUnwindSafe(async move { poll!(work) }).catch_unwind()
}

/// Writes all that wait, when it is its turn, as one. Once all have heard how their writes ended, nothing of
/// this holds the session any more.
async fn write_waiting(writer: Weak<Writer>, queue: Arc<Queue>) {
    let mut next = queue.next.lock().await;
    let mut batch = queue.take();
    // Those who wait have the session, so that there is one as long as there is something to write.
    let Some(writer) = (!batch.is_empty()).then(|| writer.upgrade()).flatten() else { return };
    let records = batch.iter_mut().flat_map(|waiting| std::mem::take(&mut waiting.records));
    let records: Vec<String> = records.collect();
    let ended = writer.write(&mut next, &records).await;
    drop((next, writer));
    for waiting in batch {
        // One that went away meanwhile finds out by reading.
        let _ = waiting.done.send(again(&ended));
    }
}

/// The same outcome for one more who waits for it.
fn again(ended: &Result<(), Error>) -> Result<(), Error> {
    match ended {
        Ok(()) => Ok(()),
        Err(error) => Err(Error::new(error.kind(), error.to_string())),
    }
}
