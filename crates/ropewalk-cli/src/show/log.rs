//! Warnings of the libraries, for people.

use tracing_subscriber::filter::LevelFilter;

/// Shows warnings and errors on standard error; `ROPEWALK_LOG` (`error`, `info`, `debug`, `off`)
/// shows less or more.
pub(crate) fn start() {
    let level = std::env::var("ROPEWALK_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::WARN))
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .init();
}
