//! Running a program to its end, or to the time when it has to stop, with all that it starts.

mod group;
mod output;

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use group::Group;

pub(crate) use output::Output;

/// How long is waited for the last output of a program that has ended.
const GRACE: Duration = Duration::from_secs(1);

/// How often a program is tried that somebody is just writing, and how long is waited in between.
const TRIES: u32 = 10;
const BUSY: Duration = Duration::from_millis(20);

/// How a program came to its end.
pub(crate) enum End {
    Exit(ExitStatus),
    Timeout,
    Cancelled,
}

/// A program that has ended, and what it printed.
pub(crate) struct Ended {
    pub(crate) end: End,
    pub(crate) out: Output,
    pub(crate) err: Output,
}

/// Runs a program with this input (none: it has no input), taking its output into `out`. When it ends,
/// takes longer than `timeout`, or `cancelled` is done, all processes that it started are ended, except
/// those that made a process group of their own; so they are if the future is dropped.
///
/// # Errors
/// It can't be started.
pub(crate) async fn run(
    mut command: Command,
    input: Option<&[u8]>,
    mut out: Output,
    timeout: Duration,
    cancelled: impl Future<Output = ()>,
) -> io::Result<Ended> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Group::prepare(&mut command);
    let mut child = start(&mut command).await?;
    let mut group = Group::of(&child);
    let mut err = Output::default();
    let end = {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feeding = async {
            // A program need not read its input, nor all of it.
            if let (Some(input), Some(mut stdin)) = (input, stdin) {
                let _ = stdin.write_all(input).await;
            }
        };
        let talking = async { tokio::join!(feeding, out.read(stdout), err.read(stderr)) };
        let ending = to_the_end(&mut child, &mut group, talking);
        tokio::select! {
            end = ending => End::Exit(end?),
            () = tokio::time::sleep(timeout) => End::Timeout,
            () = cancelled => End::Cancelled,
        }
    };
    group.kill();
    if !matches!(end, End::Exit(_)) {
        child.wait().await?;
    }
    Ok(Ended { end, out, err })
}

/// Starts a program. One that is open for writing can't be: whoever writes it is soon done, or was
/// another child of this process that had not come to its own program yet.
async fn start(command: &mut Command) -> io::Result<Child> {
    let mut tries = 1;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(BUSY).await;
            }
            started => return started,
        }
    }
}

/// Waits until the program has ended and all it printed is read. What it left running is ended: it
/// would keep the output open.
async fn to_the_end(
    child: &mut Child,
    group: &mut Group,
    talking: impl Future,
) -> io::Result<ExitStatus> {
    let mut talking = pin!(talking);
    let status = tokio::select! {
        status = child.wait() => status?,
        // Nothing more can be printed, but it may still run.
        _ = &mut talking => return child.wait().await,
    };
    group.kill();
    // A process that left the group may keep the output open for ever: then what is there will do.
    let _ = tokio::time::timeout(GRACE, talking).await;
    Ok(status)
}
