//! The runtime that waits.

use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Handle};

use crate::error::{Error, ErrorKind};

/// Waits for what an agent does, on this thread: `wait(agent.invoke("hello"))`. Works anywhere, inside
/// an async runtime too.
///
/// All that is waited for runs on one runtime of this process, so that connections live from one call to
/// the next.
///
/// ```
/// use ropewalk_core::{Error, blocking};
///
/// assert_eq!(blocking::wait(async { Ok::<_, Error>(3) })?, 3);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// The future's own, and [`ErrorKind::Other`] if the system gives no thread or no timer.
///
/// # Panics
/// The future panics.
pub fn wait<T, F>(future: F) -> Result<T, Error>
where
    F: IntoFuture<Output = Result<T, Error>>,
    F::IntoFuture: Send,
    T: Send,
{
    let runtime = runtime()?;
    let future = future.into_future();
    if Handle::try_current().is_err() {
        return runtime.block_on(future);
    }
    // A thread of a runtime can't wait for another one: a thread beside it does.
    thread::scope(|scope| {
        let waiting = thread::Builder::new()
            .name("ropewalk-wait".to_owned())
            .spawn_scoped(scope, || runtime.block_on(future))
            .map_err(no_thread)?;
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The runtime of this process for code without async. A thread of its own drives it, also while nobody
/// waits.
fn runtime() -> Result<Handle, Error> {
    static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);

    let mut kept = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*kept {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("ropewalk-blocking".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .map_err(no_thread)?;
    *kept = Some(handle.clone());
    Ok(handle)
}

fn no_thread(error: std::io::Error) -> Error {
    let text = format!("an agent can't be waited for: {error}");
    Error::new(ErrorKind::Other, text).with_source(error)
}
