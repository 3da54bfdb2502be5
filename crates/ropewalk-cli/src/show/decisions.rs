//! A log of decisions, for people and programs.

use std::io::{self, Write as _};

use ropewalk_approvals::{LogEntry, LogKind, Tampered, Verified};
use serde_json::{Value, json};

use super::plain::one_line;

/// One entry in one line.
pub(crate) fn entry(entry: &LogEntry, json: bool) -> io::Result<()> {
    line(&if json { entry_json(entry).to_string() } else { entry_text(entry) })
}

/// The log is whole.
pub(crate) fn verified(verified: &Verified, json: bool) -> io::Result<()> {
    let Verified { entries, head, repaired, .. } = verified;
    if json {
        let all = json!({"whole": true, "entries": entries, "head": head, "repaired": repaired});
        return line(&all.to_string());
    }
    let sealed = match repaired {
        0 => String::new(),
        repaired => format!(" ({repaired} of them about a line that was cut off)"),
    };
    line(&format!("nothing was changed: {entries} entries{sealed}\nhead: {head}"))
}

/// The log is not whole; people are told by the error.
pub(crate) fn tampered(tampered: &Tampered, json: bool) -> io::Result<()> {
    let Tampered { line: number, what, .. } = tampered;
    if json {
        line(&json!({"whole": false, "line": number, "what": what}).to_string())?;
    }
    Ok(())
}

fn entry_text(entry: &LogEntry) -> String {
    let what = match &entry.kind {
        LogKind::Opened { id } => format!("the log {id} begins"),
        LogKind::Decision { run_id, agent, decision } => {
            let text = |key: &str| decision.get(key).and_then(Value::as_str);
            let mut what = text("verdict").unwrap_or("?").to_owned();
            for (before, key) in
                [(" ", "tool"), (" by rule ", "rule"), (" by ", "by"), (": ", "reason")]
            {
                if let Some(text) = text(key) {
                    what.push_str(before);
                    what.push_str(text);
                }
            }
            format!("{what} [{agent}, run {run_id}]")
        }
        LogKind::Repaired { bytes, text, .. } => {
            format!("here stood a line that was cut off after {bytes} bytes: {text}")
        }
        _ => "something that this version does not know".to_owned(),
    };
    format!("{}  {}  {}", entry.seq, one_line(&entry.time, 40), one_line(&what, usize::MAX))
}

fn entry_json(entry: &LogEntry) -> Value {
    let mut all = json!({
        "seq": entry.seq,
        "time": entry.time,
        "prev": entry.prev,
        "hash": entry.hash,
    });
    match &entry.kind {
        LogKind::Opened { id } => all["opened"] = json!({"id": id}),
        LogKind::Decision { run_id, agent, decision } => {
            all["run_id"] = json!(run_id);
            all["agent"] = json!(agent);
            all["decision"] = decision.clone();
        }
        LogKind::Repaired { bytes, sha256, text } => {
            all["repaired"] = json!({"bytes": bytes, "sha256": sha256, "text": text});
        }
        _ => {}
    }
    all
}

fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}
