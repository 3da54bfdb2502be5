//! Crash at every step: a real process is killed at every write of the journal and at every effect,
//! started again, and must end as if nothing had happened, with no effect had twice.
//!
//! `ROPEWALK_CRASH=all` kills the second process at every point too; without it, the second process runs
//! to its end. The table that is printed (`--nocapture`) says how many points were tried;
//! what was lost or done twice would have stopped the test before.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod check;
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
    let (mut points, mut processes, mut unknown, mut repeated) = (0, 0, 0, 0);
    for first in 1.. {
        // The second process is killed too, at each of its points, until it gets through.
        let mut got_through = false;
        for second in 1.. {
            let folder = tempfile::tempdir().unwrap();
            processes += 1;
            if let Ended::Done = run(folder.path(), Some(first), sessions) {
                got_through = true;
                break;
            }
            let killed_again = everything && {
                processes += 1;
                matches!(run(folder.path(), Some(second), sessions), Ended::Killed)
            };
            if killed_again || !everything {
                processes += 1;
                assert!(matches!(run(folder.path(), None, sessions), Ended::Done));
            }
            points += 1;
            let Checked { unknown: not_known, repeated: again } = check::all(
                folder.path(),
                sessions,
                &format!("killed at {first}, then at {second}"),
            );
            unknown += not_known;
            repeated += again;
            if !killed_again {
                break;
            }
        }
        if got_through {
            break;
        }
    }
    println!("{sessions}:");
    println!("kill points  processes  unknown and reported  idempotent, made again");
    println!("{points:>11}  {processes:>9}  {unknown:>20}  {repeated:>22}");
    assert!(points > 40, "only {points} points");
    assert!(unknown > 0 && repeated > 0, "no kill hit a tool while it ran");
}
