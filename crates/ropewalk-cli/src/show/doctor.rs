//! What was found on this machine, for people and programs.

use std::io::{self, Write as _};

use serde_json::json;

use super::plain::one_line;
use super::style;

/// How it stands with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    /// It may not work.
    Doubtful,
    /// It is not there, and need not be.
    Absent,
    Bad,
}

/// Something that was looked at.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) health: Health,
    pub(crate) what: String,
    /// How it stands, and what to do.
    pub(crate) told: String,
}

impl Finding {
    pub(crate) fn new(health: Health, what: &str, told: String) -> Self {
        Self { health, what: what.to_owned(), told }
    }
}

/// One finding, in one line.
pub(crate) fn finding(finding: &Finding, as_json: bool) -> io::Result<()> {
    let (word, mark, colour) = match finding.health {
        Health::Good => ("good", "ok", style::ADDED),
        Health::Doubtful => ("doubtful", "?", style::ASK),
        Health::Absent => ("absent", "-", style::DIM),
        Health::Bad => ("bad", "!!", style::ERROR),
    };
    let mut out = anstream::stdout().lock();
    if as_json {
        let value = json!({"what": finding.what, "health": word, "told": finding.told});
        writeln!(out, "{value}")?;
    } else {
        let (on, off) = (colour.render(), colour.render_reset());
        let told = one_line(&finding.told, usize::MAX);
        writeln!(out, "{on}{mark:<2}{off} {:<17} {told}", finding.what)?;
    }
    out.flush()
}
