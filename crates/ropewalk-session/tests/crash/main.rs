//! Crash at every step: a real process is killed at every write of the journal and at every effect,
//! started again, and must end as if nothing had happened, with no effect had twice.
//!
//! `ROPEWALK_CRASH=all` kills the second process at every point too; without it, the second process runs
//! to its end. The table that is printed (`--nocapture`) says how many points were tried;
//! what was lost or done twice would have stopped the test before.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod check;
#[path = "../copied/mod.rs"]
mod copied;
mod faults;
mod kill;
mod model;
mod scenario;
mod tools;
#[path = "../watched/mod.rs"]
mod watched;

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use check::Checked;
use copied::copy;

/// How one process ended.
enum Ended {
    Killed,
    Done,
}

/// Runs the scenario in a process of its own, which kills itself at a point.
fn run(folder: &Path, kill_at: Option<u64>, sessions: &str) -> Ended {
    let output: Output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_scenario_in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env("ROPEWALK_CRASH_FOLDER", folder)
        .env("ROPEWALK_CRASH_SESSIONS", sessions)
        .env("ROPEWALK_CRASH_AT", kill_at.unwrap_or(u64::MAX).to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    match output.status.signal() {
        Some(9) => Ended::Killed,
        None if output.status.success() => Ended::Done,
        _ => panic!(
            "point {kill_at:?}: {}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

#[tokio::test]
#[ignore = "started by the other tests, in a process of its own"]
async fn the_scenario_in_a_process_of_its_own() {
    let Ok(folder) = std::env::var("ROPEWALK_CRASH_FOLDER") else { return };
    let at = std::env::var("ROPEWALK_CRASH_AT").unwrap().parse().unwrap();
    let sessions = std::env::var("ROPEWALK_CRASH_SESSIONS").unwrap();
    scenario::run(Path::new(&folder), &sessions, kill::Switch::at(at)).await.unwrap();
}

/// `users.md` §15, item 13.
#[test]
fn users_15_13_a_crash_at_every_step_loses_nothing_and_does_nothing_twice() {
    crash_everywhere("sessions");
}

#[cfg(feature = "sqlite")]
#[test]
fn nor_does_it_with_sessions_in_sqlite() {
    crash_everywhere("sessions.db");
}

fn crash_everywhere(sessions: &str) {
    let everything = std::env::var("ROPEWALK_CRASH").is_ok_and(|wanted| wanted == "all");
    let mut tried = Tried::default();
    for first in 1.. {
        let left = tempfile::tempdir().unwrap();
        tried.processes += 1;
        if let Ended::Done = run(left.path(), Some(first), sessions) {
            break;
        }
        if everything {
            eprintln!("{sessions}: killed at {first}, after {} points", tried.points);
            go_on_from(left.path(), first, sessions, &mut tried);
        } else {
            end(left.path(), sessions, &format!("killed at {first}"), &mut tried);
        }
    }
    let Tried { points, processes, unknown, repeated } = tried;
    println!("{sessions}:");
    println!("kill points  processes  unknown and reported  idempotent, made again");
    println!("{points:>11}  {processes:>9}  {unknown:>20}  {repeated:>22}");
    assert!(points > 40, "only {points} points");
    assert!(unknown > 0 && repeated > 0, "no kill hit a tool while it ran");
}

#[derive(Default)]
struct Tried {
    points: usize,
    processes: usize,
    /// Calls that were cut off, never made again, and reported.
    unknown: usize,
    /// Calls that were cut off and made again under their key.
    repeated: usize,
}

/// Kills the process that goes on with what a first one left, at each of its points, until it gets through.
fn go_on_from(left: &Path, first: u64, sessions: &str, tried: &mut Tried) {
    for second in 1.. {
        let folder = tempfile::tempdir().unwrap();
        copy(left, folder.path());
        let what = format!("killed at {first}, then at {second}");
        tried.processes += 1;
        if let Ended::Done = run(folder.path(), Some(second), sessions) {
            check(folder.path(), sessions, &what, tried);
            break;
        }
        end(folder.path(), sessions, &what, tried);
    }
}

/// Lets a last process come to the end, and looks at what it made of it.
fn end(folder: &Path, sessions: &str, what: &str, tried: &mut Tried) {
    tried.processes += 1;
    assert!(matches!(run(folder, None, sessions), Ended::Done), "{what}");
    check(folder, sessions, what, tried);
}

fn check(folder: &Path, sessions: &str, what: &str, tried: &mut Tried) {
    tried.points += 1;
    let Checked { unknown, repeated } = check::all(folder, sessions, what);
    tried.unknown += unknown;
    tried.repeated += repeated;
}
