//! Sessions that are held for a time, and renewed as long as they are open.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ropewalk_core::Error;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{self, MissedTickBehavior};

/// How long a session is held without a word of its holder, unless it is said otherwise.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// The shortest lease: a shorter one would end while a busy network still carries its renewal.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);

/// One session that is held.
pub(super) trait Lease: Send + 'static {
    /// Holds it for another time. False if it is somebody else's now.
    fn renew(&mut self) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Gives it back.
    fn release(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Keeps a session held until it is dropped; then it is given back.
#[derive(Debug)]
pub(super) struct Keeper {
    _open: Arc<oneshot::Sender<()>>,
}

/// The sessions that this process holds in one place, and those that it is giving back.
#[derive(Default)]
pub(super) struct Keepers {
    running: Mutex<HashMap<String, Running>>,
}

struct Running {
    open: Weak<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Keepers {
    /// Keeps a session held. Needs a runtime.
    pub(super) fn keep(&self, name: &str, every: Duration, lease: impl Lease) -> Keeper {
        let (sender, dropped) = oneshot::channel();
        let open = Arc::new(sender);
        let task = tokio::spawn(keep(name.to_owned(), every, lease, dropped));
        let mut running = self.running();
        running.retain(|_, running| !running.task.is_finished());
        running.insert(name.to_owned(), Running { open: Arc::downgrade(&open), task });
        Keeper { _open: open }
    }

    /// Waits until a session that was dropped here is given back. False if it is open here.
    pub(super) async fn free(&self, name: &str) -> bool {
        let ending = {
            let mut running = self.running();
            match running.get(name).map(|running| running.open.strong_count()) {
                Some(0) => running.remove(name),
                Some(_) => return false,
                None => None,
            }
        };
        if let Some(Running { task, .. }) = ending {
            wait(task).await;
        }
        true
    }

    /// Waits until all sessions that were dropped are given back.
    pub(super) async fn released(&self) {
        let ending: Vec<_> = {
            let mut running = self.running();
            running.extract_if(|_, running| running.open.strong_count() == 0).collect()
        };
        for (_, Running { task, .. }) in ending {
            wait(task).await;
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keepers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.running().keys()).finish()
    }
}

/// One whose runtime ended gives nothing back: the lease ends by itself.
async fn wait(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::debug!("a session was not given back, its lease will end: {error}");
    }
}

async fn keep(
    name: String,
    every: Duration,
    mut lease: impl Lease,
    mut dropped: oneshot::Receiver<()>,
) {
    let mut ticks = time::interval_at(time::Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut dropped => break,
            _ = ticks.tick() => {}
        }
        match lease.renew().await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    "the session `{name}` was taken over: nothing more is added to it here"
                );
                return;
            }
            // It is tried again; if it stays so, somebody else may take the session, and what is added here is refused.
            Err(error) => tracing::warn!("the session `{name}` could not be held: {error}"),
        }
    }
    if let Err(error) = lease.release().await {
        tracing::warn!("the session `{name}` is free when its lease ends, not before: {error}");
    }
}

/// Who holds a session, for people and for the store: no two are the same.
pub(super) fn holder() -> String {
    let host = gethostname::gethostname();
    let (host, process) = (host.to_string_lossy(), std::process::id());
    format!("process {process} on {host} ({})", uuid::Uuid::new_v4().simple())
}

/// That somebody else has a session.
pub(super) fn in_use(place: &str, holder: &str, left: Duration) -> Error {
    let text = format!(
        "the session `{place}` is in use by {holder}, whose lease ends in {} s unless it is renewed: wait until then, or use another name",
        left.as_secs_f64().ceil()
    );
    Error::new(ropewalk_core::ErrorKind::Journal, text)
}

/// That it is open in this process.
pub(super) fn open_here(place: &str) -> Error {
    let text = format!(
        "the session `{place}` is in use, it is open in this process: drop that one first, or use another name"
    );
    Error::new(ropewalk_core::ErrorKind::Journal, text)
}

/// That a session is somebody else's now.
pub(super) fn taken_over(place: &str, holder: Option<&str>) -> Error {
    let who = match holder {
        Some(holder) => format!("was taken over by {holder}"),
        None => "was taken over by somebody else, or removed".to_owned(),
    };
    let text = format!("the session `{place}` {who}: nothing of this one is added to it any more");
    Error::new(ropewalk_core::ErrorKind::Journal, text)
}

/// Refuses leases that are too short to be renewed in time.
pub(super) fn check(lease: Duration) -> Result<Duration, Error> {
    if lease < SHORTEST {
        let text = format!("a lease of {lease:?} is too short: give it a second or more");
        return Err(Error::new(ropewalk_core::ErrorKind::InvalidInput, text));
    }
    Ok(lease)
}
