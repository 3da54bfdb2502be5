//! Connections that wait for the next call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};

use super::connection::Connection;

/// The connections to one server that nobody uses.
#[derive(Debug)]
pub(super) struct Pool {
    idle_timeout: Duration,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    /// The one that waits the longest first.
    connections: VecDeque<Waiting>,
    /// Whether somebody closes those that wait too long.
    is_watched: bool,
}

#[derive(Debug)]
struct Waiting {
    connection: Connection,
    since: Instant,
    /// Where it was made: nothing reaches it once that runtime stands still.
    runtime: Id,
}

impl Pool {
    pub(super) fn new(idle_timeout: Duration) -> Self {
        Self { idle_timeout, idle: Mutex::default() }
    }

    /// A connection that can take a request; the one that was used last.
    pub(super) async fn take(&self) -> Option<Connection> {
        while let Some(mut connection) = self.pop() {
            // Servers close connections as they like.
            if connection.is_ready().await {
                return Some(connection);
            }
        }
        None
    }

    fn pop(&self) -> Option<Connection> {
        let runtime = Handle::try_current().ok()?.id();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        self.drop_old(&mut idle);
        let at = idle.connections.iter().rposition(|waiting| waiting.runtime == runtime)?;
        idle.connections.remove(at).map(|waiting| waiting.connection)
    }

    fn drop_old(&self, idle: &mut Idle) {
        let is_old = |waiting: &Waiting| waiting.since.elapsed() >= self.idle_timeout;
        while idle.connections.front().is_some_and(is_old) {
            idle.connections.pop_front();
        }
    }

    /// Keeps a connection for the next call.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        // Without a runtime nobody can use it.
        let Ok(runtime) = Handle::try_current() else { return };
        let waiting = Waiting { connection, since: Instant::now(), runtime: runtime.id() };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.connections.push_back(waiting);
        if !std::mem::replace(&mut idle.is_watched, true) {
            runtime.spawn(Watch(Arc::downgrade(self)).watch(self.idle_timeout));
        }
    }

    /// Closes what waits too long. True if something waits on.
    fn close_old(&self) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        self.drop_old(&mut idle);
        idle.is_watched = !idle.connections.is_empty();
        idle.is_watched
    }
}

/// Closes what waits too long, as long as anything waits and somebody could use it.
struct Watch(Weak<Pool>);

impl Watch {
    async fn watch(self, idle_timeout: Duration) {
        loop {
            tokio::time::sleep(idle_timeout).await;
            let Some(pool) = self.0.upgrade() else { return };
            if !pool.close_old() {
                return;
            }
        }
    }
}

impl Drop for Watch {
    /// Its runtime may end before it: then the next connection that waits has another watch.
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).is_watched = false;
        }
    }
}
