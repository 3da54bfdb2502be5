//! Counts the points at which a process may die, and lets it die at one of them: by a real SIGKILL.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ropewalk_core::{BoxFuture, Error};
use ropewalk_session::SessionLog;

use super::watched::Watch;

#[derive(Clone, Debug)]
pub(crate) struct Switch {
    at: u64,
    passed: Arc<AtomicU64>,
}

impl Switch {
    /// Kills the process when it passes its `at`th point, from 1.
    pub(crate) fn at(at: u64) -> Self {
        Self { at, passed: Arc::default() }
    }

    /// A point at which the process may die.
    pub(crate) fn point(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 != self.at {
            return;
        }
        let id = std::process::id().to_string();
        Command::new("kill").args(["-9", &id]).status().unwrap();
        loop {
            std::thread::park();
        }
    }
}

/// A point before and behind each write.
impl Watch for Switch {
    fn opening(&self) {
        self.point();
    }

    fn append<'a>(
        &'a self,
        log: &'a dyn SessionLog,
        first: u64,
        lines: Vec<String>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.point();
            log.append(first, lines).await?;
            self.point();
            Ok(())
        })
    }

    fn put_snapshot<'a>(
        &'a self,
        log: &'a dyn SessionLog,
        snapshot: String,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.point();
            log.put_snapshot(snapshot).await?;
            self.point();
            Ok(())
        })
    }
}
