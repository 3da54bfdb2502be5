//! Runs a program and measures it from outside.
//!
//! `bench-launch PROGRAM [ARGUMENT…]` hands on what the program prints, and says at last, in one line
//! `LAUNCH {…}`, how long it took to its first line and to its end, and what of processor and memory it used.
//! This program is small, and starts nothing else: so the peak of memory is that of the program alone.

use std::env;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::json;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().ok_or("usage: bench-launch PROGRAM [ARGUMENT…]")?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped());

    let start = Instant::now();
    let mut child = command.spawn()?;
    let (mut first, mut printed) = (None, Vec::new());
    if let Some(mut out) = child.stdout.take() {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = out.read(&mut buffer)?;
            first.get_or_insert_with(|| start.elapsed());
            if count == 0 {
                break;
            }
            printed.extend_from_slice(&buffer[..count]);
        }
    }
    let status = child.wait()?;
    let wall = start.elapsed();

    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let line = json!({
        "first_s": first.unwrap_or(wall).as_secs_f64(),
        "wall_s": wall.as_secs_f64(),
        "cpu_s": (duration(used.user_time()) + duration(used.system_time())).as_secs_f64(),
        "peak_kb": used.max_rss(),
        "voluntary_switches": used.voluntary_context_switches(),
        "involuntary_switches": used.involuntary_context_switches(),
    });
    let mut out = std::io::stdout().lock();
    out.write_all(&printed)?;
    if !printed.ends_with(b"\n") && !printed.is_empty() {
        out.write_all(b"\n")?;
    }
    writeln!(out, "LAUNCH {line}")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_secs(time.tv_sec().unsigned_abs())
        + Duration::from_micros(time.tv_usec().unsigned_abs())
}
