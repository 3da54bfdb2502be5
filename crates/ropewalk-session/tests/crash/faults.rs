//! A disk that fails at every write in turn, and a clock that jumps back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ropewalk_core::{BoxFuture, Error, ErrorKind};
use ropewalk_session::{FileStore, SessionLog};

use super::kill::Switch;
use super::watched::{Watch, Watched};
use super::{check, scenario};

/// Lets the `at`th write fail, from 1: before anything is written, or behind it, as when nobody knows
/// whether it is on the disk.
#[derive(Clone, Debug)]
struct Failing {
    writes: Arc<AtomicU64>,
    at: u64,
    behind: bool,
}

impl Watch for Failing {
    fn append<'a>(
        &'a self,
        log: &'a dyn SessionLog,
        first: u64,
        lines: Vec<String>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let fails = self.writes.fetch_add(1, Ordering::SeqCst) + 1 == self.at;
            let full = || Error::new(ErrorKind::Journal, "no space left on the device");
            if fails && !self.behind {
                return Err(full());
            }
            log.append(first, lines).await?;
            if fails { Err(full()) } else { Ok(()) }
        })
    }
}

/// The clock of the second start: it was put back.
fn an_hour_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600)
}

#[tokio::test]
async fn a_write_that_fails_anywhere_is_an_error_and_the_next_start_goes_on() {
    for behind in [false, true] {
        let mut failed = 0;
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let inner = FileStore::new(folder.path().join("sessions"));
            let failing = Failing { writes: Arc::default(), at, behind };
            let store = Watched { store: inner.clone(), watch: failing.clone() };
            let never = Switch::at(u64::MAX);
            let ended =
                scenario::run_on(folder.path(), never.clone(), store, SystemTime::now).await;
            if failing.writes.load(Ordering::SeqCst) < at {
                break;
            }
            let error = ended.expect_err("a failed write is not swallowed");
            assert!(error.report().contains("no space left"), "{error}");
            failed += 1;
            scenario::run_on(folder.path(), never, inner, an_hour_ago).await.unwrap();
            check::all(folder.path(), "sessions", &format!("write {at} failed, behind: {behind}"));
        }
        assert!(failed > 15, "only {failed} writes");
    }
}
